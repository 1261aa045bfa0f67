"""The score store in the annotate workflow: found, added to, and never a different result."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
from conftest import ROOT, Pipeline, Run

PATIENTS = ROOT / "assets" / "example" / "patients.vcf"
TABLE = Path("scores", "scores.parquet")


def summary(pipeline: Pipeline, run: Run) -> dict:
    """What SHARD_VARIANTS of a run found."""
    made = pipeline.launch.glob("work/*/*/variants.json")
    newest = max(made, key=lambda path: path.stat().st_mtime)
    return json.loads(newest.read_text())


def test_a_grown_cohort_scores_only_what_is_new(pipeline_at, example: Run, tmp_path: Path):
    pipeline = pipeline_at("store")
    store = ("-profile", "test", "--score_store", tmp_path / "it's a store")
    first = pipeline(*store, "--input", PATIENTS, results="first")
    assert first.status == 0, first.output
    assert summary(pipeline, first)["known"] == {"rows": 0, "alleles": 0, "imported": 0}
    before = summary(pipeline, first)["shard_rows"]

    grown = pipeline(*store, results="grown")
    assert grown.status == 0, grown.output
    found = summary(pipeline, grown)
    assert found["known"]["rows"] == before > 0
    assert found["shard_rows"] > 0
    assert pq.read_table(grown.results / TABLE).equals(pq.read_table(example.results / TABLE))

    # What this run added to the store does not make it a different run.
    again = pipeline(*store, "-resume", results="grown")
    assert again.status == 0, again.output
    assert set(again.tasks().values()) == {"CACHED"}

    whole = pipeline(*store, results="whole")
    assert whole.status == 0, whole.output
    assert summary(pipeline, whole)["shards"] == 0
    assert not [task for task in whole.tasks() if task.startswith("SCORE_VARIANTS")]
    assert pq.read_table(whole.results / TABLE).equals(pq.read_table(example.results / TABLE))
