from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, read_genes
from spliceflow.training.distillation import covered
from spliceflow.training.holdout import held_out_names, overlap_groups
from spliceflow.training.mutation import MutationRates, mutate
from spliceflow.variants.proposals import Proposals, propose


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400))
def test_every_kept_base_is_where_its_origin_says(seed: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 5, length).astype(np.uint8)
    points = np.arange(0, length, 37)
    copy = mutate(codes, points, MutationRates(background=0.05, motifs=0.01), rng)
    assert copy.codes.shape == copy.origin.shape
    known = copy.origin >= 0
    # Order is kept, nothing is used twice, and unknown bases are never touched.
    assert (np.diff(copy.origin[known]) > 0).all()
    unknown = np.flatnonzero(codes == 4)
    assert set(unknown) <= set(copy.origin[known])
    assert (copy.codes[np.isin(copy.origin, unknown)] == 4).all()
    assert (copy.codes <= 4).all()


def test_the_same_seed_gives_the_same_copy_and_another_a_different_one() -> None:
    codes = np.random.default_rng(0).integers(0, 4, 5_000).astype(np.uint8)
    points = np.array([100, 2_000])
    first, again, other = (
        mutate(codes, points, MutationRates(), np.random.default_rng(seed)).codes
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_without_rates_a_copy_is_the_original() -> None:
    codes = np.arange(40, dtype=np.uint8) % 4
    copy = mutate(codes, np.array([5]), MutationRates(0, 0, 0), np.random.default_rng(0))
    assert np.array_equal(copy.codes, codes)
    assert np.array_equal(copy.origin, np.arange(40))


def gene(name: str, start: int, end: int, contig: str = "1") -> Gene:
    return Gene(name, name, name, contig, "+", start, end, (start,), (end,))


def test_overlapping_genes_are_held_out_together() -> None:
    genes = [gene(f"g{i}", 50_000 * i, 50_000 * i + 30_000) for i in range(60)]
    genes += [gene(f"h{i}", 50_000 * i + 10_000, 50_000 * i + 32_000) for i in range(60)]
    kept = held_out_names(genes, 5)
    assert 0 < len(kept) < len(genes)
    for group in overlap_groups(genes):
        assert len({one.name in kept for one in group}) == 1
    assert held_out_names(genes, 0) == {one.name for one in genes}


def test_covered_intervals_contain_their_points_and_do_not_overlap() -> None:
    areas = covered(np.array([5_000, 100, 90_000, 5_100]), 200)
    assert areas == [(-100, 5_301), (89_800, 90_201)] or all(
        end < start for (_, end), (start, _) in itertools.pairwise(areas)
    )
    for point in (100, 5_000, 5_100, 90_000):
        assert any(start <= point < end for start, end in areas)


def test_proposed_variants_agree_with_the_reference(small_genome: tuple) -> None:
    fasta, table = small_genome
    genes = read_genes(table)
    with Genome(fasta) as genome:
        found = propose(genome, genes[0], Proposals(), np.random.default_rng(3))
        assert len(found) > 20
        assert found == sorted(set(found))
        kinds = set()
        for one in found:
            start = one.pos - 1
            assert genome.sequence(genes[0].contig, start, start + len(one.ref)) == one.ref
            assert one.ref != one.alt
            assert genes[0].tx_start <= start < genes[0].tx_end
            kinds.add((len(one.ref) > 1) - (len(one.alt) > 1))
    assert kinds == {-1, 0, 1}


@pytest.mark.parametrize("seed", [1, 2])
def test_proposals_are_reproducible(small_genome: tuple, seed: int) -> None:
    fasta, table = small_genome
    with Genome(fasta) as genome:
        first, again = (
            propose(genome, read_genes(table)[1], Proposals(), np.random.default_rng(seed))
            for _ in range(2)
        )
    assert first == again
