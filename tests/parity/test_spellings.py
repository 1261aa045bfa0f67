"""Every spelling of a real variant gets the golden numbers of the plain one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from test_golden_scores import DATA, GOLDEN, SHARED, golden_alleles

from spliceflow.bgzf import read_blocks
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, annotation_fingerprint, read_spliceai_table
from spliceflow.models.bundle import Bundle
from spliceflow.models.export import export_bundle
from spliceflow.models.weights import read_weights
from spliceflow.scores.annotate import ScoringLabel, annotate
from spliceflow.scores.merge import merge_scores
from spliceflow.scores.run import ScoringRun
from spliceflow.scoring.sessions import choose_device
from spliceflow.scoring.variants import ScoringOptions, VariantScorer
from spliceflow.variants.jobs import shard_cohort

pytestmark = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason="golden outputs (../shared/golden) are not here"
)
CONTEXT = 400
HEADER = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"

Plain = tuple[str, int, str, str]
Record = tuple[str, int, str, list[str], list[Plain]]
"""Contig, POS, REF, ALTs, and the plain allele that each ALT stands for."""


def plain_alleles() -> list[Plain]:
    """Alleles of the golden input that have a sequence, in order."""
    alleles = []
    for line in (GOLDEN / "dev37.vcf").read_text().splitlines():
        if not line.startswith("#"):
            contig, pos, _, ref, alts = line.split("\t")[:5]
            alleles += [(contig, int(pos), ref, alt) for alt in alts.split(",") if alt != "*"]
    return alleles


def padded(allele: Plain, start: int, end: int, genome: Genome) -> tuple[str, str]:
    """REF and ALT of a record that covers 1-based ``start`` … ``end``."""
    contig, pos, ref, alt = allele
    before = genome.sequence(contig, start - 1, pos - 1).upper()
    after = genome.sequence(contig, pos - 1 + len(ref), end).upper()
    return before + ref + after, before + alt + after


def respelt(alleles: list[Plain], genome: Genome, seed: int) -> Iterator[Record]:
    """Records of one to four neighbouring alleles, padded on both sides, ALTs in any order."""
    source = random.Random(seed)
    rows = list(range(len(alleles)))
    while rows:
        first = alleles[rows[0]]
        group = [
            row
            for row in rows
            if alleles[row][0] == first[0] and abs(alleles[row][1] - first[1]) < 150
        ][: source.choice([1, 2, 4])]
        rows = [row for row in rows if row not in group]
        start = min(alleles[row][1] for row in group) - source.choice([0, 1, 20, 120])
        end = max(alleles[row][1] + len(alleles[row][2]) - 1 for row in group)
        end += source.choice([0, 1, 20, 120])
        source.shuffle(group)
        spelt = [padded(alleles[row], start, end, genome) for row in group]
        # A REF that is not the reference's can't stand beside others.
        for ref in dict.fromkeys(ref for ref, _ in spelt):
            own = [at for at, spelling in enumerate(spelt) if spelling[0] == ref]
            alts = [spelt[at][1] if source.random() < 0.5 else spelt[at][1].lower() for at in own]
            yield first[0], start, ref, alts, [alleles[group[at]] for at in own]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    weights = read_weights(SHARED / "models" / "openspliceai-mane" / f"{CONTEXT}nt")
    path = tmp_path_factory.mktemp("bundles") / "bundle"
    return export_bundle(weights.members, weights.config, weights.card, path)[0]


def annotated(
    records: list[Record], folder: Path, genome: Genome, genes: list[Gene], bundle: Bundle
) -> list[str]:
    """INFO of each record after all steps."""
    lines = [
        f"{contig}\t{pos}\t.\t{ref}\t{','.join(alts)}\t.\t.\t.\n"
        for contig, pos, ref, alts, _ in records
    ]
    (folder / "in.vcf").write_text(HEADER + "".join(lines))
    cohort = shard_cohort(
        [folder / "in.vcf"],
        genome,
        genes,
        50,
        folder / "shards",
        folder / "unscored.parquet",
        folder / "spellings.parquet",
        1e12,
        lambda pos, ref, alt: np.full(len(pos), 1e10),
    )
    scorer = VariantScorer(bundle, choose_device("cpu"), ScoringOptions())
    parts = []
    for shard in cohort.shards:
        parts.append(folder / shard.path.name)
        table = scorer.score(
            pq.read_table(shard.path), genes, genome, annotation_fingerprint(genes)
        )
        pq.write_table(table, parts[-1])
    merge_scores(
        parts, folder / "unscored.parquet", list(genome.contigs), folder / "scores.parquet"
    )
    run = ScoringRun(bundle.fingerprint, annotation_fingerprint(genes), 50, masked=False)
    label = ScoringLabel("OpenSpliceAI", "m", run, decimals=6)
    output = folder / "out.vcf.gz"
    annotate(
        folder / "in.vcf",
        folder / "scores.parquet",
        folder / "spellings.parquet",
        genome.contigs,
        label,
        output,
    )
    body = b"".join(read_blocks(output)).decode().splitlines()
    return [line.split("\t")[7] for line in body if not line.startswith("#")]


@pytest.mark.parametrize("seed", [1, 2])
def test_spellings_of_golden_alleles(seed, bundle, tmp_path) -> None:
    expected = golden_alleles(
        GOLDEN / f"dev37.openspliceai-mane-{CONTEXT}nt.D50.M0.vcf", "OpenSpliceAI"
    )
    genes = read_spliceai_table(DATA / "grch37" / "genes.tsv")
    with Genome(DATA / "grch37" / "GRCh37.slices.fa.gz") as genome:
        records = list(respelt(plain_alleles(), genome, seed))
        infos = annotated(records, tmp_path, genome, genes, bundle)
    compared = signal = 0
    padded_records = 0
    for (_, pos, ref, alts, plains), info in zip(records, infos, strict=True):
        fields = dict(item.split("=") for item in info.split(";") if "=" in item)
        entries: dict[tuple[str, str], list[float]] = {}
        for entry in filter(None, fields.get("OpenSpliceAI", "").split(",")):
            alt, gene, *numbers = entry.split("|")
            entries[alt.upper(), gene] = [float(number) for number in numbers]
        padded_records += len(ref) > max(len(plain[2]) for plain in plains)
        for alt, plain in zip(alts, plains, strict=True):
            for key in (key for key in expected if key[:4] == plain):
                numbers = np.array(entries[alt.upper(), key[4]])
                golden = np.array(expected[key])
                np.testing.assert_allclose(numbers[:4], golden[:4], atol=1e-4, err_msg=str(key))
                clear = np.abs(golden[:4]) >= 0.05
                sites = numbers[4:] + pos - plain[1]
                np.testing.assert_array_equal(sites[clear], golden[4:][clear], err_msg=str(key))
                compared += 1
                signal += int(clear.sum())
    assert compared > 80
    assert signal > 80
    assert padded_records > 20


def test_an_mnv_that_a_laboratory_found_normal(tmp_path) -> None:
    """FBN1, GT>TG in an intron: base by base nothing is lost."""
    from spliceflow.genome.genes import read_annotation

    weights = read_weights(SHARED / "models" / "openspliceai-mane" / "10000nt")
    bundle, _ = export_bundle(
        weights.members[:1], weights.config, weights.card, tmp_path / "bundle"
    )
    contig = "GRCh38_15_48406305_48650788"
    folder = DATA / "lrg"
    fasta = next(path for path in sorted(folder.iterdir()) if ".fa" in path.name)
    with Genome(fasta) as genome:
        genes = read_annotation(folder / "genes.tsv", contigs=genome.contigs).genes
        (info,) = annotated(
            [(contig, 77637, "GT", ["TG"], [])], tmp_path, genome, list(genes), bundle
        )
    scores = [float(number) for number in info.split("|")[2:6]]
    assert max(scores) < 0.02
