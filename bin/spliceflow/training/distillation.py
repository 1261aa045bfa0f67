"""A big ensemble's answers on real and mutated genes, as a dataset for one small network."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from spliceflow.genome.fasta import UNKNOWN, Genome
from spliceflow.genome.genes import Gene
from spliceflow.models.architecture import SpliceNetwork
from spliceflow.training.channels_last import ensemble_probabilities
from spliceflow.training.mutation import MutationRates, mutate
from spliceflow.training.sequences import gene_sequence
from spliceflow.training.shards import TaughtSequence

NOTABLE = 0.01
"""A base the teacher gives more than this as acceptor or donor weighs more in the loss."""


@dataclass(frozen=True)
class Lessons:
    """What the teacher is asked.

    Attributes:
        copies: mutated copies of each gene, beside the gene itself.
        reach: bases around exons and notable bases that mutated copies cover; introns further
            away are asked about in the unmutated gene only.
        rates: of mutation.
        notable_weight: added to the weight 1 of a base where the teacher's probability is notable.
        change_weight: times the difference a mutation made to the teacher's answer, added too.
        candidates: probability from which a base that is no annotated site attracts mutations.
        seed: of the mutations.
    """

    copies: int = 3
    reach: int = 1_500
    rates: MutationRates = field(default_factory=MutationRates)
    notable_weight: float = 10.0
    change_weight: float = 40.0
    candidates: float = 0.003
    seed: int = 1


def lessons_of_gene(
    teacher: Sequence[SpliceNetwork],
    genome: Genome,
    gene: Gene,
    lessons: Lessons,
    *,
    device: torch.device | str = "cpu",
) -> Iterator[TaughtSequence]:
    """The teacher's answers on a gene and on its mutated copies.

    The gene is read as in scoring: on its own strand, everything outside it N.

    Yields:
        the whole gene first, then pieces of its mutated copies.
    """
    flank = teacher[0].config.context // 2
    sequence = gene_sequence(genome, gene)
    reference = ensemble_probabilities(teacher, sequence.codes, device=device)
    yield _taught(gene, sequence.codes, reference[1:], np.zeros_like(reference[1:]), lessons, 0, 0)
    strongest = reference[1:].max(0)
    points = np.flatnonzero((sequence.labels > 0) | (strongest > lessons.candidates))
    areas = covered(np.flatnonzero((sequence.labels > 0) | (strongest > 0.05)), lessons.reach)
    areas = [(max(a, 0), min(b, sequence.codes.size)) for a, b in areas]
    for number in range(lessons.copies):
        digest = hashlib.sha256(f"{gene.name}/{gene.contig}/{number}".encode()).digest()
        rng = np.random.default_rng([lessons.seed, int.from_bytes(digest[:8], "big")])
        copy = mutate(sequence.codes, points, lessons.rates, rng)
        where = np.full(sequence.codes.size + 1, -1, np.int64)
        known = copy.origin >= 0
        where[copy.origin[known]] = np.flatnonzero(known)
        for area_start, area_end in areas:
            kept = where[area_start:area_end]
            kept = kept[kept >= 0]
            if not kept.size:
                continue
            start, end = int(kept[0]), int(kept[-1]) + 1
            low, high = max(start - flank, 0), min(end + flank, copy.codes.size)
            answer = ensemble_probabilities(teacher, copy.codes[low:high], device=device)
            answer = answer[1:, start - low : end - low]
            origin = copy.origin[start:end]
            before = np.where(origin >= 0, reference[1:, origin], 0.0)
            yield _taught(gene, copy.codes, answer, np.abs(answer - before), lessons, start, flank)


def _taught(
    gene: Gene,
    codes: np.ndarray,
    answer: np.ndarray,
    change: np.ndarray,
    lessons: Lessons,
    start: int,
    flank: int,
) -> TaughtSequence:
    end = start + answer.shape[1]
    low, high = start - flank, end + flank
    padded = np.pad(
        codes[max(low, 0) : high],
        (max(-low, 0), max(high - codes.size, 0)),
        constant_values=UNKNOWN,
    )
    weight = (
        1.0
        + lessons.notable_weight * (answer.max(0) > NOTABLE)
        + lessons.change_weight * change.max(0)
    )
    return TaughtSequence(
        gene.name,
        gene.contig,
        padded,
        answer[0].astype(np.float16),
        answer[1].astype(np.float16),
        weight.astype(np.float16),
    )


def covered(points: np.ndarray, reach: int) -> list[tuple[int, int]]:
    """Half-open intervals that cover ``points`` ± ``reach``; near ones are joined.

    Two intervals less than five reaches apart are one: a teacher with a wide context would read
    most of the gap twice.
    """
    areas: list[tuple[int, int]] = []
    for point in np.sort(points):
        start, end = int(point) - reach, int(point) + reach + 1
        if areas and start - areas[-1][1] < 5 * reach:
            areas[-1] = (areas[-1][0], end)
        else:
            areas.append((start, end))
    return areas
