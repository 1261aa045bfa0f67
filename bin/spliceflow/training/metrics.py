"""Top-k accuracy, AUPRC, F1, precision and recall of splice sites, in memory that does not grow.

Scores are counted in fine bins of log-odds, so a genome is evaluated as a stream and the counts of
chromosomes or tasks can be added.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

LOG_ODDS_LIMIT = 20.0
BINS = 1 << 18
TOP_K_MULTIPLES = (0.5, 1.0, 2.0, 4.0)


def _no_counts() -> np.ndarray:
    return np.zeros(BINS, np.int64)


@dataclass
class SiteCounts:
    """How many bases that are and that are not sites of one kind fell in each bin of score.

    Attributes:
        sites: int64 (BINS,), ascending log-odds.
        others: int64 (BINS,).
    """

    sites: np.ndarray = field(default_factory=_no_counts)
    others: np.ndarray = field(default_factory=_no_counts)

    def add(self, probability: np.ndarray, is_site: np.ndarray) -> None:
        """Count bases; both arrays have one shape, probabilities are within [0, 1]."""
        bins = _bins(probability.ravel())
        flags = is_site.ravel().astype(bool)
        # Sparse additions: a window has few distinct bins beside the lowest one.
        for counts, chosen in ((self.sites, bins[flags]), (self.others, bins[~flags])):
            values, numbers = np.unique(chosen, return_counts=True)
            counts[values] += numbers

    def __add__(self, other: SiteCounts) -> SiteCounts:
        """Counts of both together."""
        return SiteCounts(self.sites + other.sites, self.others + other.others)

    def compact(self) -> CompactCounts:
        """The same in little memory, if few bins are filled."""
        filled = np.flatnonzero(self.sites | self.others)
        return CompactCounts(filled, self.sites[filled], self.others[filled])

    @property
    def number_of_sites(self) -> int:
        """All sites counted."""
        return int(self.sites.sum())

    def top_k(self, multiple: float = 1.0) -> float:
        """Share of right answers among the ``multiple`` × (number of sites) best scores.

        As in SpliceAI: right answers divided by the smaller of the number of sites and the number
        of bases looked at. nan without sites.
        """
        total = self.number_of_sites
        looked_at = round(total * multiple)
        if not total or not looked_at:
            return float("nan")
        sites, both = np.cumsum(self.sites[::-1]), np.cumsum((self.sites + self.others)[::-1])
        index = int(np.searchsorted(both, looked_at))
        if index >= both.size:
            return float(sites[-1] / min(total, looked_at))
        before_sites = sites[index - 1] if index else 0
        before_both = both[index - 1] if index else 0
        # Bases in the bin that straddles the limit count in proportion.
        share = (looked_at - before_both) / (both[index] - before_both)
        right = before_sites + share * (sites[index] - before_sites)
        return float(right / min(total, looked_at))

    def auprc(self) -> float:
        """Area under the precision-recall curve as average precision; nan without sites."""
        if not self.number_of_sites:
            return float("nan")
        sites = self.sites[::-1]
        right = np.cumsum(sites)
        both = np.cumsum((self.sites + self.others)[::-1])
        at = sites > 0
        return float((right[at] / both[at] * sites[at]).sum() / right[-1])

    def at_threshold(self, probability: float = 0.5) -> tuple[float, float, float]:
        """Precision, recall and F1 of calling every base at or above a probability; nan if 0/0."""
        first = int(_bins(np.array([probability]))[0])
        right = int(self.sites[first:].sum())
        called = right + int(self.others[first:].sum())
        precision = right / called if called else float("nan")
        recall = right / self.number_of_sites if self.number_of_sites else float("nan")
        # F1 = 2 TP / (2 TP + FP + FN), 0 when nothing is right.
        f1 = 2 * right / (called + self.number_of_sites) if called + self.number_of_sites else 0.0
        return precision, recall, f1


@dataclass(frozen=True)
class CompactCounts:
    """The filled bins of a :class:`SiteCounts`.

    Attributes:
        bins: int64 (filled,), ascending.
        sites: int64 (filled,).
        others: int64 (filled,).
    """

    bins: np.ndarray
    sites: np.ndarray
    others: np.ndarray

    def whole(self) -> SiteCounts:
        """With all bins."""
        counts = SiteCounts()
        counts.sites[self.bins], counts.others[self.bins] = self.sites, self.others
        return counts


def _bins(probability: np.ndarray) -> np.ndarray:
    p = np.clip(probability.astype(np.float64), 1e-12, 1 - 1e-12)
    scaled = (np.log(p) - np.log1p(-p) + LOG_ODDS_LIMIT) * (BINS / (2 * LOG_ODDS_LIMIT))
    return np.clip(scaled.astype(np.int64), 0, BINS - 1)
