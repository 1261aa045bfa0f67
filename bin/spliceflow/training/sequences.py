"""Genes as labelled sequence on their own strand: what every network here is taught on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spliceflow.genome.fasta import Genome, reverse_complement
from spliceflow.genome.genes import Gene

NEITHER, ACCEPTOR, DONOR = 0, 1, 2
"""Labels, in the order of the networks' outputs."""

MIN_INTRON = 20
"""Bases; shorter gaps between exons are frameshifts and errors of assemblies, not introns."""


@dataclass(frozen=True)
class LabelledSequence:
    """One gene from end to end, read in the direction of transcription.

    Attributes:
        name: gene symbol.
        contig: contig, named as in the FASTA.
        strand: ``+`` or ``-``.
        start: first base on the contig, 0-based, whatever the strand.
        codes: base codes, uint8 (L,).
        labels: uint8 (L,); 1 at the first base of every exon but the first (acceptor), 2 at the
            last base of every exon but the last (donor), 0 elsewhere.
    """

    name: str
    contig: str
    strand: str
    start: int
    codes: np.ndarray
    labels: np.ndarray

    def genome_position(self, offset: int) -> int:
        """0-based position on the contig of base ``offset`` of the sequence."""
        return self.start + (offset if self.strand == "+" else self.codes.size - 1 - offset)


def gene_sequence(genome: Genome, gene: Gene, transcripts: Sequence[Gene] = ()) -> LabelledSequence:
    """Sequence and labels of a gene.

    Args:
        genome: the sequence; positions outside a contig read as N.
        gene: gives name, ends, strand and sites.
        transcripts: further transcripts of the same gene whose sites inside its ends count too.
    """
    length = gene.tx_end - gene.tx_start
    labels = np.zeros(length, np.uint8)
    for transcript in (gene, *transcripts):
        for positions, label in splice_sites(transcript):
            inside = positions[(positions >= gene.tx_start) & (positions < gene.tx_end)]
            labels[inside - gene.tx_start] = label
    codes = genome.codes(gene.contig, gene.tx_start, gene.tx_end)
    if gene.strand == "-":
        codes, labels = reverse_complement(codes), labels[::-1].copy()
    return LabelledSequence(gene.name, gene.contig, gene.strand, gene.tx_start, codes, labels)


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
