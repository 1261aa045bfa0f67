"""Temperature scaling (Guo et al. 2017): probabilities that mean what they say."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from spliceflow.errors import InputError
from spliceflow.genome.splice_sites import ACCEPTOR, DONOR
from spliceflow.scoring.ensemble import mean_probabilities
from spliceflow.scoring.tracks import TrackPredictor
from spliceflow.training.shards import TaughtSequence

NOTABLE = 0.001
"""Bases that get more than this as a site are all kept; of the others a regular sample."""

RELIABILITY_BINS = np.array(
    [0.0, 0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
)

_GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class CalibrationSample:
    """Bases with their logits and truth.

    Attributes:
        logits: float32 (members, bases, 3).
        labels: int64 (bases,), 0 neither, 1 acceptor, 2 donor.
        weights: float64 (bases,), how many bases each stands for.
    """

    logits: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class ReliabilityBin:
    """Bases of one range of probability: how often they are what the model says."""

    site: str
    low: float
    high: float
    bases: float
    predicted: float
    observed: float


@dataclass(frozen=True)
class CalibrationMetrics:
    """Means a base; ``ece`` is the mean over acceptor and donor of the calibration error.

    ``ece_notable`` is the same over bases given at least 0.05, where the errors that matter are.
    """

    nll: float
    brier: float
    ece: float
    ece_notable: float


@dataclass(frozen=True)
class Calibration:
    """A temperature and what it does."""

    temperature: float
    bases: int
    before: CalibrationMetrics
    after: CalibrationMetrics
    reliability_before: list[ReliabilityBin]
    reliability_after: list[ReliabilityBin]


def sample_logits(
    predictor: TrackPredictor, sequences: Iterable[TaughtSequence], every: int
) -> CalibrationSample:
    """Logits of all notable bases and sites, and of one in ``every`` others.

    Raises:
        InputError: there is no splice site among the sequences.
    """
    logits, labels, weights = [], [], []
    waiting: deque[tuple[TaughtSequence, int, int]] = deque()

    def windows() -> Iterator[np.ndarray]:
        for sequence in sequences:
            outputs = sequence.acceptor.size
            codes = sequence.window(0, outputs, predictor.context).codes
            for start in range(0, outputs, predictor.tile):
                end = min(start + predictor.tile, outputs)
                waiting.append((sequence, start, end))
                yield codes[start : end + predictor.context]

    for found in predictor.logits_of_windows(windows()):
        sequence, start, end = waiting.popleft()
        truth = np.where(sequence.acceptor[start:end] >= 0.5, ACCEPTOR, 0)
        truth = np.where(sequence.donor[start:end] >= 0.5, DONOR, truth)
        notable = (mean_probabilities(found)[:, 1:].max(1) > NOTABLE) | (truth > 0)
        sampled = ~notable & (np.arange(start, end) % every == 0)
        looked_at = (notable | sampled) & (sequence.weight[start:end] > 0)
        logits.append(found[:, looked_at])
        labels.append(truth[looked_at])
        weights.append(np.where(notable, 1.0, every)[looked_at])
    if not labels or not any((part > 0).any() for part in labels):
        raise InputError("the validation split has no splice site; give more genes to it.")
    return CalibrationSample(
        np.concatenate(logits, axis=1), np.concatenate(labels), np.concatenate(weights)
    )


def calibrate(sample: CalibrationSample) -> Calibration:
    """Find the temperature of the least negative log-likelihood by golden-section search."""
    low, high = np.log(0.2), np.log(5.0)
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = _nll(sample, np.exp(left)), _nll(sample, np.exp(right))
    while high - low > 1e-3:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = _nll(sample, np.exp(left))
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = _nll(sample, np.exp(right))
    temperature = float(np.round(np.exp((low + high) / 2), 4))
    before, after = (mean_probabilities(sample.logits, t) for t in (1.0, temperature))
    return Calibration(
        temperature,
        int(sample.weights.sum()),
        _metrics(before, sample),
        _metrics(after, sample),
        reliability(before, sample),
        reliability(after, sample),
    )


def reliability(probability: np.ndarray, sample: CalibrationSample) -> list[ReliabilityBin]:
    """Predicted against observed frequency by range of probability; empty ranges are left out."""
    bins = []
    for kind, name in ((ACCEPTOR, "acceptor"), (DONOR, "donor")):
        which = np.digitize(probability[:, kind], RELIABILITY_BINS[1:-1])
        for index in range(RELIABILITY_BINS.size - 1):
            chosen = which == index
            if chosen.any():
                weights = sample.weights[chosen]
                bins.append(
                    ReliabilityBin(
                        name,
                        float(RELIABILITY_BINS[index]),
                        float(RELIABILITY_BINS[index + 1]),
                        float(weights.sum()),
                        float(np.average(probability[chosen, kind], weights=weights)),
                        float(np.average(sample.labels[chosen] == kind, weights=weights)),
                    )
                )
    return bins


def _nll(sample: CalibrationSample, temperature: float) -> float:
    return _log_loss(mean_probabilities(sample.logits, temperature), sample)


def _log_loss(probability: np.ndarray, sample: CalibrationSample) -> float:
    of_truth = probability[np.arange(sample.labels.size), sample.labels].astype(np.float64)
    return float(np.average(-np.log(np.maximum(of_truth, 1e-12)), weights=sample.weights))


def _metrics(probability: np.ndarray, sample: CalibrationSample) -> CalibrationMetrics:
    truth = np.eye(3)[sample.labels]
    brier = np.average(((probability - truth) ** 2).sum(1), weights=sample.weights)
    bins = reliability(probability, sample)
    return CalibrationMetrics(
        _log_loss(probability, sample), float(brier), _ece(bins, 0.0), _ece(bins, 0.05)
    )


def _ece(bins: list[ReliabilityBin], least: float) -> float:
    errors = []
    for site in ("acceptor", "donor"):
        chosen = [b for b in bins if b.site == site and b.low >= least]
        bases = sum(b.bases for b in chosen)
        if bases:
            errors.append(sum(b.bases * abs(b.predicted - b.observed) for b in chosen) / bases)
    return float(np.mean(errors)) if errors else float("nan")
