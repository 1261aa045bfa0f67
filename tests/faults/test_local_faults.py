"""Faults on one machine. After each: the right result, or one clear sentence and no VCF."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter

import pytest
from disturbed_runs import BIN, EXAMPLE, Finished, Pipeline, wait_for


def assert_right(finished: Finished, undisturbed: Finished) -> None:
    assert finished.returncode == 0, finished.log
    assert finished.results == undisturbed.results


def assert_stopped(finished: Finished, sentence: str) -> None:
    assert finished.returncode != 0, finished.log
    assert sentence in finished.sentence, finished.log
    assert not list(finished.outdir.glob("annotated/*"))


@pytest.mark.parametrize(
    ("name", "status"), [("KILL", "137"), ("TERM", "143")], ids=["kill", "terminate"]
)
def test_a_killed_task_is_tried_again_with_more_memory(pipeline, undisturbed, name, status):
    pipeline.shim(
        "score_variants.py",
        f'mkdir "$STATE/killed" 2>/dev/null && kill -{name} $$\nexec "$REAL" "$@"',
    )
    finished = pipeline.run()
    assert_right(finished, undisturbed)
    failed = [row for row in finished.tasks if row["status"] == "FAILED"]
    assert [row["exit"] for row in failed] == [status]
    again = [row for row in finished.named("SCORE_VARIANTS") if row["name"] == failed[0]["name"]]
    assert [row["attempt"] for row in again] == ["1", "2"]
    assert int(again[1]["memory"]) > int(again[0]["memory"])


def test_a_task_that_always_dies_stops_the_run(pipeline):
    pipeline.shim("merge_scores.py", "kill -KILL $$")
    finished = pipeline.run()
    assert finished.returncode != 0
    assert "MERGE_SCORES" in finished.log
    assert "137" in finished.log
    assert [row["attempt"] for row in finished.named("MERGE_SCORES")] == ["1", "2", "3", "4"]
    assert not finished.results


def test_the_engine_is_killed_and_the_run_resumed(pipeline, undisturbed):
    # two shards are scored, the others wait until the first engine is gone
    pipeline.shim(
        "score_variants.py",
        """
if [ ! -e "$STATE/resumed" ] && [ "$(cat "$STATE"/scored 2>/dev/null | wc -l)" -ge 2 ]; then
    touch "$STATE/waiting"
    sleep 600
fi
"$REAL" "$@" && echo "$2" >>"$STATE/scored"
""",
    )
    engine = pipeline.start()
    wait_for(pipeline.state("waiting").exists)
    # the engine notes a finished task in its cache when it next looks, after the task's own end
    trace = pipeline.folder / "out" / "pipeline_info" / "trace.txt"
    wait_for(lambda: trace.exists() and trace.read_text().count("SCORE_VARIANTS") >= 2)
    os.killpg(engine.pid, signal.SIGKILL)
    engine.communicate()
    pipeline.state("resumed").touch()

    assert_right(pipeline.run("-resume"), undisturbed)
    scored = Counter(pipeline.state("scored").read_text().split())
    assert len(scored) > 2
    assert set(scored.values()) == {1}


@pytest.fixture
def small_disk(pipeline):
    """A file system of a few megabytes."""
    folder = pipeline.folder / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this user can't mount a small file system to fill")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_the_disk_is_full(pipeline, small_disk):
    (small_disk / "ballast").write_bytes(b"x" * 2_300_000)
    pipeline.workdir = small_disk / "work"
    finished = pipeline.run()
    assert finished.returncode != 0
    assert "disk is full" in finished.sentence or "No space left" in finished.log, finished.log
    assert not finished.results


def test_a_damaged_shard_is_refused(pipeline):
    pipeline.shim(
        "shard_variants.py", '"$REAL" "$@" && truncate -s -100 shards/shard_00002.parquet'
    )
    assert_stopped(pipeline.run(), "can't be read as a shard")


def test_scores_that_are_missing_are_noticed(pipeline):
    pipeline.shim("shard_variants.py", '"$REAL" "$@" && rm shards/shard_00002.parquet')
    assert_stopped(pipeline.run(), "has no row in the scores table")


def test_records_that_get_lost_on_writing_are_noticed(pipeline):
    path = pipeline.shims / "annotate_vcf.py"
    path.write_text(
        f"""#!{sys.executable}
import runpy
import sys

sys.path.insert(0, {str(BIN)!r})
import spliceflow.scores.annotate as annotate

class Losing(annotate.BgzipWriter):
    def write_packed(self, blocks):
        super().write_packed(b"")

