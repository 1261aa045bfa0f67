"""Genes, headers and records for tests of variants."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, annotation_fingerprint
from spliceflow.scores.annotate import ScoringLabel
from spliceflow.scores.merge import merge_scores
from spliceflow.scores.run import ScoringRun
from spliceflow.scores.table import SCORE_SCHEMA
from spliceflow.variants.jobs import shard_cohort

HEADER = [
    "##fileformat=VCFv4.2",
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count">',
    "##contig=<ID=1,length=4000>",
    "##contig=<ID=2,length=1500>",
    "##contig=<ID=MT,length=300>",
    "##contig=<ID=GL9,length=500>",
]
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"

GENES = [
    Gene("ONE", "G1", "T1", "chr1", "+", 100, 900, (100, 800), (200, 900), "protein_coding"),
    Gene("IN;ONE", "G2", "T2", "chr1", "-", 300, 600, (300,), (600,), "protein_coding"),
    Gene("END", "G3", "T3", "chr1", "+", 3500, 4000, (3500,), (4000,), "protein_coding"),
    Gene("TWO", "G4", "T4", "chr2", "-", 0, 1500, (0, 1000), (50, 1500), "protein_coding"),
]


def vcf_text(records: list[str], samples: tuple[str, ...] = ()) -> str:
    """A VCF of ``records`` (whole lines without line ends)."""
    columns = COLUMNS + ("\tFORMAT\t" + "\t".join(samples) if samples else "")
    return "\n".join([*HEADER, columns, *records]) + "\n"


def record(contig: str, pos: int, ref: str, alt: str, info: str = "AC=1") -> str:
    """One line of a VCF without samples."""
    return f"{contig}\t{pos}\t.\t{ref}\t{alt}\t.\tPASS\t{info}"


RUN = ScoringRun("0123456789ab", annotation_fingerprint(GENES), distance=5, masked=False)
"""What the scores of :func:`score_shard` were made with."""

LABEL = ScoringLabel("Splice", 'a "model"', RUN)


def score_of(key: tuple[str, int, str, str], gene: Gene) -> tuple[list[float], list[int]]:
    """Made-up scores of an allele in a gene: four delta scores, four positions."""
    digest = hashlib.sha256(repr((*key, gene.name, gene.transcript_id)).encode()).digest()
    return [byte / 255 for byte in digest[:4]], [byte % 11 - 5 for byte in digest[4:8]]


def score_shard(shard: Path, output: Path, genes: Sequence[Gene] = GENES) -> None:
    """Write made-up scores of a shard."""
    rows = []
    for row in pq.read_table(shard).to_pylist():
        gene = genes[row["gene_row"]]
        deltas, positions = score_of((row["contig"], row["pos"], row["ref"], row["alt"]), gene)
        rows.append(
            (
                *(row["contig"], row["pos"], row["ref"], row["alt"]),
                *(gene.name, gene.gene_id, gene.transcript_id, gene.strand),
                *(*deltas, *positions, "scored"),
                *RUN.columns.values(),
            )
        )
    columns = list(zip(*rows, strict=True)) or [()] * len(SCORE_SCHEMA)
    pq.write_table(pa.table([pa.array(c) for c in columns], schema=SCORE_SCHEMA), output)


def score_cohort(files: list[Path], fasta: Path, folder: Path, max_cost: float = 50.0) -> Path:
    """Shard, score and merge a cohort; return the scores table."""
    with Genome(fasta) as genome:
        cohort = shard_cohort(
            files,
            genome,
            GENES,
            RUN.distance,
            folder / "shards",
            folder / "unscored.parquet",
            folder / "spellings.parquet",
            max_cost,
            lambda pos, ref, alt: np.full(len(pos), 10.0),
        )
        contigs = list(genome.contigs)
    scores = []
    for shard in cohort.shards:
        scores.append(folder / f"scores_{shard.path.name}")
        score_shard(shard.path, scores[-1])
    merge_scores(scores[::-1], folder / "unscored.parquet", contigs, folder / "scores.parquet")
    return folder / "scores.parquet"
