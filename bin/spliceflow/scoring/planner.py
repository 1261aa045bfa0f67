"""What to compute for which allele, and what it costs: pure functions.

Notation of the docstrings: convolution k = 1 … K has half-span h_k. To be right at the
outputs, layer k has to be right ``needed`` bases beyond the changed segment,
N_{k-1} = N_k + h_k; the exchange reaches ``changed`` bases beyond it, C_k = C_{k-1} + h_k.
An allele is computed on W_k = min(C_k, N_k); what lies outside is the reference's own.
The two sides of the segment have widths of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spliceflow.models.bundle import Bundle
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.fast_convolution import PHASES, phases, steps
from spliceflow.models.kept_activations import kept_margins, taps_after_units

MULTIPLY_ADDS_PER_CPU_SECOND = 40e9
"""What a current processor core does of the predicted multiply-adds; see ``cpu_seconds``."""


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
    """W_0 … W_K in bases, on both sides of an allele's segment.

    Attributes:
        left: on the 5' side, on the gene's strand.
        right: on the 3' side.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]

    @classmethod
    def of(cls, config: DilatedCnn, geometry: Geometry, block: int) -> Widths:
        """Widths of all layers, rounded up where a layer is cut into phases.

        There the segment and both sides together have to be a whole number of steps, and the
        left side as well.
        """
        left, right = [0], [0]
        needed = sum(config.half_spans)
        changed = 0
        every = steps(config, block)
        for half_span, step in zip(config.half_spans, every[1:], strict=True):
            needed -= half_span
            changed += half_span
            # What was rounded up in the layer before is not thrown away but computed on.
            wide = max(min(geometry.left + needed, changed), left[-1] - half_span)
            left.append(_round_up(wide, step))
            wide = max(min(geometry.right + needed, changed), right[-1] - half_span)
            right.append(_round_up(wide + geometry.alt_length, step) - geometry.alt_length)
        # The input of a unit, W_{2u+1} + h wide, has to hold all that its identity carries on.
        for between in range(1, len(left), 2):
            half_span = config.half_spans[between]
            left[between] = max(left[between], left[between + 1] - half_span)
            right[between] = max(right[between], right[between + 1] - half_span)
        return cls(tuple(left), tuple(right))


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step


def reference_margin(config: DilatedCnn, block: int) -> int:
    """Outputs beyond what scores need that a reference tile has to have on both sides.

    Rounded widths reach up to a step beyond what is needed.
    """
    return max(steps(config, block)) - 1


def plan_variants(
    config: DilatedCnn, geometry: Geometry, tile: int, block: int
) -> dict[str, np.ndarray]:
    """Rows, sides and crops for a batch of one geometry in a tile of ``tile`` codes.

    Returns:
        the integer inputs of :func:`spliceflow.models.graphs.variant_graph`, by name.
    """
    widths = Widths.of(config, geometry, block)
    margins = kept_margins(config)
    groups = np.arange(config.channels // block, dtype=np.int32)[:, None]
    inputs: dict[str, np.ndarray] = {}

    def gather(
        label: str,
        kept: str,
        inner: tuple[int, int],
        outer: tuple[int, int],
        count: int = 1,
        dilation: int = 1,
    ) -> None:
        """Rows between ``inner`` and ``outer`` bases beyond the segment, phase by phase."""
        start = -margins[kept]
        end = geometry.ref_length - margins[kept]
        left = np.arange(start - outer[0], start - inner[0], dtype=np.int32)
        right = np.arange(end + inner[1], end + outer[1], dtype=np.int32)
        parts = [
            side.reshape(-1, count, dilation)[:, phase].reshape(-1) if count > 1 else side
            for phase in range(count)
            for side in (left, right)
        ]
        length = tile - 2 * margins[kept]
        inputs[f"{label}.rows"] = (groups * length + np.concatenate(parts))[None].astype(np.int32)
        inputs[f"{label}.sides"] = np.array([len(part) for part in parts], np.int64)

    def sides(layer: int, beyond: int = 0) -> tuple[int, int]:
        return widths.left[layer] + beyond, widths.right[layer] + beyond

    def tap(number: int, units: int) -> None:
        """The trunk after ``units`` units, cut or extended to the outputs."""
        width = sides(2 * units)
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
        cut = phases(config, unit, block), config.dilations[unit]
        before, between, after = 2 * unit, 2 * unit + 1, 2 * unit + 2
        outer = sides(between, half_span)
        gather(f"x{unit}", f"x{unit}", sides(before), outer, *cut)
        start = outer[0] - widths.left[after]
        end = outer[0] + geometry.alt_length + widths.right[after]
        inputs[f"residual{unit}.start"] = np.array([start // cut[0]], np.int64)
        inputs[f"residual{unit}.end"] = np.array([end // cut[0]], np.int64)
        gather(f"a{unit}", f"a{unit}", sides(between), sides(after, half_span), *cut)
    return inputs


@lru_cache(maxsize=4096)
def variant_taps(config: DilatedCnn, geometry: Geometry, block: int = 1) -> float:
    """Convolution tap positions (each channels² multiply-adds) of one incremental allele.

    In a layer that is cut into four phases, nine convolutions of a quarter of the positions
    and about a quarter of the taps count.
    """
    widths = Widths.of(config, geometry, block)
    total = 0.0
    for k, taps in enumerate(config.taps):
        positions = widths.left[k + 1] + geometry.alt_length + widths.right[k + 1]
        if phases(config, k // 2, block) == PHASES:
            total += 9 * ((taps + 3) // 4) * positions / PHASES
        else:
            total += taps * positions
    return total


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


CostFunction = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def cost_function(bundle: Bundle, distance: int) -> CostFunction:
    """Predicted cost of alleles, by which shards are balanced.

    Returns:
        a function of sorted 1-based positions, lengths of REF and lengths of ALT that gives
        float64 multiply-adds of each allele: its own, and what it adds to the reference tiles
        of the alleles before it.
    """
    network = bundle.network
    members = len(bundle.members) * network.channels**2

    def cost(positions: np.ndarray, ref: np.ndarray, alt: np.ndarray) -> np.ndarray:
        pairs, which = np.unique(np.stack([ref, alt], axis=1), axis=0, return_inverse=True)
        own = np.array(
            [
                variant_taps(network, Geometry.of_allele(int(r), int(a), distance, "+"))
                for r, a in pairs
            ],
            dtype=np.float64,
        )[which.reshape(-1)]
        gaps = np.diff(positions, prepend=positions[:1] - 10 * network.context - 10**6)
        new_tile = window_taps(network, 2 * distance + 1)
        shared = np.minimum(gaps * float(sum(network.taps)), new_tile)
        return (own + shared) * members

    return cost


def cpu_seconds(cost: float) -> float:
    """CPU time that a predicted cost (multiply-adds) comes to, all threads together.

    A rough figure, to tell minutes from days before a run: processors differ, and small networks
    reach less of one than large ones.
    """
    return cost / MULTIPLY_ADDS_PER_CPU_SECOND
