"""Variants to compare two models on: near splice sites and anywhere in a gene."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene
from spliceflow.genome.splice_sites import splice_sites

_BASES = "ACGT"


@dataclass(frozen=True)
class Proposals:
    """How many variants of which kind.

    Attributes:
        per_site: variants near each annotated site; half of them within about 4 bases of it, half
            within about 30.
        anywhere: variants at uniformly drawn positions of each gene.
        substitution: share of substitutions; the rest are deletions and insertions of 1 to 15
            bases in equal parts.
    """

    per_site: int = 5
    anywhere: int = 40
    substitution: float = 0.75


@dataclass(frozen=True, order=True)
class ProposedVariant:
    """One allele on the forward strand as a VCF writes it; ``pos`` is 1-based."""

    pos: int
    ref: str
    alt: str


def propose(
    genome: Genome, gene: Gene, proposals: Proposals, rng: np.random.Generator
) -> list[ProposedVariant]:
    """Different variants of one gene in ascending order; none where the reference is not ACGT."""
    sites = np.concatenate([positions for positions, _ in splice_sites(gene)])
    centres = np.repeat(sites, proposals.per_site)
    reach = np.where(rng.random(centres.size) < 0.5, 3.0, 20.0)
    near = centres + np.rint(rng.laplace(0.0, reach)).astype(np.int64)
    anywhere = rng.integers(gene.tx_start, gene.tx_end, proposals.anywhere)
    found = set(_variants(genome, gene, np.concatenate([near, anywhere]), proposals, rng))
    return sorted(found)


def _variants(
    genome: Genome,
    gene: Gene,
    positions: np.ndarray,
    proposals: Proposals,
    rng: np.random.Generator,
) -> Iterator[ProposedVariant]:
    for position in positions:
        kind, size = rng.random(), min(int(rng.geometric(0.3)), 15)
        letters = "".join(rng.choice(list(_BASES), size))
        exchanged = rng.integers(1, 4)
        is_deletion = kind >= (1 + proposals.substitution) / 2
        removed = 1 + size if is_deletion else 1
        if not gene.tx_start <= position <= gene.tx_end - removed:
            continue
        ref = genome.sequence(gene.contig, int(position), int(position) + removed).upper()
        if set(ref) - set(_BASES):
            continue
        if kind < proposals.substitution:
            alt = _BASES[(_BASES.index(ref) + exchanged) % 4]
        else:
            alt = ref[0] if is_deletion else ref + letters
        yield ProposedVariant(int(position) + 1, ref, alt)
