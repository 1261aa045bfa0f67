"""Which alleles of a file are kept for the report, and who carries them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spliceflow.scores import strongest
from spliceflow.scores.strongest import StrongestAlleles

GENOTYPES = b"\tGT:DP\t0/1:9\t1|2:8\t./.:0\t0/0:7\n"
SAMPLES = ("ada", "bo", "cy", "di")


def test_carriers_are_the_samples_with_the_allele_in_their_genotype():
    alleles = StrongestAlleles(SAMPLES)
    alleles.add(("chrA", 5, "A", "C"), 1, 0.9, GENOTYPES)
    alleles.add(("chrA", 5, "A", "G"), 2, 0.6, GENOTYPES)
    first, second = alleles.kept()
    assert (first.alt, first.samples, first.carriers) == ("C", ("ada", "bo"), 2)
    assert (second.alt, second.samples, second.carriers) == ("G", ("bo",), 1)


def test_an_allele_of_several_records_has_the_carriers_of_all():
    key = ("chrA", 5, "A", "C")
    records = [
        (1, b"\tGT\t0/0\t0/0\t0/1\t0/0\n"),
        (2, b"\tGT\t2|0\t0/0\t1/1\t0/0\n"),
    ]
    whole, parts = StrongestAlleles(SAMPLES), StrongestAlleles(SAMPLES)
    for number, columns in records:
        whole.add(key, number, 0.9, columns)
        part = StrongestAlleles(SAMPLES, parts.floor)
        part.add(key, number, 0.9, columns)
        parts.add_part(part.part)
    for found in (whole, parts):
        (allele,) = found.kept()
        assert (allele.samples, allele.carriers) == (("ada", "cy"), 2)


def test_the_weakest_allele_kept_may_come_again(monkeypatch):
    monkeypatch.setattr(strongest, "KEPT_ALLELES", 2)
    whole = StrongestAlleles(SAMPLES)
    for pos, ds in ((5, 0.9), (6, 0.5)):
        whole.add(("chrA", pos, "A", "C"), 1, ds, b"\tGT\t0/1\t0/0\n")
    part = StrongestAlleles(SAMPLES, whole.floor)
    part.add(("chrA", 6, "A", "C"), 1, 0.5, b"\tGT\t0/0\t0/1\n")
    whole.add_part(part.part)
    assert [allele.samples for allele in whole.kept()] == [("ada",), ("ada", "bo")]


def test_only_a_few_carriers_are_named():
    names = tuple(f"s{number}" for number in range(100))
    alleles = StrongestAlleles(names)
    alleles.add(("chrA", 5, "A", "C"), 1, 0.9, b"\tGT" + b"\t0/0" * 60 + b"\t0/1" * 40 + b"\r\n")
    (allele,) = alleles.kept()
    assert (allele.samples, allele.carriers) == (names[60:68], 40)


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
            whole.add_part(part.part)
        assert sum(whole.counts.values()) == 12 + scores[:12].count(0.9) * 2
        return whole.kept()

    before, strongest.KEPT_ALLELES = strongest.KEPT_ALLELES, 5
    try:
        assert kept(order) == kept(range(12)) == kept_of_parts(order)
    finally:
        strongest.KEPT_ALLELES = before