annotate.BgzipWriter = Losing
runpy.run_path({str(BIN / "annotate_vcf.py")!r}, run_name="__main__")
""",
        encoding="utf-8",
    )
    path.chmod(0o755)
    assert_stopped(pipeline.run(), "records were written for")


def test_a_download_that_is_not_the_published_file(pipeline, tmp_path):
    weights = tmp_path / "model_80nt_rs10.pt"
    weights.write_bytes(b"not what was published")
    config = pipeline.folder / "catalogue.config"
    config.write_text(
        f"""
params.model_catalogue.altered = [
    family: 'openspliceai', info_tag: 'OpenSpliceAI', context: 80, species: 'none',
    assembly: 'none', licence: 'none', citation: 'none', provenance: 'none',
    files: [[url: 'file://{weights}', sha256: '{hashlib.sha256(b"published").hexdigest()}']],
]
""",
        encoding="utf-8",
    )
    pipeline.parameters |= {"model": "altered", "model_cache": str(tmp_path / "cache")}
    assert_stopped(pipeline.run("-c", str(config)), "is not the published file")
    assert not list((tmp_path / "cache").rglob("bundle.json"))


def test_folders_with_spaces_quotes_and_letters_of_other_alphabets(
    tmp_path, model, shard_cost, undisturbed
):
    pipeline = Pipeline(tmp_path / "läuft 'hier' & 数据 (1)", model, shard_cost)
    pipeline.workdir = pipeline.folder / "work dir ü"
    inputs = pipeline.folder / "my input"
    shutil.copytree(EXAMPLE, inputs)
    pipeline.parameters |= {
        "input": str(inputs / "patients.vcf"),
        "fasta": str(inputs / "genome.fa.gz"),
        "annotation": str(inputs / "genes.gtf.gz"),
        "outdir": "results of ü",
    }
    assert_right(pipeline.run(), undisturbed)


def test_two_runs_at_once_in_one_folder(pipeline, undisturbed):
    both = [pipeline.start(), pipeline.start()]
    for finished in [pipeline.finish(process) for process in both]:
        assert_right(finished, undisturbed)


def test_an_input_folder_that_is_read_only(pipeline, undisturbed):
    inputs = pipeline.folder / "inputs"
    inputs.mkdir()
    for name in ("patients.vcf", "genome.fa.gz", "genes.gtf.gz"):  # without any index
        shutil.copy(EXAMPLE / name, inputs)
    for path in [*inputs.iterdir(), inputs]:
        path.chmod(path.stat().st_mode & ~0o222)
    bound = os.geteuid() == 0
    if bound and subprocess.run(["mount", "--bind", "-o", "ro", inputs, inputs]).returncode:
        pytest.skip("root writes to everything here: no read-only mount can be made")
    pipeline.parameters |= {
        "input": str(inputs / "patients.vcf"),
        "fasta": str(inputs / "genome.fa.gz"),
        "annotation": str(inputs / "genes.gtf.gz"),
    }
    try:
        assert_right(pipeline.run(), undisturbed)
        assert len(list(inputs.iterdir())) == 3
    finally:
        if bound:
            subprocess.run(["umount", "--lazy", inputs], check=True)
        inputs.chmod(0o755)


def test_an_input_that_is_replaced_before_the_resume(pipeline):
    source = (EXAMPLE / "patients.vcf").read_text(encoding="utf-8").splitlines(keepends=True)
    header = [line for line in source if line.startswith("#")]
    records = [line for line in source if not line.startswith("#")]
    vcf = pipeline.folder / "patients.vcf"
    pipeline.parameters["input"] = str(vcf)
    vcf.write_text("".join(header + records[:20]), encoding="utf-8")
    first = pipeline.run()
    assert first.returncode == 0, first.log
    vcf.write_text("".join(header + records[20:]), encoding="utf-8")
    resumed = pipeline.run("-resume")
    assert resumed.returncode == 0, resumed.log
    with gzip.open(resumed.outdir / "annotated" / "patients.vcf.gz", "rt") as handle:
        written = [line.split("\t")[:5] for line in handle if not line.startswith("#")]
    assert written == [line.split("\t")[:5] for line in records[20:]]

    pipeline.parameters["outdir"] = str(pipeline.folder / "fresh")
    pipeline.workdir = pipeline.folder / "fresh_work"
    assert resumed.results == pipeline.run().results


def _works(engine: str) -> bool:
    if not shutil.which(engine):
        return False
    return subprocess.run([engine, "info"], capture_output=True).returncode == 0


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_an_image_that_can_not_be_pulled(pipeline, engine):
    if not _works(engine):
        pytest.skip(f"{engine} is not running here")
    pipeline.profile = engine
    pipeline.parameters["image_registry"] = "localhost:1/nowhere"
    finished = pipeline.run()
    assert_stopped(finished, "localhost:1/nowhere/spliceflow/scoring-cpu")
