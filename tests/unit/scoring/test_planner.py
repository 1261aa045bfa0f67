"""Widths, costs and tiles of the incremental engine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.fast_convolution import steps
from spliceflow.scoring.planner import (
    Geometry,
    Widths,
    merge_spans,
    reference_margin,
    taps_per_base,
    variant_taps,
    window_taps,
)

LARGE = DilatedCnn.of_context(10_000)


def test_costs_of_the_largest_network():
    """The closed forms: full window, cropped window, substitution, a base of a tile."""
    half_spans, taps = LARGE.half_spans, LARGE.taps
    cropped = sum(taps[k] * (101 + 2 * sum(half_spans[k + 1 :])) for k in range(len(half_spans)))
    assert sum(LARGE.taps) * 10_101 == 6_787_872
    assert taps_per_base(LARGE) == 672
    assert window_taps(LARGE, 101) == cropped
    assert variant_taps(LARGE, Geometry.of_allele(1, 1, 50, "+")) == 1_168_412


@given(
    st.sampled_from([80, 400, 2_000, 10_000]),
    st.integers(1, 4_999),
    st.integers(1, 200),
    st.integers(1, 200),
    st.sampled_from("+-"),
)
def test_an_allele_never_costs_more_than_its_window(context, distance, ref, alt, strand):
    """W_k ≤ N_k layer by layer, so there is nothing to gain from a full pass."""
    network = DilatedCnn.of_context(context)
    geometry = Geometry.of_allele(ref, alt, distance, strand)
    assert variant_taps(network, geometry) <= window_taps(network, geometry.outputs)


@given(st.sampled_from([80, 2_000]), st.integers(0, 300))
def test_widths_grow_then_shrink_to_what_is_needed(context, needed):
    network = DilatedCnn.of_context(context)
    left = Widths.of(network, Geometry(1, 1, needed, 50), block=1).left
    assert left[0] == 0
    assert left[-1] == min(needed, context // 2)
    peak = left.index(max(left))
    assert list(left[: peak + 1]) == sorted(left[: peak + 1])
    assert list(left[peak:]) == sorted(left[peak:], reverse=True)


@given(st.integers(1, 4_999), st.integers(1, 300), st.integers(1, 300), st.sampled_from("+-"))
def test_widths_of_phases_are_whole_steps_within_the_margin(distance, ref, alt, strand):
    geometry = Geometry.of_allele(ref, alt, distance, strand)
    plain = Widths.of(LARGE, geometry, block=1)
    cut = Widths.of(LARGE, geometry, block=16)
    margin = reference_margin(LARGE, 16)
    for layer, step in enumerate(steps(LARGE, 16)):
        assert cut.left[layer] % step == 0
        assert (cut.left[layer] + alt + cut.right[layer]) % step == 0
        for side in ("left", "right"):
            rounded, exact = getattr(cut, side)[layer], getattr(plain, side)[layer]
            assert exact <= rounded <= exact + margin


def test_phases_save_multiplications():
    geometry = Geometry.of_allele(1, 1, 50, "+")
    assert variant_taps(LARGE, geometry, 16) < 0.72 * variant_taps(LARGE, geometry, 1)


def test_strands_mirror_each_other():
    forward = Geometry.of_allele(4, 1, 50, "+")
    reverse = Geometry.of_allele(4, 1, 50, "-")
    assert (forward.left, forward.right) == (50, 47) == (reverse.right, reverse.left)
    assert variant_taps(LARGE, forward) == variant_taps(LARGE, reverse)


@given(
    st.lists(st.integers(0, 100_000), min_size=1, max_size=60),
    st.integers(1, 300),
    st.integers(500, 30_000),
)
def test_tiles_cover_every_allele_once(starts, length, longest):
    starts = sorted(starts)
    ends = [start + length for start in starts]
    spans = merge_spans(starts, ends, LARGE, longest)
    assert [allele for span in spans for allele in span.alleles] == list(range(len(starts)))
    for span in spans:
        assert span.start == min(starts[allele] for allele in span.alleles)
        assert span.end == max(ends[allele] for allele in span.alleles)
        assert span.end - span.start <= max(longest, length)


def test_a_gap_is_bridged_where_that_is_cheaper():
    def tiles(gap: int) -> int:
        return len(merge_spans([0, gap], [101, gap + 101], LARGE, 1_000_000))

    break_even = window_taps(LARGE, 101) // taps_per_base(LARGE)
    assert tiles(break_even - 5) == 1
    assert tiles(break_even + 5) == 2
