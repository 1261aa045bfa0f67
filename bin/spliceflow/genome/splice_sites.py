"""Splice sites of transcripts."""

from __future__ import annotations

import numpy as np

from spliceflow.genome.genes import Gene

ACCEPTOR, DONOR = 1, 2
"""Classes of a base, and columns of a site model's probabilities; 0 is neither."""

MIN_INTRON = 20
"""Bases; shorter gaps between exons are frameshifts and errors of assemblies, not introns."""


def splice_sites(gene: Gene) -> tuple[tuple[np.ndarray, int], tuple[np.ndarray, int]]:
    """0-based contig positions of a transcript's acceptors and donors, each with its label.

    An acceptor is the first, a donor the last exonic base in the direction of transcription. Gaps
    shorter than :data:`MIN_INTRON` are no introns and have no sites.
    """
    right = np.array(gene.exon_ends[:-1], np.int64) - 1
    left = np.array(gene.exon_starts[1:], np.int64)
    is_intron = left - right > MIN_INTRON
    left, right = left[is_intron], right[is_intron]
    if gene.strand == "+":
        return (left, ACCEPTOR), (right, DONOR)
    return (right, ACCEPTOR), (left, DONOR)
