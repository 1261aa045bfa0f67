"""How far a small model's delta scores agree with those of its teacher."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

THRESHOLDS = (0.2, 0.5, 0.8)


@dataclass(frozen=True)
class Agreement:
    """Agreement on one set of alleles; nan where there is nothing to divide by.

    Attributes:
        alleles: number compared.
        spearman: rank correlation of the largest of the four delta scores.
        pearson: linear correlation of the same.
        mean_difference: mean absolute difference of the same.
        thresholds: delta scores at which the teacher is taken for the truth.
        positives: alleles the teacher gives at least the threshold.
        recall: share of those that the student gives at least the threshold.
        precision: share of what the student gives at least the threshold that the teacher does.
        auroc: area under the ROC curve of the student's score for the teacher's call.
    """

    alleles: int
    spearman: float
    pearson: float
    mean_difference: float
    thresholds: tuple[float, ...]
    positives: tuple[int, ...]
    recall: tuple[float, ...]
    precision: tuple[float, ...]
    auroc: tuple[float, ...]


def agreement(
    teacher: np.ndarray, student: np.ndarray, thresholds: tuple[float, ...] = THRESHOLDS
) -> Agreement:
    """Compare the largest delta score of every allele, float (alleles,), same order."""
    teacher, student = teacher.astype(np.float64), student.astype(np.float64)
    truth = [teacher >= threshold for threshold in thresholds]
    called = [student >= threshold for threshold in thresholds]
    return Agreement(
        alleles=teacher.size,
        spearman=_correlation(ranks(teacher), ranks(student)),
        pearson=_correlation(teacher, student),
        mean_difference=float(np.abs(teacher - student).mean()) if teacher.size else float("nan"),
        thresholds=thresholds,
        positives=tuple(int(t.sum()) for t in truth),
        recall=tuple(_share(t & c, t) for t, c in zip(truth, called, strict=True)),
        precision=tuple(_share(t & c, c) for t, c in zip(truth, called, strict=True)),
        auroc=tuple(auroc(student, t) for t in truth),
    )


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0, ties sharing their mean."""
    unique, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    first = np.cumsum(counts) - counts
    return (first + (counts - 1) / 2)[inverse] if unique.size else values


def auroc(score: np.ndarray, truth: np.ndarray) -> float:
    """Area under the ROC curve; nan if all or none are true."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return float("nan")
    rank_sum = float(ranks(score)[truth].sum())
    return (rank_sum - positives * (positives - 1) / 2) / (positives * negatives)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if a.size < 2 or not a.std() or not b.std():
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _share(both: np.ndarray, whole: np.ndarray) -> float:
    return float(both.sum() / whole.sum()) if whole.any() else float("nan")
