"""Mutated copies of a sequence: what a teacher is asked about besides the real one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spliceflow.genome.fasta import UNKNOWN, encode

DONOR_MOTIF = encode("CAGGTAAGT")
"""Consensus around a donor; the exon's last base is the third."""

ACCEPTOR_MOTIF = encode("TTTCTTTTCCTTTCAGG")
"""Polypyrimidine tract and acceptor; the exon's first base is the last."""


@dataclass(frozen=True)
class MutationRates:
    """How densely a copy is mutated.

    Attributes:
        at_point: probability of a mutation near each point of interest.
        background: mutations per base everywhere.
        motifs: planted splice-site motifs per base.
        substitution: share of mutations that exchange one base; the rest are short deletions and
            insertions in equal parts.
        longest_indel: bases.
    """

    at_point: float = 0.55
    background: float = 1 / 250
    motifs: float = 1 / 4_000
    substitution: float = 0.76
    longest_indel: int = 20


@dataclass(frozen=True)
class MutatedCopy:
    """A mutated sequence and where its bases come from.

    Attributes:
        codes: uint8 (M,).
        origin: int64 (M,), index of each base in the original; -1 for inserted bases.
    """

    codes: np.ndarray
    origin: np.ndarray


def mutate(
    codes: np.ndarray, points: np.ndarray, rates: MutationRates, rng: np.random.Generator
) -> MutatedCopy:
    """Mutate a sequence at random, preferably near ``points``.

    Args:
        codes: uint8 (L,).
        points: indices of splice sites and of bases that look like one.
        rates: density and kinds of mutations.
        rng: source of randomness; the same state gives the same copy.
    """
    length = codes.size
    chosen = points[rng.random(points.size) < rates.at_point]
    # Half of the mutations near a site fall on the motif itself, the others on its surroundings.
    reach = np.where(rng.random(chosen.size) < 0.5, 4.0, 25.0)
    near = chosen + np.rint(rng.laplace(0.0, reach)).astype(np.int64)
    scattered = rng.integers(0, length, rng.poisson(length * rates.background))
    planted = rng.integers(0, length, rng.poisson(length * rates.motifs))
    positions = np.concatenate([near, scattered, planted])
    is_motif = np.arange(positions.size) >= near.size + scattered.size
    order = np.argsort(positions, kind="stable")

    pieces: list[np.ndarray] = []
    origins: list[np.ndarray] = []
    done = 0
    for position, motif in zip(positions[order], is_motif[order], strict=True):
        if position < done or position >= length or codes[position] >= UNKNOWN:
            continue
        removed, inserted = _motif(rng) if motif else _mutation(int(codes[position]), rates, rng)
        # Unknown bases stay what they are: only known ones are exchanged or removed.
        if position + removed > length or (codes[position : position + removed] >= UNKNOWN).any():
            continue
        pieces += [codes[done:position], inserted]
        origin = np.full(inserted.size, -1, np.int64)
        kept = min(removed, inserted.size)
        origin[:kept] = np.arange(position, position + kept)
        origins += [np.arange(done, position), origin]
        done = position + removed
    pieces.append(codes[done:])
    origins.append(np.arange(done, length))
    return MutatedCopy(np.concatenate(pieces), np.concatenate(origins))


def _mutation(base: int, rates: MutationRates, rng: np.random.Generator) -> tuple[int, np.ndarray]:
    """Number of bases to remove and the bases to put there."""
    kind = rng.random()
    if kind < rates.substitution:
        return 1, np.array([(base + rng.integers(1, 4)) % 4], np.uint8)
    size = min(int(rng.geometric(0.3)), rates.longest_indel)
    if kind < rates.substitution + (1 - rates.substitution) / 2:
        return 1 + size, np.array([base], np.uint8)
    added = rng.integers(0, 4, size).astype(np.uint8)
    return 1, np.concatenate([np.array([base], np.uint8), added])


def _motif(rng: np.random.Generator) -> tuple[int, np.ndarray]:
    """A consensus motif with a tenth of its bases exchanged."""
    motif = (DONOR_MOTIF if rng.random() < 0.5 else ACCEPTOR_MOTIF).copy()
    exchanged = rng.random(motif.size) < 0.1
    motif[exchanged] = rng.integers(0, 4, int(exchanged.sum()))
    return motif.size, motif
