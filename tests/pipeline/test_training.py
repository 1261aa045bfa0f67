"""The training side on the real engine: a tiny ensemble, and everything that is made from it."""

from __future__ import annotations

import csv
import json
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import ROOT, Pipeline, Run

pytest.importorskip("torch", reason="training needs PyTorch: run 'make setup-training'")

EXAMPLE = ROOT / "assets" / "example"
SPECIES = ("--fasta", EXAMPLE / "genome.fa.gz", "--annotation", EXAMPLE / "genes.gtf.gz")
TINY = (
    *("--context", "80", "--channels", "16", "--epochs", "1", "--window", "2000"),
    *("--learning_rate", "0.002", "--test_share", "0.3", "--validation_share", "0.3"),
)


@pytest.fixture(scope="module")
def training(pipeline_at) -> Pipeline:
    """Launches from one folder."""
    return pipeline_at("training")


@pytest.fixture(scope="module")
def trained(training: Pipeline) -> Run:
    """Two members, calibrated, evaluated and exported."""
    run = training(
        *("--workflow", "train", "--members", "2", "--model_name", "tiny", *SPECIES, *TINY),
        results="trained",
    )
    assert run.status == 0, run.output
    return run


def test_train_ends_with_a_described_bundle(trained: Run):
    card = json.loads((trained.results / "model" / "bundle.json").read_text())
    assert card["name"] == "tiny"
    assert len(card["members"]) == 2
    assert card["temperature"] > 0
    assert "test_auprc_donor" in card["metrics"]
    assert "Taught on" in card["provenance"]
    assert "# tiny" in (trained.results / "model" / "MODEL_CARD.md").read_text()
    assert "<svg" in (trained.results / "training.html").read_text()
    (manifest,) = (trained.results / "dataset").glob("*.manifest.json")
    splits = json.loads(manifest.read_text())
    names = [set(splits[split]["names"]) for split in ("train", "validation", "test")]
    assert all(names)
    assert not names[0] & names[1]
    assert not (names[0] | names[1]) & names[2]


def test_evaluate_takes_the_bundle(training: Pipeline, trained: Run):
    run = training(
        *("--workflow", "evaluate", "--model", trained.results / "model", *SPECIES),
        results="evaluated",
    )
    assert run.status == 0, run.output
    (table,) = (run.results / "evaluation").glob("*.csv")
    rows = list(csv.DictReader(table.open()))
    assert {row["site"] for row in rows} == {"acceptor", "donor", "both"}
    assert int(next(row["sites"] for row in rows if row["contig"] == "all")) > 20


def test_transfer_starts_from_given_weights(training: Pipeline, trained: Run, tmp_path: Path):
    arguments = (
        *("--workflow", "transfer", "--pretrained", "mine", "--checkpoints", "kept here"),
        *("--members", "1", "--unfreeze", "1", "--model_name", "moved", *SPECIES, *TINY),
    )
    # published weights are used, and checked, whether or not their bundle is in the model cache
    weights = sorted((trained.results / "weights").glob("*.pt"))
    sums = [sha256(path.read_bytes()).hexdigest() for path in weights]
    other = training(*arguments, *published(tmp_path, weights, sums[::-1]), results="other")
    assert other.status != 0
    assert "seed_42.pt is not the published file" in other.output
    run = training(
        *arguments, *published(tmp_path, weights, sums), "-resume", results="transferred"
    )
    assert run.status == 0, run.output
    card = json.loads((run.results / "model" / "bundle.json").read_text())
    assert card["provenance"].startswith("Started from")
    assert list((training.launch / "kept here" / "members").glob("*/checkpoint.pt"))


def published(folder: Path, weights: list[Path], sums: list[str]) -> tuple[str, Path]:
    """Configuration with weights in the model catalogue, as 'mine'."""
    files = ", ".join(
        f"[url: 'file://{path}', sha256: '{digest}']"
        for path, digest in zip(weights, sums, strict=True)
    )
    config = folder / "models.config"
    config.write_text(f"params.model_catalogue.mine = [info_tag: 'X', files: [{files}]]\n")
    return "-c", config


def test_predict_makes_tracks(training: Pipeline, trained: Run, tmp_path: Path):
    fasta_index = (EXAMPLE / "genome.fa.gz.fai").read_text().splitlines()
    contig, length = fasta_index[0].split("\t")[:2]
    end = min(int(length), 30_000)
    targets = tmp_path / "some targets.bed"
    arguments = (
        *("--workflow", "predict", "--model", trained.results / "model", "--fasta", SPECIES[1]),
        *("--regions", targets, "--bases_per_task", "20000", "--min_probability", "0"),
    )
    targets.write_text(f"{contig}\t0\t{end}\n")
    run = training(*arguments, results="predicted")
    assert run.status == 0, run.output
    made = {path.name for path in (run.results / "sites").iterdir()}
    assert {"sites.donor.plus.bw", "sites.acceptor.minus.bw", "sites.donor.bed"} <= made
    table = run.results / "sites" / "sites.tracks.parquet"
    assert pq.read_metadata(table).num_rows == 2 * end

    # the file is an input like any other: when it was edited, -resume predicts again
    targets.write_text(f"{contig}\t1000\t1500\n")
    again = training(*arguments, "-resume", results="predicted")
    assert again.status == 0, again.output
    assert pq.read_metadata(table).num_rows == 2 * 500


def test_mutagenesis_scores_every_substitution(training: Pipeline, trained: Run):
    contig, start = first_exon_end()
    run = training(
        *("--workflow", "mutagenesis", "--model", trained.results / "model", *SPECIES),
        *("--regions", f"{contig}:{start - 4}-{start + 5}"),
        results="mutated",
    )
    assert run.status == 0, run.output
    folder = run.results / "mutagenesis"
    rows = list(csv.DictReader((folder / "region.mutagenesis.tsv").open(), delimiter="\t"))
    assert len(rows) % 30 == 0
    assert len(rows) > 0
    assert "<svg" in (folder / "region.mutagenesis.html").read_text()


def test_distil_compares_the_student_with_its_teacher(training: Pipeline, trained: Run):
    run = training(
        *("--workflow", "distil", "--teacher", trained.results / "weights", *SPECIES, *TINY),
        *("--copies", "1", "--teacher_tasks", "2", "--sampled_share", "0.2"),
        *("--held_out_one_in", "2", "--model_name", "pupil"),
        results="distilled",
    )
    assert run.status == 0, run.output
    found = json.loads((run.results / "agreement.json").read_text())
    assert found["all"]["alleles"] > 50
    card = json.loads((run.results / "model" / "bundle.json").read_text())
    assert card["provenance"].startswith("Distilled from")
    assert "held_out_delta_spearman" in card["metrics"]


def test_what_a_workflow_needs_is_said_before_anything_runs(training: Pipeline):
    run = training("--workflow", "transfer", *SPECIES, results="refused")
    assert run.status != 0
    assert "--pretrained is needed for --workflow transfer" in run.output


def first_exon_end() -> tuple[str, int]:
    """Contig and 1-based position of the end of an exon of the example."""
    sites = (EXAMPLE / "splice_sites.tsv").read_text().splitlines()
    columns, first = sites[0].lstrip("#").split("\t"), sites[1].split("\t")
    row = dict(zip(columns, first, strict=True))
    return row["contig"], int(row["position"])


def test_example_is_where_it_should_be():
    assert Path(SPECIES[1]).is_file()
