"""Windows of sequence as a network reads them."""

from __future__ import annotations

import numpy as np

from spliceflow.genome.fasta import UNKNOWN, Genome, reverse_complement
from spliceflow.genome.genes import Gene


def window_codes(
    genome: Genome, contig: str, start: int, end: int, strand: str, gene: Gene | None = None
) -> np.ndarray:
    """Base codes of a window, N beyond the contig and, if a gene is given, beyond the gene.

    Args:
        genome: the reference.
        contig: name as in the FASTA.
        start: first base, 0-based, on the forward strand; may lie outside the contig.
        end: half-open end.
        strand: ``+``, or ``-`` for the reverse complement.
        gene: everything outside this gene is read as N.

    Returns:
        uint8 (end - start,).
    """
    first, last = start, end
    if gene is not None:
        first = min(max(start, gene.tx_start), end)
        last = max(min(end, gene.tx_end), first)
    codes = np.full(end - start, UNKNOWN, np.uint8)
    codes[first - start : last - start] = genome.codes(contig, first, last)
    return reverse_complement(codes) if strand == "-" else codes
