"""Every substitution around a site: alleles to score, and their scores as a table and heat map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spliceflow.errors import InputError
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene

BASES = "ACGT"
DELTAS = ("ds_ag", "ds_al", "ds_dg", "ds_dl")
MAX_BASES = 100_000


@dataclass(frozen=True)
class Substitution:
    """A substitution on the forward strand in one gene; ``pos`` is 1-based."""

    contig: str
    pos: int
    ref: str
    alt: str
    gene_row: int


def substitutions(
    genome: Genome, genes: Sequence[Gene], contig: str, start: int, end: int
) -> Iterator[Substitution]:
    """All substitutions of bases [start, end) (0-based) in every gene that overlaps them.

    Ascending by gene and position; bases that are not ACGT and those outside the gene are left out.

    Raises:
        InputError: the contig is unknown, the region empty or too long, or no gene overlaps it.
    """
    if contig not in genome.contigs:
        raise InputError(f"region {contig}:{start + 1}-{end}: the FASTA has no such contig.")
    if not 0 <= start < end <= genome.contigs[contig]:
        raise InputError(
            f"region {contig}:{start + 1}-{end} is not within 1 and {genome.contigs[contig]}, the "
            "length of the contig."
        )
    if end - start > MAX_BASES:
        raise InputError(
            f"region {contig}:{start + 1}-{end} has {end - start} bases; mutagenesis takes at most "
            f"{MAX_BASES}, so give a smaller region."
        )
    rows = [
        row
        for row, gene in enumerate(genes)
        if gene.contig == contig and gene.tx_start < end and gene.tx_end > start
    ]
    if not rows:
        raise InputError(f"no gene overlaps {contig}:{start + 1}-{end}; check --region.")
    letters = genome.sequence(contig, start, end).upper()
    for row in rows:
        gene = genes[row]
        for position in range(max(start, gene.tx_start), min(end, gene.tx_end)):
            ref = letters[position - start]
            if ref in BASES:
                for alt in BASES.replace(ref, ""):
                    yield Substitution(contig, position + 1, ref, alt, row)


@dataclass(frozen=True)
class HeatMap:
    """Signed delta scores of one gene.

    Attributes:
        gene: symbol.
        strand: ``+`` or ``-``.
        positions: int64 (bases,), 1-based, ascending.
        reference: the base at each position, on the forward strand.
        values: float32 (4, bases): rows A, C, G, T on the forward strand; the delta score of
            largest size, gains positive and losses negative; nan for the reference base.
    """

    gene: str
    strand: str
    positions: np.ndarray
    reference: str
    values: np.ndarray


def heat_maps(rows: Sequence[dict]) -> list[HeatMap]:
    """One heat map a gene from scored rows of the scores table."""
    by_gene: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        if row["status"] == "scored":
            by_gene.setdefault((row["gene"], row["strand"]), []).append(row)
    maps = []
    for (gene, strand), scored in by_gene.items():
        reference = {row["pos"]: row["ref"] for row in scored}
        positions = np.array(sorted(reference), np.int64)
        column = {int(position): index for index, position in enumerate(positions)}
        values = np.full((len(BASES), positions.size), np.nan, np.float32)
        for row in scored:
            gain, loss = max(row["ds_ag"], row["ds_dg"]), max(row["ds_al"], row["ds_dl"])
            values[BASES.index(row["alt"]), column[row["pos"]]] = gain if gain > loss else -loss
        letters = "".join(reference[int(position)] for position in positions)
        maps.append(HeatMap(gene, strand, positions, letters, values))
    return maps
