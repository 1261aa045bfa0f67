"""How well a bundle finds the splice sites of a dataset; works for any bundle and annotation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spliceflow.scoring.tracks import TrackPredictor
from spliceflow.training.metrics import TOP_K_MULTIPLES, CompactCounts, SiteCounts
from spliceflow.training.shards import TaughtSequence, read_shard

KINDS = ("acceptor", "donor")
EVERYTHING = "all"


@dataclass(frozen=True)
class SiteMetrics:
    """One line of an evaluation; nan where there is nothing to divide by.

    Attributes:
        model: name of the bundle.
        contig: contig, or ``all``.
        site: ``acceptor``, ``donor``, or ``both`` for the mean of the two.
        bases: bases looked at.
        sites: annotated sites among them.
        top_k_half: share of right answers among the best 0.5 × ``sites`` scores; then 1, 2, 4 ×.
        auprc: average precision.
        precision: at probability 0.5.
        recall: at probability 0.5.
        f1: at probability 0.5.
    """

    model: str
    contig: str
    site: str
    bases: int
    sites: int
    top_k_half: float
    top_k_1: float
    top_k_2: float
    top_k_4: float
    auprc: float
    precision: float
    recall: float
    f1: float


def sequences_of(shards: Sequence[Path]) -> Iterator[TaughtSequence]:
    """All sequences of a dataset, one shard in memory at a time."""
    for path in shards:
        yield from read_shard(path)


def evaluate(
    predictor: TrackPredictor, sequences: Iterable[TaughtSequence], model: str
) -> list[SiteMetrics]:
    """Count scores by contig and kind of site, in memory that the bases do not add to.

    A base is a site where its target is at least 0.5.
    """
    counts: dict[tuple[str, str], CompactCounts] = {}
    totals = {kind: SiteCounts() for kind in KINDS}
    for sequence, probability in predicted_sequences(predictor, sequences):
        looked_at = sequence.weight > 0
        for column, kind in enumerate(KINDS, 1):
            known = counts.get((sequence.contig, kind))
            one = known.whole() if known else SiteCounts()
            is_site = getattr(sequence, kind)[looked_at] >= 0.5
            for count in (one, totals[kind]):
                count.add(probability[looked_at, column], is_site)
            # an assembly can have thousands of contigs, each with a few genes
            counts[sequence.contig, kind] = one.compact()
    rows = _rows(model, EVERYTHING, totals)
    for contig in sorted({contig for contig, _ in counts}):
        rows += _rows(model, contig, {kind: counts[contig, kind].whole() for kind in KINDS})
    return rows


def predicted_sequences(
    predictor: TrackPredictor, sequences: Iterable[TaughtSequence]
) -> Iterator[tuple[TaughtSequence, np.ndarray]]:
    """Sequences in order with their probabilities, float32 (L, 3)."""
    half = predictor.context // 2
    waiting: deque[tuple[TaughtSequence, int]] = deque()

    def windows() -> Iterator[np.ndarray]:
        for sequence in sequences:
            outputs = sequence.acceptor.size
            starts = range(0, outputs, predictor.tile)
            waiting.append((sequence, len(starts)))
            codes = sequence.window(0, outputs, predictor.context).codes
            for start in starts:
                yield codes[start : min(start + predictor.tile, outputs) + 2 * half]

    pieces: list[np.ndarray] = []
    for piece in predictor.windows(windows()):
        pieces.append(piece)
        sequence, expected = waiting[0]
        if len(pieces) == expected:
            yield sequence, np.concatenate(pieces)
            waiting.popleft()
            pieces = []


def _rows(model: str, contig: str, counts: dict[str, SiteCounts]) -> list[SiteMetrics]:
    rows = []
    for kind, one in counts.items():
        top_k = [one.top_k(multiple) for multiple in TOP_K_MULTIPLES]
        bases = int(one.sites.sum() + one.others.sum())
        threshold = one.at_threshold(0.5)
        rows.append(
            SiteMetrics(
                model, contig, kind, bases, one.number_of_sites, *top_k, one.auprc(), *threshold
            )
        )
    means = [
        float(np.mean([getattr(row, name) for row in rows]))
        for name in SiteMetrics.__dataclass_fields__
        if name not in ("model", "contig", "site", "bases", "sites")
    ]
    both = SiteMetrics(model, contig, "both", rows[0].bases, sum(row.sites for row in rows), *means)
    return [*rows, both]
