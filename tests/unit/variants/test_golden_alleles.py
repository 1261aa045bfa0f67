"""Genes and statuses of real variants beside what the original tool did with them."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import read_annotation
from spliceflow.variants.jobs import shard_cohort
from spliceflow.variants.spelling import minimal_form

SHARED = Path(__file__).parents[4] / "shared"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not here")


@pytest.mark.parametrize("annotation", ["genes.tsv", "genes.gtf"])
def test_every_allele_the_original_scored_is_scored_in_the_same_genes(
    tmp_path: Path, annotation: str
) -> None:
    expected: dict[tuple[str, int, str, str], set[str]] = {}
    dots = set()
    for line in (SHARED / "golden" / "dev37.spliceai.D50.M0.vcf").read_text().splitlines():
        if line.startswith("#"):
            continue
        contig, pos, _, ref, _, _, _, info = line.split("\t")
        for item in info.split(";"):
            if item.startswith("SpliceAI="):
                for entry in item.removeprefix("SpliceAI=").split(","):
                    alt, gene, *numbers = entry.split("|")
                    key = (contig, *minimal_form(int(pos), ref, alt))
                    expected.setdefault(key, set()).add(gene)
                    if numbers[0] == ".":
                        dots.add(key)
    with Genome(SHARED / "data" / "grch37" / "GRCh37.slices.fa.gz") as genome:
        genes = read_annotation(SHARED / "data" / "grch37" / annotation, contigs=genome.contigs)
        cohort = shard_cohort(
            [SHARED / "golden" / name for name in ("dev37.vcf", "dev37_with_symbolic.vcf")],
            genome,
            genes.genes,
            50,
            tmp_path / "shards",
            tmp_path / "unscored.parquet",
            tmp_path / "spellings.parquet",
            1e9,
            lambda pos, ref, alt: ref * 1.0,
        )
    found: dict[tuple[str, int, str, str], set[str]] = {}
    for shard in cohort.shards:
        for row in pq.read_table(shard.path).to_pylist():
            key = (row["contig"], row["pos"], row["ref"], row["alt"])
            found.setdefault(key, set()).add(genes.genes[row["gene_row"]].name)
    # The original writes dots for alleles that are both longer than one base: we score those.
    for key, names in expected.items():
        if key not in dots or key in found:
            assert found[key] == names
    words = {
        (row["pos"], row["alt"]): row["status"]
        for row in pq.read_table(tmp_path / "unscored.parquet").to_pylist()
    }
    assert words == {
        (42949580, "G"): "ref_too_long",
        (42949641, "G"): "ref_mismatch",
        (42949643, "*"): "star",
        (42949643, "<DEL>"): "symbolic",
        (42949643, "<NON_REF>"): "symbolic",
    }
    assert {key for key in found if key not in expected} == set()
