"""The annotate workflow on the real engine: results, -resume, awkward and bad input."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import ROOT, Pipeline, Run

EXAMPLE = ROOT / "assets" / "example"
SAMPLES = ("family", "patients", "panel")


def text_of(vcf: Path) -> list[str]:
    """Lines of a plain or compressed VCF."""
    packed = vcf.read_bytes()
    return (gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed).decode().splitlines()


def records(vcf: Path) -> list[list[str]]:
    """Fields of every record but INFO."""
    rows = [line.split("\t") for line in text_of(vcf) if not line.startswith("#")]
    return [row[:7] + row[8:] for row in rows]


def input_of(sample: str) -> Path:
    """The example's input file of a sample."""
    for line in (EXAMPLE / "samplesheet.csv").read_text().splitlines():
        if line.startswith(f"{sample},"):
            return EXAMPLE / line.split(",")[1]
    raise AssertionError(f"no sample {sample}")


def test_example_has_every_output(example: Run):
    made = {
        str(path.relative_to(example.results))
        for path in example.results.rglob("*")
        if path.is_file() and "multiqc_data" not in path.parts
    }
    assert made >= {
        "multiqc/multiqc_report.html",
        "scores/scores.parquet",
        *(f"annotated/{sample}.vcf.gz" for sample in SAMPLES),
        *(f"annotated/{sample}.vcf.gz.tbi" for sample in SAMPLES),
        "pipeline_info/trace.txt",
        "pipeline_info/report.html",
        "pipeline_info/timeline.html",
        "pipeline_info/dag.mmd",
        "pipeline_info/params.json",
        "pipeline_info/versions.yml",
    }


def test_the_report_says_what_each_process_cost(example: Run):
    page = (example.results / "multiqc" / "multiqc_report.html").read_text()
    table = (example.results / "pipeline_info" / "cost.tsv").read_text().splitlines()[1:]
    assert [line.split("\t")[0] for line in table][-3:] == [
        "SCORE_VARIANTS",
        "SHARD_VARIANTS",
        "total",
    ]
    cell = re.compile(r"<td[^>]*>([^<]*)</td>")
    shown = re.search("<!-- cost by process -->(.*)<!-- end of cost", page)[1].split("</tr>")
    rows = [cell.findall(row) for row in shown if cell.search(row)]
    assert rows == [line.split("\t") for line in table]
    assert "116 pairs of allele and gene to score, in shards: 1" in example.output


def test_scores_do_not_depend_on_the_shards(example: Run, example_pipeline: Pipeline):
    summary = next((example_pipeline.launch / "work").glob("*/*/variants.json"))
    third = json.loads(summary.read_text())["cost"] / 3
    run = example_pipeline("-profile", "test", "--shard_cost", third, "-resume", results="sharded")
    assert run.status == 0, run.output
    assert sum(task.startswith("SCORE_VARIANTS") for task in run.tasks()) > 1
    table = Path("scores", "scores.parquet")
    assert pq.read_table(run.results / table).equals(pq.read_table(example.results / table))
    for sample in SAMPLES:
        vcf = Path("annotated", f"{sample}.vcf.gz")
        assert text_of(run.results / vcf) == text_of(example.results / vcf)


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_record_leaves_once_in_order_and_unchanged(example: Run, sample: str):
    given = records(input_of(sample))
    assert records(example.results / "annotated" / f"{sample}.vcf.gz") == given
    assert given


def test_scores_and_statuses_are_in_table_and_vcf(example: Run):
    table = pq.read_table(example.results / "scores" / "scores.parquet")
    scored = table.filter(table["status"].to_numpy(zero_copy_only=False) == "scored")
    assert scored.num_rows > 50
    assert max(scored["ds_al"].to_pylist()) > 0.5
    info = [
        line.split("\t")[7]
        for line in text_of(example.results / "annotated" / "panel.vcf.gz")
        if not line.startswith("#")
    ]
    assert any("|" in field for field in info)


def test_nothing_runs_again_for_a_change_of_the_docs(example: Run, example_pipeline: Pipeline):
    (example_pipeline.project / "docs" / "usage.md").write_text("How to use it, in other words.\n")
    again = example_pipeline("-profile", "test", "-resume")
    assert again.status == 0, again.output
    assert set(again.tasks()) == set(example.tasks())
    assert set(again.tasks().values()) == {"CACHED"}


def test_a_changed_line_in_the_library_runs_tasks_again(example_pipeline: Pipeline, example: Run):
    library = example_pipeline.project / "bin" / "spliceflow" / "atomic.py"
    before = library.read_text()
    arguments = ("-profile", "test", "-stub", "--input", input_of("panel"))
    try:
        first = example_pipeline(*arguments, results="before")
        library.write_text(before + "\n# another line\n")
        changed = example_pipeline(*arguments, "-resume", results="after")
    finally:
        library.write_text(before)
    assert first.status == changed.status == 0, changed.output
    assert set(changed.tasks().values()) == {"COMPLETED"}


