"""The same bytes wherever the tasks run: in containers, on a cluster, with or without GPUs of it.

podman and docker are used where they answer and hold the images (`make images`), Slurm where
SPLICEFLOW_TEST_SLURM=1 says that the cluster is there for tests.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from disturbed_runs import EXAMPLE, ROOT, Finished, Pipeline

SHARDS = 200


@pytest.fixture(params=["podman", "docker", "slurm"])
def place(request: pytest.FixtureRequest) -> str:
    """A profile that works on this machine."""
    if request.param == "slurm":
        request.getfixturevalue("slurm_config")
        return request.param
    version = re.search(r"version\s*= '(.+)'", (ROOT / "nextflow.config").read_text())[1]
    for image in ("scoring-cpu", "report"):
        name = f"localhost/spliceflow/{image}:{version}"
        if (
            not shutil.which(request.param)
            or subprocess.run(
                [request.param, "image", "inspect", name], capture_output=True
            ).returncode
        ):
            pytest.skip(f"{request.param} does not have {name} here: run `make images`")
    return request.param


def run_at(place: str, pipeline: Pipeline, request: pytest.FixtureRequest) -> Finished:
    pipeline.profile = place
    if place == "slurm":
        config = request.getfixturevalue("slurm_config")
        with (pipeline.folder / "trace.config").open("a", encoding="utf-8") as handle:
            handle.write(config)
    finished = pipeline.run()
    assert finished.returncode == 0, finished.log
    return finished


def example_at(folder: Path, model: Path) -> Pipeline:
    """All files of the example, with the real report."""
    pipeline = Pipeline(folder, model, None)
    (pipeline.shims / "report.py").unlink()
    pipeline.parameters["input"] = str(EXAMPLE / "samplesheet.csv")
    return pipeline


@pytest.fixture(scope="session")
def example_here(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Finished:
    finished = example_at(tmp_path_factory.mktemp("example"), model).run()
    assert finished.returncode == 0, finished.log
    return finished


def test_the_example(place, example_here, tmp_path, model, request):
    finished = run_at(place, example_at(tmp_path / "launch", model), request)
    assert len(finished.results) == 4
    assert finished.results == example_here.results
    assert (finished.outdir / "multiqc" / "multiqc_report.html").is_file()
    if place != "slurm":
        assert all("spliceflow/" in row["container"] for row in finished.tasks)


@pytest.fixture(scope="session")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 sites and 20 samples on the genome of the example."""
    folder = tmp_path_factory.mktemp("cohort")
    subprocess.run(
        [
            *(sys.executable, ROOT / "benchmarks" / "generate_cohort.py"),
            *("--sites", "2000", "--samples", "20", "--output-dir", folder),
        ],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.vcf*"))


@pytest.fixture(scope="session")
def cohort_here(tmp_path_factory: pytest.TempPathFactory, model: Path, cohort: Path) -> Finished:
    """The cohort in one shard, on this machine."""
    pipeline = Pipeline(tmp_path_factory.mktemp("here"), model, None)
    pipeline.parameters["input"] = str(cohort)
    finished = pipeline.run()
    assert finished.returncode == 0, finished.log
    return finished


def test_a_cohort_of_200_shards(place, cohort, cohort_here, pipeline, request):
    summary = next(cohort_here.outdir.parent.glob("work/*/*/variants.json"))
    cost = json.loads(summary.read_text(encoding="utf-8"))["cost"]
    pipeline.parameters["shard_cost"] = f"{cost / SHARDS:.0f}"
    pipeline.parameters["input"] = str(cohort)
    with (pipeline.folder / "trace.config").open("a", encoding="utf-8") as handle:
        handle.write("process { withLabel: '.*_scoring' { cpus = 1 } }\n")
    finished = run_at(place, pipeline, request)
    assert len(finished.named("SCORE_VARIANTS")) >= SHARDS
    assert len(finished.results) == 2
    assert finished.results == cohort_here.results


def test_gpus_of_slurm_go_to_the_tasks_that_score(slurm_config, pipeline, undisturbed, request):
    told = 'echo "$CUDA_VISIBLE_DEVICES" >>"$STATE/{}"\nexec "$REAL" "$@"'
    pipeline.shim("score_variants.py", told.format("scoring"))
    pipeline.shim("merge_scores.py", told.format("merging"))
    # GPUs in name only: they are asked for, and the scoring then takes place on the CPU
    pipeline.parameters |= {"gpu_type": "fake", "device": "auto", "array_size": "2"}
    pipeline.profile = "slurm,gpu"
    with (pipeline.folder / "trace.config").open("a", encoding="utf-8") as handle:
        handle.write(slurm_config)
    finished = pipeline.run()
    assert finished.returncode == 0, finished.log
    assert finished.results == undisturbed.results
    given = pipeline.state("scoring").read_text().splitlines()
    assert len(given) == len(finished.named("SCORE_VARIANTS")) > 1
    assert set(given) <= {"0", "1"}
    assert pipeline.state("merging").read_text() == "\n"
