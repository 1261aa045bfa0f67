"""The designed effects of the example: measured by its generator, and scored by the pipeline."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import TranscriptChoice, read_annotation
from spliceflow.models.export import export_bundle
from spliceflow.models.weights import read_weights
from spliceflow.scoring.sessions import choose_device
from spliceflow.scoring.variants import ScoringOptions, VariantScorer
from spliceflow.variants.allele_tables import JOB_SCHEMA

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "assets" / "example"
MODELS = ROOT.parent / "shared" / "models" / "openspliceai-mane"
COLUMN = {
    "acceptor_gain": "ag",
    "acceptor_loss": "al",
    "acceptor_weakened": "al",
    "donor_gain": "dg",
    "donor_loss": "dl",
    "donor_weakened": "dl",
}


def test_designed_effects_are_scored_as_they_were_measured(tmp_path):
    if not MODELS.is_dir():
        pytest.skip("OpenSpliceAI's weights (../shared/models) are not here")
    pytest.importorskip("torch")
    weights = read_weights(MODELS / "400nt")
    bundle, _ = export_bundle(weights.members, weights.config, weights.card, tmp_path / "bundle")
    with (EXAMPLE / "designed_variants.tsv").open() as handle:
        expected = list(csv.DictReader(handle, delimiter="\t"))
    with Genome(EXAMPLE / "genome.fa.gz") as genome:
        genes = read_annotation(
            EXAMPLE / "genes.gtf.gz", TranscriptChoice.MANE, genome.contigs, ()
        ).genes
        row_of = {gene.name: row for row, gene in enumerate(genes)}
        rows = [
            {
                "contig": row["contig"],
                "pos": int(row["position"]),
                "ref": row["ref"],
                "alt": row["alt"],
                "gene_row": row_of[row["gene"]],
            }
            for row in expected
        ]
        shard = pa.Table.from_pylist(rows, JOB_SCHEMA)
        scorer = VariantScorer(bundle, choose_device("cpu"), ScoringOptions())
        scored = scorer.score(shard, genes, genome, "test").to_pylist()
    for row, found in zip(expected, scored, strict=True):
        kind = COLUMN[row["effect"]]
        assert found[f"ds_{kind}"] == pytest.approx(float(row["ds_400nt"]), abs=1e-3), row
        if float(row["ds_400nt"]) >= 0.05:
            assert found[f"dp_{kind}"] == int(row["dp_400nt"]), row