def test_awkward_input_is_annotated(pipeline_at, tmp_path: Path):
    """Unsorted, empty and hostile-named files, in folders with spaces and other letters."""
    folder = tmp_path / "data of 'Zoë' `touch pwned`"
    folder.mkdir()
    lines = text_of(input_of("patients"))
    header = [line for line in lines if line.startswith("#")]
    body = [line for line in lines if not line.startswith("#")]
    random.Random(1).shuffle(body)
    hostile = folder / 'un "sorted"; touch pwned & \\ `touch pwned`.vcf'
    hostile.write_text("\n".join(header + body) + "\n")
    (folder / "[empty]*.vcf").write_text("\n".join(header) + "\n")
    sheet = folder / "sheet.csv"
    quoted = hostile.name.replace('"', '""')
    sheet.write_text(f'sample,vcf\nunsorted,"{quoted}"\nempty,[empty]*.vcf\n')
    for name in ("genome.fa.gz", "genes.gtf.gz"):
        (folder / f"it's {name}").write_bytes((EXAMPLE / name).read_bytes())
    run = pipeline_at("launched from (ä) \"b' c")(
        *("-profile", "test", "--input", sheet),
        *("--fasta", folder / "it's genome.fa.gz", "--annotation", folder / "it's genes.gtf.gz"),
        results="results of $(touch pwned)",
    )
    assert run.status == 0, run.output
    assert records(run.results / "annotated" / "unsorted.vcf.gz") == records(hostile)
    assert records(run.results / "annotated" / "empty.vcf.gz") == []
    assert not list(tmp_path.rglob("pwned"))
    assert not list(run.results.parent.rglob("pwned"))


def test_a_cohort_without_variants_gives_empty_results(
    example_pipeline: Pipeline, example, tmp_path
):
    empty = tmp_path / "empty.vcf"
    header = [line for line in text_of(input_of("patients")) if line.startswith("#")]
    empty.write_text("\n".join(header) + "\n")
    run = example_pipeline("-profile", "test", "--input", empty, "-resume", results="empty")
    assert run.status == 0, run.output
    assert pq.read_table(run.results / "scores" / "scores.parquet").num_rows == 0
    assert (run.results / "multiqc" / "multiqc_report.html").is_file()


