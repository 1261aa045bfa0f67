"""From probabilities of REF and ALT to delta scores, as SpliceAI defines them.

Jaganathan et al. 2019, for substitutions, insertions and deletions; :func:`align_to_reference` has
the rule that extends them to alleles whose REF and ALT both have several bases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spliceflow.genome.splice_sites import ACCEPTOR, DONOR


@dataclass(frozen=True)
class Deltas:
    """Delta scores and positions of alleles.

    Attributes:
        scores: float32 (alleles, 4): acceptor gain, acceptor loss, donor gain, donor loss.
        positions: int32 (alleles, 4): where, in bases from POS in genome direction.
    """

    scores: np.ndarray
    positions: np.ndarray


def align_to_reference(
    alt: np.ndarray, distance: int, ref_length: int, alt_length: int
) -> np.ndarray:
    """Bring ALT's probabilities to the positions of the reference.

    Base i of ALT stands for base i of REF. Inserted bases collapse to their maximum on the last
    base of REF, deleted bases get zeros. SpliceAI's rules for substitutions, insertions and
    deletions are the cases with a REF or an ALT of one base.

    Args:
        alt: float32 (alleles, outputs, 3) in genome direction, from POS - distance on.
        distance: largest distance from POS.
        ref_length: bases of REF.
        alt_length: bases of ALT.

    Returns:
        float32 (alleles, 2 * distance + 1, 3).
    """
    window = 2 * distance + 1
    if alt_length == 1:
        # SpliceAI's window of ALT is shorter by the deleted bases. Where the deletion reaches
        # beyond POS + distance, bases before POS are lacking, and count as zero.
        alt = alt[:, : window + alt_length - ref_length]
    before = alt[:, :distance]
    bases = alt[:, distance : distance + alt_length]
    after = alt[:, distance + alt_length :]
    if alt_length > ref_length:
        inserted = bases[:, ref_length - 1 :].max(axis=1, keepdims=True)
        bases = np.concatenate([bases[:, : ref_length - 1], inserted], axis=1)
    deleted = max(ref_length - alt_length, 0)
    zeros = np.zeros((alt.shape[0], deleted, alt.shape[2]), alt.dtype)
    return np.concatenate([before, bases, zeros, after], axis=1)[:, :window]


def delta_scores(ref: np.ndarray, alt: np.ndarray) -> Deltas:
    """Largest gains and losses over the window, the first position on ties.

    Args:
        ref: float32 (alleles, 2 * distance + 1, 3) in genome direction.
        alt: the same for ALT, aligned to the reference.
    """
    distance = ref.shape[1] // 2
    change = alt - ref
    scores, positions = [], []
    for site in (ACCEPTOR, DONOR):
        for direction in (change[:, :, site], -change[:, :, site]):
            best = direction.argmax(axis=1)
            scores.append(np.take_along_axis(direction, best[:, None], axis=1)[:, 0])
            positions.append(best - distance)
    return Deltas(
        np.stack(scores, axis=1).astype(np.float32), np.stack(positions, axis=1).astype(np.int32)
    )


def mask_known_sites(deltas: Deltas, boundary: np.ndarray) -> Deltas:
    """Set gains at, and losses away from, the nearest exon boundary to zero.

    Args:
        deltas: as from :func:`delta_scores`; positions stay as they are.
        boundary: int (alleles,), from POS to the boundary of an exon nearest to it.
    """
    at_boundary = deltas.positions == np.asarray(boundary)[:, None]
    gains = np.array([True, False, True, False])
    masked = np.where(gains, at_boundary, ~at_boundary)
    return Deltas(np.where(masked, np.float32(0), deltas.scores), deltas.positions)


def nearest_boundary(
    positions: np.ndarray, exon_starts: tuple[int, ...], exon_ends: tuple[int, ...]
) -> np.ndarray:
    """Bases from each position to the nearest exon boundary, the smaller one on ties.

    Args:
        positions: int (alleles,), 1-based.
        exon_starts: 0-based first bases; their 1-based positions are boundaries.
        exon_ends: half-open ends, which are the 1-based positions of the last bases.
    """
    boundaries = np.union1d(np.asarray(exon_starts, np.int64) + 1, np.asarray(exon_ends, np.int64))
    right = np.searchsorted(boundaries, positions).clip(0, len(boundaries) - 1)
    left = (right - 1).clip(0)
    to_right = boundaries[right] - positions
    to_left = boundaries[left] - positions
    return np.where(np.abs(to_left) <= np.abs(to_right), to_left, to_right)
