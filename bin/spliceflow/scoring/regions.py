"""Stretches of sequence to predict, and what is predicted of them.

Coordinates: 0-based, half-open, on the genome's forward strand.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spliceflow.genome.genes import Gene

TILE = 20_000
"""Bases a tile; its activations take some 50 MB a thread."""


@dataclass(frozen=True)
class Region:
    """Bases [start, end) of one strand of a contig, 0-based.

    Attributes:
        contig: name as in the FASTA.
        start: first base.
        end: half-open end.
        strand: ``+`` or ``-``.
        gene: if given, everything outside this gene is read as N, as in variant scoring.
    """

    contig: str
    start: int
    end: int
    strand: str
    gene: Gene | None = None


@dataclass(frozen=True)
class Track:
    """Probabilities of the bases of a region in genome order, float32 (end - start,)."""

    region: Region
    acceptor: np.ndarray
    donor: np.ndarray