@pytest.mark.parametrize("fault", ["cut off", "on a contig of the FASTA"])
def test_bad_input_ends_with_one_sentence(
    example_pipeline: Pipeline, example: Run, tmp_path: Path, fault: str
):
    bad = tmp_path / "bad.vcf.gz"
    packed = input_of("panel").read_bytes()
    if fault == "cut off":
        bad.write_bytes(packed[: len(packed) // 2])
        arguments = ("--input", bad)
    else:
        bad.write_bytes(packed)
        other = tmp_path / "other.fa"
        other.write_text(">elsewhere\nACGTACGTAC\n")
        arguments = ("--input", bad, "--fasta", other)
    # what a run has cost can't be written here, which does not hide the sentence
    (example_pipeline.launch / fault / "pipeline_info" / "cost.tsv").mkdir(parents=True)
    run = example_pipeline("-profile", "test", *arguments, "-resume", results=fault)
    assert run.status != 0
    stated = [line for line in run.output.splitlines() if line.strip().startswith("error: ")]
    assert len(set(map(str.strip, stated))) == 1, run.output
    sentence = stated[0].strip().removeprefix("error: ")
    assert fault in sentence
    assert sentence in run.output.split("Execution cancelled")[-1], "the sentence stands last"
    assert "Traceback" not in run.output
    assert "What the run has cost is not written" in run.output
    assert not (run.results / "annotated").exists()


def test_unknown_parameter_starts_no_process(example_pipeline: Pipeline):
    run = example_pipeline("-profile", "test", "--distanc", "9", results="unknown")
    assert run.status != 0
    assert "Unknown parameter --distanc: did you mean --distance?" in run.output
    assert "Submitted process" not in run.output


def test_help_prints_every_parameter_and_writes_nothing(pipeline_at):
    run = pipeline_at("help")("--help")
    assert run.status == 0
    for name in ("input", "fasta", "annotation", "model", "distance", "outdir"):
        assert f"--{name} " in run.output
    assert not run.results.exists()


@pytest.mark.parametrize("parser", ["classic", "strict"])
def test_an_outdir_without_a_value_makes_no_folder_of_that_name(pipeline_at, monkeypatch, parser):
    if parser == "strict":  # command lines arrive as text then
        monkeypatch.setenv("NXF_DISABLE_PARAMS_TYPE_DETECTION", "true")
    pipeline = pipeline_at(f"no outdir, {parser}")
    run = pipeline("-profile", "test", "--help", "false", "--outdir", results=None)
    assert run.status != 0
    assert "--outdir has no value: give a text" in run.output
    assert "Input\n" not in run.output, "this is no help"
    made = {path.name for path in pipeline.launch.iterdir() if not path.name.startswith(".")}
    assert made <= {"work"}


@dataclass(frozen=True)
class Published:
    """A model behind a URL: its address, the SHA-256 of its files, and requests so far.

    While ``meeting`` has a barrier, the first downloads of bundle.json wait there for each other.
    """

    address: str
    sums: dict[str, str]
    requests: list[str]
    meeting: list[threading.Barrier]

    def catalogue(self, folder: Path, sums: dict[str, str] | None = None) -> tuple[str, Path]:
        """Configuration with the model in the catalogue, as 'mine'."""
        files = ", ".join(
            f"[url: '{self.address}/{name}', sha256: '{digest}']"
            for name, digest in (sums or self.sums).items()
        )
        config = folder / "models.config"
        config.write_text(f"params.model_catalogue.mine = [info_tag: 'X', files: [{files}]]\n")
        return "-c", config


@pytest.fixture
def published():
    """The bundled model, served by this machine."""
    bundle = ROOT / "assets" / "models" / "spliceflow-human"
    requests: list[str] = []
    meeting: list[threading.Barrier] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_request(self, code="-", size="-"):
            requests.append(self.path)

        def do_GET(self):
            if meeting and self.path == "/bundle.json":
                meeting[0].wait(timeout=120)
            super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(bundle)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sums = {
        file.name: sha256(file.read_bytes()).hexdigest()
        for file in bundle.iterdir()
        if file.suffix in (".json", ".onnx")
    }
    yield Published(f"http://127.0.0.1:{server.server_port}", sums, requests, meeting)
    server.shutdown()
    server.server_close()


@pytest.fixture
def one_variant(tmp_path: Path) -> Path:
    """The last record of the example's patients."""
    lines = text_of(input_of("patients"))
    header = [line for line in lines if line.startswith("#")]
    (tmp_path / "one.vcf").write_text("\n".join([*header, lines[-1]]) + "\n")
    return tmp_path / "one.vcf"


def test_a_catalogue_model_is_fetched_once_and_checked(
    pipeline_at, published: Published, one_variant: Path, tmp_path: Path
):
    pipeline = pipeline_at("catalogue")
    only = ("-profile", "test", "--input", one_variant, "--model", "mine")
    altered = published.catalogue(tmp_path, dict.fromkeys(published.sums, "0" * 64))
    wrong = pipeline(*only, *altered, results="wrong")
    assert wrong.status != 0
    assert "not the published file" in wrong.output
    assert not list((pipeline.launch / "models").rglob("*.*"))

    only += published.catalogue(tmp_path)
    first = pipeline(*only, results="first")
    assert first.status == 0, first.output
    assert "EXPORT_MODEL (mine)" in first.tasks()
    (kept,) = (pipeline.launch / "models").iterdir()
    assert {path.name for path in (kept / "bundle").iterdir()} == set(published.sums)
    assert [path.name for path in kept.iterdir()] == ["bundle"]

    # -resume finds every task of the run that fetched it, and no run needs the network
    seen = len(published.requests)
    resumed = pipeline(*only, "-resume", results="first")
    assert resumed.status == 0, resumed.output
    assert set(resumed.tasks().values()) == {"CACHED"}
    second = pipeline(*only, "-work-dir", "elsewhere", results="second")
    assert second.status == 0, second.output
    assert "EXPORT_MODEL (mine)" not in second.tasks()
    assert f"Model mine: kept in {kept}" in second.output
    assert len(published.requests) == seen

    # the same size and date, another byte
    member = kept / "bundle" / next(name for name in published.sums if name.endswith(".onnx"))
    before = member.stat()
    content = bytearray(member.read_bytes())
    content[len(content) // 2] ^= 1
    member.write_bytes(content)
    os.utime(member, ns=(before.st_atime_ns, before.st_mtime_ns))
    damaged = pipeline(*only, results="damaged")
    assert damaged.status != 0
    assert f"The model kept in {kept} is not complete or was changed" in damaged.output
    assert "Submitted process" not in damaged.output


def test_two_first_runs_with_a_catalogue_model_both_succeed(
    pipeline_at, published: Published, one_variant: Path, tmp_path: Path
):
    published.meeting.append(threading.Barrier(2))
    both = [pipeline_at("first of two"), pipeline_at("second of two")]
    arguments = (
        *("-profile", "test", "--input", one_variant, "--model", "mine"),
        *("--model_cache", tmp_path / "kept", *published.catalogue(tmp_path)),
    )
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda pipeline: pipeline(*arguments), both))
    for run in runs:
        assert run.status == 0, run.output
        assert "EXPORT_MODEL (mine)" in run.tasks()
    tables = [pq.read_table(run.results / "scores" / "scores.parquet") for run in runs]
    assert tables[0].num_rows > 0
    assert tables[0].equals(tables[1])
    (kept,) = (tmp_path / "kept").iterdir()
    assert [path.name for path in kept.iterdir()] == ["bundle"]

    published.meeting.clear()
    seen = len(published.requests)
    third = pipeline_at("third")(*arguments)
    assert third.status == 0, third.output
    assert "EXPORT_MODEL (mine)" not in third.tasks()
    assert len(published.requests) == seen
