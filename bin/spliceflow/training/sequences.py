"""Genes as labelled sequence on their own strand: what every network here is taught on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spliceflow.genome.fasta import Genome, reverse_complement
from spliceflow.genome.genes import Gene
from spliceflow.genome.splice_sites import splice_sites


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
