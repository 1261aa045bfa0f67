"""Runs of the pipeline that something goes wrong in: `make test-faults`.

Entrypoints are put out of order by a program of the same name that comes earlier on PATH; the
pipeline itself is never changed. Every test compares with one undisturbed run.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from disturbed_runs import ROOT, Finished, Pipeline, squeue_answers

# a test cluster tells within seconds that a job is gone, and has no accounting
SLURM = """
executor.exitReadTimeout = '15 sec'
executor.pollInterval = '2 sec'
executor.queueStatInterval = '2 sec'
process.resourceLimits = [cpus: 2, memory: 4.GB, time: 1.h]
"""

# these runs take minutes: `make test` leaves them out
if not os.environ.get("SPLICEFLOW_FAULTS"):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def model() -> Path:
    """The bundled model, or the one that SPLICEFLOW_TEST_MODEL names."""
    path = Path(
        os.environ.get("SPLICEFLOW_TEST_MODEL", ROOT / "assets" / "models" / "spliceflow-human")
    )
    if not (path / "bundle.json").is_file():
        pytest.skip(f"no model bundle in {path}: set SPLICEFLOW_TEST_MODEL to one")
    return path


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Finished:
    """One run without faults, all alleles in one shard."""
    pipeline = Pipeline(tmp_path_factory.mktemp("undisturbed"), model, None)
    finished = pipeline.run()
    assert finished.returncode == 0, finished.log
    assert set(finished.results) == {"scores.parquet", "patients.vcf.gz"}
    return finished


@pytest.fixture(scope="session")
def shard_cost(undisturbed: Finished) -> float:
    """Cost that cuts the example's alleles into several shards."""
    summary = next(undisturbed.outdir.parent.glob("work/*/*/variants.json"))
    return json.loads(summary.read_text(encoding="utf-8"))["cost"] / 3


@pytest.fixture
def pipeline(tmp_path: Path, model: Path, shard_cost: float) -> Iterator[Pipeline]:
    """The pipeline in a fresh folder, which goes when the test is over."""
    yield Pipeline(tmp_path / "launch", model, shard_cost)
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.fixture
def slurm_config() -> str:
    """Settings of the engine for the test cluster, if it is up."""
    if not os.environ.get("SPLICEFLOW_TEST_SLURM"):
        pytest.skip("SPLICEFLOW_TEST_SLURM is not set: no Slurm cluster is there for tests")
    if not shutil.which("sinfo") or not squeue_answers():
        pytest.skip("SPLICEFLOW_TEST_SLURM is set, but Slurm is not up: squeue has no answer")
    return SLURM
