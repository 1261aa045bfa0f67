#!/usr/bin/env python3
"""How much the scores of an indel depend on the place where a repeat lets it be written.

Takes tandem repeats around exon boundaries, deletes and inserts one unit, and scores the indel at
every place that gives the same sequence. Prints a table: of how many indels the largest delta score
differs between places, by how much, and how often a threshold lies in between.

    benchmarks/indel_placement.py --fasta genome.fa.gz --genes genes.tsv
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))

from spliceflow.errors import run_entrypoint  # noqa: E402
from spliceflow.genome.fasta import Genome  # noqa: E402
from spliceflow.genome.genes import Gene, read_annotation  # noqa: E402
from spliceflow.models.bundle import Bundle  # noqa: E402
from spliceflow.scoring.sessions import choose_device  # noqa: E402
from spliceflow.scoring.variants import ScoringOptions, VariantScorer  # noqa: E402
from spliceflow.variants.allele_tables import JOB_SCHEMA  # noqa: E402
from spliceflow.variants.spelling import Spelling  # noqa: E402

REACH = 30
"""Bases on either side of an exon boundary in which repeats are looked for."""
LONGEST_UNIT = 4
DELTAS = ("ds_ag", "ds_al", "ds_dg", "ds_dl")


@dataclass(frozen=True)
class Indel:
    """One indel of a repeat, written at each place that gives the same sequence.

    Attributes:
        gene_row: row of its gene.
        places: position (1-based), REF and ALT, from the leftmost to the rightmost.
    """

    gene_row: int
    places: tuple[Spelling, ...]


def main() -> None:
    """Parse the command line, score and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasta", type=Path, required=True, help="FASTA")
    parser.add_argument("--genes", type=Path, required=True, help="annotation of the FASTA")
    parser.add_argument(
        "--bundle", type=Path, default=ROOT / "assets/models/spliceflow-human", help="model bundle"
    )
    parser.add_argument("--indels", type=int, default=1000, help="indels to draw [%(default)s]")
    parser.add_argument("--distance", type=int, default=50, help="[%(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="[%(default)s]")
    arguments = parser.parse_args()
    with Genome(arguments.fasta) as genome:
        genes = list(read_annotation(arguments.genes, contigs=genome.contigs).genes)
        indels = list(repeat_indels(genome, genes))
        source = np.random.default_rng(arguments.seed)
        rows = source.permutation(len(indels))[: arguments.indels]
        drawn = [indels[row] for row in sorted(rows)]
        scorer = VariantScorer(
            Bundle.load(arguments.bundle),
            choose_device("cpu"),
            ScoringOptions(distance=arguments.distance),
        )
        table = scorer.score(shard_of(drawn, genes), genes, genome, "")
    scores = np.stack([table.column(name).to_numpy() for name in DELTAS], axis=1)
    print_table(drawn, scores, len(indels))


def repeat_indels(genome: Genome, genes: list[Gene]) -> Iterator[Indel]:
    """Deletions and insertions of one unit of every tandem repeat near exon boundaries."""
    for row, gene in enumerate(genes):
        sequence = genome.sequence(gene.contig, 0, genome.contigs[gene.contig]).upper()
        seen: set[tuple[int, int]] = set()
        for boundary in sorted({*gene.exon_starts, *gene.exon_ends} - {gene.tx_start, gene.tx_end}):
            for first in range(max(boundary - REACH, 1), min(boundary + REACH, len(sequence) - 9)):
                for unit in range(1, LONGEST_UNIT + 1):
                    last = first
                    while last + unit < len(sequence) and sequence[last] == sequence[last + unit]:
                        last += 1
                    # bases first … last + unit repeat; it has to begin here and be of two units
                    begins = sequence[first - 1] != sequence[first + unit - 1]
                    repeats = last - first >= unit and set(sequence[first : last + unit]) <= set(
                        "ACGT"
                    )
                    inside = gene.tx_start < first and last + unit < gene.tx_end
                    if begins and repeats and inside and (first, unit) not in seen:
                        seen.add((first, unit))
                        yield from _indels_of(sequence, row, first, last, unit)


def _indels_of(sequence: str, row: int, first: int, last: int, unit: int) -> Iterator[Indel]:
    """Anchors run from the base before the repeat (0-based ``first - 1``) to the last that fits."""
    anchors = range(first - 1, last)
    yield Indel(
        row,
        tuple((at + 1, sequence[at : at + 1 + unit], sequence[at]) for at in anchors),
    )
    yield Indel(
        row,
        tuple(
            (at + 1, sequence[at], sequence[at : at + 1 + unit]) for at in range(first - 1, last)
        ),
    )


def shard_of(indels: list[Indel], genes: list[Gene]) -> pa.Table:
    """All places of all indels as one shard, in order."""
    rows = [
        (genes[indel.gene_row].contig, *place, indel.gene_row)
        for indel in indels
        for place in indel.places
    ]
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(column) for column in columns], schema=JOB_SCHEMA)


def print_table(indels: list[Indel], scores: np.ndarray, available: int) -> None:
    """Differences between the places of each indel."""
    ends = np.cumsum([len(indel.places) for indel in indels])
    parts = np.split(scores, ends[:-1])
    spread = np.array([(part.max(axis=0) - part.min(axis=0)).max() for part in parts])
    largest = [part.max(axis=1) for part in parts]
    strong = np.array([part.max() >= 0.2 for part in largest])
    print(f"indels of one unit in repeats near sites: {len(indels)} of {available}")
    print(f"places: {len(scores)}")
    print(f"with a delta score of 0.2 or more at some place: {strong.sum()}")
    print("difference between places   all    with effect")
    for least in (0.01, 0.05, 0.1, 0.2, 0.5):
        shares = (spread >= least).mean(), (spread[strong] >= least).mean()
        print(f"  {least:4.2f} or more            {shares[0]:6.1%}    {shares[1]:6.1%}")
    for threshold in (0.2, 0.5, 0.8):
        split = sum(part.min() < threshold <= part.max() for part in largest)
        print(f"places on both sides of {threshold}: {split} ({split / len(indels):.1%})")


if __name__ == "__main__":
    run_entrypoint(main)
