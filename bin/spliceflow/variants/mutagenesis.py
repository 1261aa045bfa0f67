"""Saturation mutagenesis: every substitution around a site, as alleles to score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from spliceflow.errors import InputError
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene

BASES = "ACGT"
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
