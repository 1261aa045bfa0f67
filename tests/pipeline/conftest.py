"""Runs of the real engine on a copy of the project; few, because each start costs seconds."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = (
    *("main.nf", "nextflow.config", "nextflow_schema.json"),
    *("assets", "bin", "conf", "functions", "modules", "workflows"),
)


@dataclass(frozen=True)
class Run:
    """One finished run: exit status, everything it printed, and where its results are."""

    status: int
    output: str
    results: Path

    def tasks(self) -> dict[str, str]:
        """Status (COMPLETED, CACHED, FAILED) by task, e.g. ``MERGE_SCORES``."""
        with (self.results / "pipeline_info" / "trace.txt").open() as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
        return {row["name"].removeprefix("ANNOTATE:"): row["status"] for row in rows}


@dataclass(frozen=True)
class Pipeline:
    """The project and a folder to launch it from."""

    project: Path
    launch: Path

    def __call__(self, *arguments: str | Path, results: str | None = "results") -> Run:
        """Run the pipeline; ``results`` is its --outdir below the launch folder, if any."""
        self.launch.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {"NXF_ANSI_LOG": "false"}
        environment["PATH"] = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
        outdir = ("--outdir", results) if results else ()
        done = subprocess.run(
            ["nextflow", "run", self.project, *map(str, arguments), *outdir],
            cwd=self.launch,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Run(done.returncode, done.stdout, self.launch / (results or "results"))


@pytest.fixture(scope="session")
def pipeline_at(tmp_path_factory) -> Callable[[str], Pipeline]:
    """Make a pipeline that launches from a new folder of that name; all share one project."""
    if not (ROOT / ".venv/bin/nextflow").is_file() and not shutil.which("nextflow"):
        pytest.skip("nextflow is not installed: run `make setup`")
    project = tmp_path_factory.mktemp("project")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "tests")
            shutil.copytree(source, project / part, ignore=ignored)
        else:
            shutil.copy(source, project / part)
    (project / "docs").mkdir()
    (project / "docs" / "usage.md").write_text("How to use it.\n")
    launches = tmp_path_factory.mktemp("launch")
    return lambda name: Pipeline(project, launches / name)


@pytest.fixture(scope="session")
def example_pipeline(pipeline_at) -> Pipeline:
    """Launches from one folder, so that ``-resume`` finds the tasks of the example."""
    return pipeline_at("example")


@pytest.fixture(scope="session")
def example(example_pipeline) -> Run:
    """The bundled example as `make example` runs it."""
    run = example_pipeline("-profile", "test")
    assert run.status == 0, run.output
    return run
