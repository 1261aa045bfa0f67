from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spliceflow.scores.agreement import agreement, auroc, ranks
from spliceflow.training.metrics import SiteCounts


def counts_of(probability: list[float], truth: list[int]) -> SiteCounts:
    counts = SiteCounts()
    counts.add(np.array(probability, np.float32), np.array(truth, bool))
    return counts


def test_a_perfect_ranking_has_the_highest_numbers() -> None:
    counts = counts_of([0.9, 0.8, 0.1, 0.01], [1, 1, 0, 0])
    assert counts.auprc() == pytest.approx(1.0)
    assert counts.top_k(1) == pytest.approx(1.0)
    assert counts.at_threshold(0.5) == (1.0, 1.0, 1.0)


def test_known_answers_of_a_mixed_ranking() -> None:
    counts = counts_of([0.9, 0.8, 0.7, 0.2, 0.1], [1, 0, 1, 0, 1])
    # Precision at each site: 1/1, 2/3, 3/5.
    assert counts.auprc() == pytest.approx((1 + 2 / 3 + 3 / 5) / 3, abs=1e-6)
    assert counts.top_k(1) == pytest.approx(2 / 3)
    assert counts.top_k(2) == pytest.approx(1.0)
    precision, recall, f1 = counts.at_threshold(0.5)
    assert (precision, recall, f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))


def test_ties_at_the_limit_count_in_proportion() -> None:
    counts = counts_of([0.5] * 4, [1, 1, 0, 0])
    assert counts.top_k(1) == pytest.approx(0.5)


def test_without_sites_nothing_can_be_said() -> None:
    counts = counts_of([0.5, 0.1], [0, 0])
    assert math.isnan(counts.auprc())
    assert math.isnan(counts.top_k())


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1, width=32), st.booleans()), min_size=2, max_size=60),
    st.integers(1, 59),
)
def test_counts_of_parts_add_up(rows: list[tuple[float, bool]], cut: int) -> None:
    probability, truth = zip(*rows, strict=True)
    whole = counts_of(list(probability), list(truth))
    parts = counts_of(list(probability[:cut]), list(truth[:cut])) + counts_of(
        list(probability[cut:]), list(truth[cut:])
    )
    assert np.array_equal(whole.sites, parts.sites)
    assert np.array_equal(whole.others, parts.others)


def test_compact_counts_are_the_same_counts() -> None:
    counts = counts_of([0.9, 0.8, 0.8, 0.2, 0.0, 1.0], [1, 0, 1, 0, 1, 0])
    compact = counts.compact()
    assert compact.bins.size == 5
    np.testing.assert_array_equal(compact.whole().sites, counts.sites)
    np.testing.assert_array_equal(compact.whole().others, counts.others)


def test_ranks_share_ties() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 0.0])).tolist() == [2.5, 1.0, 2.5, 0.0]


def test_auroc_counts_ordered_pairs() -> None:
    score, truth = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert auroc(score, truth) == pytest.approx(0.75)


def test_agreement_of_a_student_that_misses_one_call() -> None:
    teacher = np.array([0.9, 0.6, 0.3, 0.0, 0.1])
    student = np.array([0.8, 0.4, 0.6, 0.0, 0.1])
    found = agreement(teacher, student, (0.5,))
    assert found.positives == (2,)
    assert found.recall == (0.5,)
    assert found.precision == (0.5,)
    assert found.spearman == pytest.approx(0.9)
