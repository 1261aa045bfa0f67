"""What to compute for which allele, and what it costs: pure functions.

Notation of the docstrings: convolution k = 1 … K has half-span h_k. To be right at the
outputs, layer k has to be right ``needed`` bases beyond the changed segment,
N_{k-1} = N_k + h_k; the exchange reaches ``changed`` bases beyond it, C_k = C_{k-1} + h_k.
An allele is computed on W_k = min(C_k, N_k); what lies outside is the reference's own.
The two sides of the segment have widths of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.graphs import kept_margins, taps_after_units


@dataclass(frozen=True)
class Geometry:
    """What a batch of alleles has to share to be computed together.

    Attributes:
        ref_length: bases of REF.
        alt_length: bases of ALT.
        left: outputs needed on the 5' side of REF, on the gene's strand.
        right: outputs needed on the 3' side of REF.
    """

    ref_length: int
    alt_length: int
    left: int
    right: int

    @classmethod
    def of_allele(cls, ref_length: int, alt_length: int, distance: int, strand: str) -> Geometry:
        """Geometry of an allele whose scores cover POS - distance … POS + distance.

        REF runs from POS to the right on the forward strand, so it takes ``ref_length`` bases
        off what is needed on that side.
        """
        beyond = max(distance + 1 - ref_length, 0)
        if strand == "+":
            return cls(ref_length, alt_length, distance, beyond)
        return cls(ref_length, alt_length, beyond, distance)

    @property
    def outputs(self) -> int:
        """Outputs that the variant graph returns for this geometry."""
        return self.left + self.alt_length + self.right


@dataclass(frozen=True)
class Widths:
    """W_0 … W_K of one side of the changed segment, in bases."""

    half_spans: tuple[int, ...]
    needed: int

    @cached_property
    def bases(self) -> tuple[int, ...]:
        """W_0 … W_K."""
        needed = self.needed + sum(self.half_spans)
        changed = 0
        widths = [0]
        for half_span in self.half_spans:
            needed -= half_span
            changed += half_span
            widths.append(min(needed, changed))
        return tuple(widths)


def plan_variants(
    config: DilatedCnn, geometry: Geometry, tile: int, block: int
) -> dict[str, np.ndarray]:
    """Rows, sides and crops for a batch of one geometry in a tile of ``tile`` codes.

    Returns:
        the integer inputs of :func:`spliceflow.models.graphs.variant_graph`, by name.
    """
    left = Widths(config.half_spans, geometry.left).bases
    right = Widths(config.half_spans, geometry.right).bases
    margins = kept_margins(config)
    groups = np.arange(config.channels // block, dtype=np.int32)[:, None]
    inputs: dict[str, np.ndarray] = {}

    def gather(label: str, kept: str, inner: tuple[int, int], outer: tuple[int, int]) -> None:
        """Rows between ``inner`` and ``outer`` bases beyond the segment, on both sides."""
        start = -margins[kept]
        end = geometry.ref_length - margins[kept]
        positions = np.concatenate(
            [
                np.arange(start - outer[0], start - inner[0], dtype=np.int32),
                np.arange(end + inner[1], end + outer[1], dtype=np.int32),
            ]
        )
        length = tile - 2 * margins[kept]
        inputs[f"{label}.rows"] = (groups * length + positions)[None].astype(np.int32)
        inputs[f"{label}.sides"] = np.array([outer[0] - inner[0], outer[1] - inner[1]], np.int64)

    def tap(number: int, units: int) -> None:
        """The trunk after ``units`` units, cut or extended to the outputs."""
        width = left[2 * units], right[2 * units]
        crop = max(width[0] - geometry.left, 0), max(width[1] - geometry.right, 0)
        total = width[0] + geometry.alt_length + width[1]
        inputs[f"tap{number}.start"] = np.array([crop[0]], np.int64)
        inputs[f"tap{number}.end"] = np.array([total - crop[1]], np.int64)
        inner = width[0] - crop[0], width[1] - crop[1]
        gather(f"tap{number}", f"x{units}", inner, (geometry.left, geometry.right))

    for number, units in enumerate(taps_after_units(config)):
        tap(number, units)
    for unit in range(config.units):
        half_span = config.half_spans[2 * unit]
        before, between, after = 2 * unit, 2 * unit + 1, 2 * unit + 2
        outer = left[between] + half_span, right[between] + half_span
        gather(f"x{unit}", f"x{unit}", (left[before], right[before]), outer)
        start = outer[0] - left[after]
        end = outer[0] + geometry.alt_length + right[after]
        inputs[f"residual{unit}.start"] = np.array([start], np.int64)
        inputs[f"residual{unit}.end"] = np.array([end], np.int64)
        outer = left[after] + half_span, right[after] + half_span
        gather(f"a{unit}", f"a{unit}", (left[between], right[between]), outer)
    return inputs


@lru_cache(maxsize=4096)
def variant_taps(config: DilatedCnn, geometry: Geometry) -> int:
    """Convolution tap positions (each channels² multiply-adds) of one incremental allele."""
    left = Widths(config.half_spans, geometry.left).bases
    right = Widths(config.half_spans, geometry.right).bases
    return sum(
        taps * (left[k + 1] + geometry.alt_length + right[k + 1])
        for k, taps in enumerate(config.taps)
    )


@lru_cache(maxsize=4096)
def window_taps(config: DilatedCnn, outputs: int) -> int:
    """Convolution tap positions of a full, cropped pass that returns ``outputs`` positions."""
    beyond = config.context // 2
    total = 0
    for taps, half_span in zip(config.taps, config.half_spans, strict=True):
        beyond -= half_span
        total += taps * (outputs + 2 * beyond)
    return total


def taps_per_base(config: DilatedCnn) -> int:
    """Convolution tap positions that one more output costs a reference tile."""
    return sum(config.taps)


@dataclass(frozen=True)
class Span:
    """Outputs that alleles of one gene need of the reference.

    ``start`` and ``end``: 0-based half-open, on the gene's own strand or the genome's, as the
    caller counts. ``alleles``: indices into the caller's list, in order.
    """

    start: int
    end: int
    alleles: tuple[int, ...]


def merge_spans(
    starts: Sequence[int],
    ends: Sequence[int],
    config: DilatedCnn,
    max_outputs: int,
) -> list[Span]:
    """Merge what alleles need of the reference into tiles.

    Two neighbours share a tile where computing the bases between them costs less than a
    second tile's margins, and the tile stays within ``max_outputs``. Every allele's outputs
    lie within one tile.

    Args:
        starts: first output needed by each allele, ascending.
        ends: one past the last output needed by each allele.
        config: shape of the network.
        max_outputs: longest tile in outputs, unless one allele alone needs more.
    """
    fixed = window_taps(config, 0)
    per_base = taps_per_base(config)
    spans: list[Span] = []
    members: list[int] = []
    start = end = 0
    for allele, (first, last) in enumerate(zip(starts, ends, strict=True)):
        if members:
            merged_end = max(end, last)
            cheaper = (merged_end - end) * per_base <= fixed + (last - first) * per_base
            if cheaper and merged_end - start <= max_outputs:
                members.append(allele)
                end = merged_end
                continue
            spans.append(Span(start, end, tuple(members)))
        members, start, end = [allele], first, last
    if members:
        spans.append(Span(start, end, tuple(members)))
    return spans
