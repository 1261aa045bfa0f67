"""Scores of real variants beside those of the original tools (shared golden outputs)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, read_spliceai_table
from spliceflow.models.bundle import Bundle
from spliceflow.models.export import export_bundle
from spliceflow.models.weights import read_weights
from spliceflow.scoring.sessions import choose_device
from spliceflow.scoring.variants import ScoringOptions, VariantScorer
from spliceflow.variants.allele_tables import JOB_SCHEMA

SHARED = Path(__file__).parents[3] / "shared"
GOLDEN = SHARED / "golden"
DATA = SHARED / "data"
FIELDS = ("ds_ag", "ds_al", "ds_dg", "ds_dl", "dp_ag", "dp_al", "dp_dg", "dp_dl")

pytestmark = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason="golden outputs (../shared/golden) are not here"
)


def golden_alleles(path: Path, tag: str) -> dict[tuple[str, int, str, str, str], list[float]]:
    """Expected numbers by contig, position, REF, ALT and gene; dots are left out."""
    expected = {}
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            continue
        contig, pos, _, ref, _, _, _, info = line.split("\t")[:8]
        for entry in info.split(";"):
            if entry.startswith(f"{tag}="):
                for allele in entry[len(tag) + 1 :].split(","):
                    alt, gene, *numbers = allele.split("|")
                    if numbers[0] != ".":
                        key = (contig, int(pos), ref, alt, gene)
                        expected[key] = [float(number) for number in numbers]
    return expected


def shard_of(keys: list[tuple[str, int, str, str, str]], genes: list[Gene]) -> pa.Table:
    rows = {gene.name: row for row, gene in enumerate(genes)}
    columns = list(zip(*keys, strict=True))
    return pa.table(
        {
            "contig": columns[0],
            "pos": columns[1],
            "ref": columns[2],
            "alt": columns[3],
            "gene_row": [rows[name] for name in columns[4]],
        },
        schema=JOB_SCHEMA,
    )


@pytest.fixture(scope="module")
def genes() -> list[Gene]:
    return read_spliceai_table(DATA / "grch37" / "genes.tsv")


@pytest.fixture(scope="module")
def genome():
    with Genome(DATA / "grch37" / "GRCh37.slices.fa.gz") as genome:
        yield genome


@pytest.fixture(scope="module")
def bundle_of(tmp_path_factory):
    made: dict[str, Bundle] = {}

    def make(name: str) -> Bundle:
        if name not in made:
            weights = read_weights(SHARED / "models" / name)
            path = tmp_path_factory.mktemp("bundles") / "bundle"
            made[name], _ = export_bundle(weights.members, weights.config, weights.card, path)
        return made[name]

    return make


def score(bundle, genes, genome, keys, **options):
    scorer = VariantScorer(bundle, choose_device("cpu"), ScoringOptions(**options))
    table = scorer.score(shard_of(keys, genes), genes, genome, "test")
    return np.array([table.column(field).to_numpy() for field in FIELDS]).T


@pytest.mark.parametrize("engine", ["incremental", "full"])
@pytest.mark.parametrize("context", [80, 400, 2000, 10000])
def test_openspliceai(context, engine, bundle_of, genes, genome):
    path = GOLDEN / f"dev37.openspliceai-mane-{context}nt.D50.M0.vcf"
    expected = golden_alleles(path, "OpenSpliceAI")
    keys = list(expected)
    if engine == "full" and context == 10000:
        # Ten passes of the whole window an allele: the strongest tell most for the time.
        keys = sorted(keys, key=lambda key: -max(expected[key][:4]))[:20]
    actual = score(bundle_of(f"openspliceai-mane/{context}nt"), genes, genome, keys, engine=engine)
    assert_close(keys, np.array([expected[key] for key in keys]), actual, tolerance=1e-4)


@pytest.mark.parametrize("mask", [False, True])
def test_spliceai(mask, bundle_of, genes, genome):
    expected = golden_alleles(GOLDEN / f"dev37.spliceai.D50.M{int(mask)}.vcf", "SpliceAI")
    keys = list(expected)
    actual = score(bundle_of("spliceai"), genes, genome, keys, mask=mask)
    assert_close(keys, np.array([expected[key] for key in keys]), actual, tolerance=0.01)


def test_spliceai_known_answers(bundle_of):
    """Two answers of SpliceAI's own tests, D = 500."""
    genes = read_spliceai_table(DATA / "spliceai_test" / "genes.tsv")
    with Genome(DATA / "spliceai_test" / "chr10_first110kb.fa") as genome:
        contig = next(iter(genome.contigs))
        keys = [
            (contig, 94077, "A", "C", "TUBB8"),
            (contig, 94555, "C", "T", "TUBB8"),
        ]
        expected = np.array(
            [
                [0.15, 0.27, 0.00, 0.05, 89, -23, -267, 193],
                [0.01, 0.18, 0.15, 0.62, -2, 110, -190, 0],
            ]
        )
        genes = [gene for gene in genes if gene.name == "TUBB8"]
        genes = [Gene(**{**_fields(gene), "contig": contig}) for gene in genes]
        actual = score(bundle_of("spliceai"), genes, genome, keys, distance=500)
    np.testing.assert_array_equal(np.round(actual, 2), expected)


def _fields(gene: Gene) -> dict:
    return {name: getattr(gene, name) for name in Gene.__dataclass_fields__}


def assert_close(keys, expected, actual, tolerance):
    """DS within ``tolerance``; DP equal wherever |DS| is at least 0.05."""
    assert (expected[:, :4] >= 0.1).sum() >= 20, "too little signal to compare"
    wrong = np.abs(expected[:, :4] - actual[:, :4]) > tolerance
    # Two decimals of the original can hide up to half a hundredth.
    wrong |= (np.abs(expected[:, :4]) >= 0.05) & (expected[:, 4:] != actual[:, 4:])
    worst = [
        f"{keys[row]}: expected {expected[row]}, actual {actual[row]}"
        for row in np.flatnonzero(wrong.any(axis=1))
    ]
    assert not worst, "\n".join(worst)
