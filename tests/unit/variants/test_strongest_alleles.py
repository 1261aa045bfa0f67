"""Which alleles of a file are kept for the report, and who carries them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spliceflow.variants import strongest
from spliceflow.variants.strongest import StrongestAlleles

GENOTYPES = b"\tGT:DP\t0/1:9\t1|2:8\t./.:0\t0/0:7\n"
SAMPLES = ("ada", "bo", "cy", "di")


def test_carriers_are_the_samples_with_the_allele_in_their_genotype():
    alleles = StrongestAlleles(SAMPLES)
    alleles.add(("chrA", 5, "A", "C"), 1, 0.9, GENOTYPES)
    alleles.add(("chrA", 5, "A", "G"), 2, 0.6, GENOTYPES)
    first, second = alleles.kept()
    assert (first.alt, first.samples, first.carriers) == ("C", ("ada", "bo"), 2)
    assert (second.alt, second.samples, second.carriers) == ("G", ("bo",), 1)


def test_a_file_without_genotypes_names_nobody():
    alleles = StrongestAlleles(())
    alleles.add(("chrA", 5, "A", "C"), 1, 0.9, b"\n")
    assert alleles.kept()[0].carriers == 0


def test_thresholds_are_inclusive_and_weak_alleles_are_not_kept():
    alleles = StrongestAlleles(())
    for position, ds in enumerate((0.19, 0.2, 0.5, 0.79, 0.8), 1):
        alleles.add(("chrA", position, "A", "C"), 1, ds, b"\n")
    assert alleles.counts == {"0.2": 4, "0.5": 3, "0.8": 1}
    assert [allele.ds for allele in alleles.kept()] == [0.8, 0.79, 0.5, 0.2]


@given(st.permutations(range(12)), st.lists(st.sampled_from((0.3, 0.4, 0.9)), min_size=12))
def test_what_is_kept_does_not_depend_on_the_order_of_records(order, scores):
    def kept(positions):
        alleles = StrongestAlleles(())
        for position in positions:
            alleles.add(("chrA", position, "A", "C"), 1, scores[position], b"\n")
        return alleles.kept()

    def kept_of_parts(positions):
        whole = StrongestAlleles(())
        for start in range(0, 12, 3):
            part = StrongestAlleles((), whole.floor)
            for position in positions[start : start + 3]:
                part.add(("chrA", position, "A", "C"), 1, scores[position], b"\n")
            whole.add_all(part.counts, part.kept())
        assert sum(whole.counts.values()) == 12 + scores[:12].count(0.9) * 2
        return whole.kept()

    before, strongest.KEPT_ALLELES = strongest.KEPT_ALLELES, 5
    try:
        assert kept(order) == kept(range(12)) == kept_of_parts(order)
    finally:
        strongest.KEPT_ALLELES = before
