"""Spellings of an allele: what its scored form is, and that no spelling changes its scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cohort import vcf_text

from spliceflow.bgzf import read_blocks
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, annotation_fingerprint
from spliceflow.models.bundle import Bundle, BundleCard, write_bundle
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.graphs import MemberWeights
from spliceflow.scores.annotate import ScoringLabel, annotate
from spliceflow.scores.merge import merge_scores
from spliceflow.scores.run import ScoringRun
from spliceflow.scoring.sessions import choose_device
from spliceflow.scoring.variants import ScoringOptions, VariantScorer
from spliceflow.variants.jobs import shard_cohort
from spliceflow.variants.spelling import leftmost_form, minimal_form, minimal_forms

Allele = tuple[int, str, str]

BASES = st.text("ACGT", min_size=1, max_size=6)


def test_minimal_forms_of_records() -> None:
    forms = {
        (1903, "CCCAGGTAAGTTGTGTC", "CCCAGGTAAGTTGTGTA"): (1919, "C", "A"),
        (5, "GA", "TA"): (5, "G", "T"),  # the substitution beside a deletion GA>G
        (5, "GA", "G"): (5, "GA", "G"),
        (5, "GTTT", "GTT"): (5, "GT", "G"),
        (5, "GGT", "GTTTTA"): (6, "GT", "TTTTA"),
        (5, "ACGTA", "AGGAA"): (6, "CGT", "GGA"),
        (5, "GAT", "GAT"): (5, "G", "G"),
        (5, "TA", "A"): (5, "TA", "A"),
        (5, "AC", "<DEL>"): (5, "AC", "<DEL>"),
        (5, "AC", "*"): (5, "AC", "*"),
        (5, "CC", "C]chr2:7]"): (5, "CC", "C]chr2:7]"),
    }
    for record, form in forms.items():
        assert minimal_form(*record) == form
    pos, ref, alt = zip(*forms, strict=True)
    at, before, after, changed = minimal_forms(np.array(pos), pa.array(ref), pa.array(alt))
    assert list(zip(at, before.to_pylist(), after.to_pylist(), strict=True)) == list(forms.values())
    assert changed.tolist() == [record != form for record, form in forms.items()]


@given(ref=BASES, alt=BASES, end=BASES, pos=st.integers(1, 9))
def test_padding_at_the_end_is_taken_off(ref: str, alt: str, end: str, pos: int) -> None:
    assert minimal_form(pos, ref + end, alt + end) == minimal_form(pos, ref, alt)


@given(ref=BASES, alt=BASES, start=BASES)
def test_padding_on_both_sides_is_taken_off(ref: str, alt: str, start: str) -> None:
    """Unless an insertion or deletion in a repeat would fit another place of the padding too."""
    form = minimal_form(10, ref, alt)
    padded = minimal_form(10 - len(start), start + ref, start + alt)
    if form[1] == form[2]:
        assert padded[1] == padded[2]
    elif form[1][-1] != form[2][-1]:
        assert padded == form


def changed_sequence(sequence: str, allele: Allele) -> str:
    pos, ref, alt = allele
    assert sequence[pos - 1 :].startswith(ref)
    return sequence[: pos - 1] + alt + sequence[pos - 1 + len(ref) :]


def all_indels(sequence: str) -> Iterator[Allele]:
    """Every insertion of up to two and deletion of up to three bases, with either anchor."""
    for pos in range(1, len(sequence) + 1):
        base = sequence[pos - 1]
        for size in (1, 2, 3):
            if pos + size <= len(sequence):
                yield pos, sequence[pos - 1 : pos + size], base
                yield pos, sequence[pos - 1 : pos + size], sequence[pos + size - 1]
        for bases in ("A", "C", "AC", "CA", "CC"):
            yield pos, base, base + bases
            yield pos, base, bases + base


@settings(max_examples=30, deadline=None)
@given(sequence=st.text("AC", min_size=3, max_size=9))
def test_the_leftmost_form_is_the_same_for_all_places(sequence: str) -> None:
    forms: dict[str, set[Allele]] = {}
    lefts: dict[str, int] = {}
    for allele in all_indels(sequence):
        if allele[1] == allele[2]:
            continue
        changed = changed_sequence(sequence, allele)
        form = leftmost_form(*minimal_form(*allele), lambda pos: sequence[pos - 1])
        assert changed_sequence(sequence, form) == changed
        if len(minimal_form(*allele)[1]) == 1 or len(minimal_form(*allele)[2]) == 1:
            forms.setdefault(changed, set()).add(form)
            lefts[changed] = min(lefts.get(changed, allele[0]), allele[0])
    for changed, found in forms.items():
        # Only at the first base of a contig can an anchor be behind the event.
        inner = {form for form in found if form[0] > 1}
        assert len(found) == 1 or (not inner and len(found) <= 2)
        assert min(form[0] for form in found) <= lefts[changed]


CONTIG = 400
GENES = [
    Gene("PLUS", "g0", "t0", "c", "+", 0, 400, (0, 150, 300), (60, 190, 400)),
    Gene("MINUS", "g1", "t1", "c", "-", 120, 260, (120, 200), (150, 260)),
]
DISTANCE = 20
SETTINGS = {"distance": DISTANCE, "mask": False}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A network with random weights that react to every base."""
    network = DilatedCnn(kernel_widths=(5, 5, 5, 5), dilations=(1, 1, 2, 2), channels=8)
    source = np.random.default_rng(11)
    arrays = {"embedding": source.normal(0, 1, (5, 8)), "output.bias": source.normal(0, 0.1, 3)}
    for unit in range(network.units):
        arrays |= {
            f"unit{unit}.scale": source.normal(1, 0.1, 8),
            f"unit{unit}.shift": source.normal(0, 0.1, 8),
            **{f"unit{unit}.conv{n}.weight": source.normal(0, 0.3, (8, 8, 5)) for n in (1, 2)},
            **{f"unit{unit}.conv{n}.bias": source.normal(0, 0.1, 8) for n in (1, 2)},
        }
    for tap in range(1 + sum(network.has_skip_after(unit) for unit in range(network.units))):
        arrays[f"tap{tap}.weight"] = source.normal(0, 0.4, (3, 8))
    weights = {name: array.astype(np.float32) for name, array in arrays.items()}
    path = tmp_path_factory.mktemp("model") / "bundle"
    return write_bundle(path, BundleCard(name="random"), [MemberWeights(network, weights)])


@pytest.fixture(scope="module")
def sequence() -> str:
    source = np.random.default_rng(5)
    repeats = ["CACACACACA", "TTTTTTTT", "GATGATGAT"]
    parts = [
        "".join(source.choice(list("ACGT"), 60)) + repeats[number % 3]
        for number in range(CONTIG // 60 + 1)
    ]
    return "".join(parts)[:CONTIG]


@pytest.fixture(scope="module")
def fasta(sequence: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    path.write_text(f">c\n{sequence}\n")
    return path


def annotated_entries(
    records: Sequence[tuple[int, str, Sequence[str]]],
    folder: Path,
    fasta: Path,
    bundle: Bundle,
    left_align: bool = False,
) -> list[list[dict[str, list[float]]]]:
    """Records through all steps → by record and ALT: gene → four scores, four 1-based positions."""
    folder.mkdir()
    lines = [f"c\t{pos}\t.\t{ref}\t{','.join(alts)}\t.\t.\t." for pos, ref, alts in records]
    text = vcf_text(lines)
    header = [line for line in text.splitlines() if not line.startswith("##contig")]
    (folder / "in.vcf").write_text("\n".join(header) + "\n")
    with Genome(fasta) as genome:
        cohort = shard_cohort(
            [folder / "in.vcf"],
            genome,
            GENES,
            DISTANCE,
            folder / "shards",
            folder / "unscored.parquet",
            folder / "spellings.parquet",
            1e9,
            lambda pos, ref, alt: np.full(len(pos), 1e8),
            left_align=left_align,
        )
        scorer = VariantScorer(bundle, choose_device("cpu"), ScoringOptions(**SETTINGS))
        annotation = annotation_fingerprint(GENES)
        parts = []
        for shard in cohort.shards:
            parts.append(folder / f"scores_{shard.path.name}")
            table = scorer.score(pq.read_table(shard.path), GENES, genome, annotation)
            pq.write_table(table, parts[-1])
        contigs = genome.contigs
    merge_scores(parts, folder / "unscored.parquet", list(contigs), folder / "scores.parquet")
    label = ScoringLabel(
        "S", "m", ScoringRun(bundle.fingerprint, annotation, DISTANCE, masked=False), decimals=9
    )
    output = folder / "out.vcf.gz"
    annotate(
        folder / "in.vcf",
        folder / "scores.parquet",
        folder / "spellings.parquet",
        contigs,
        label,
        output,
    )
    found = []
    body = [line for line in b"".join(read_blocks(output)).decode().split("\n") if line[:1] == "c"]
    for line, (pos, ref, alts) in zip(body, records, strict=True):
        columns = line.split("\t")
        assert columns[1] == str(pos)
        assert columns[3:5] == [ref, ",".join(alts)]
        info = dict(item.split("=") for item in columns[7].split(";"))
        assert "S_STATUS" not in info
        entries = [entry.split("|") for entry in info["S"].split(",")]
        by_allele: list[dict[str, list[float]]] = []
        last = ("", "")
        for alt, gene, *numbers in entries:
            # Within an allele genes are in the order of their names.
            if alt != last[0] or gene <= last[1]:
                assert alt == alts[len(by_allele)]
                by_allele.append({})
            by_allele[-1][gene] = [*map(float, numbers[:4]), *(pos + int(at) for at in numbers[4:])]
            last = alt, gene
        assert len(by_allele) == len(alts)
        found.append(by_allele)
    return found


def assert_same(actual: dict[str, list[float]], expected: dict[str, list[float]]) -> None:
    """Scores within 1e-5, the same sites wherever there is an effect."""
    assert actual.keys() == expected.keys()
    for gene, numbers in expected.items():
        scores, sites = np.array(numbers[:4]), np.array(numbers[4:])
        np.testing.assert_allclose(actual[gene][:4], scores, atol=1e-5)
        clear = np.abs(scores) > 1e-3
        np.testing.assert_array_equal(np.array(actual[gene][4:])[clear], sites[clear])


@st.composite
def plain_alleles(draw, sequence: str) -> list[Allele]:
    """Minimal alleles; an insertion or deletion at its leftmost place, anchored on the left."""
    alleles = []
    for _ in range(draw(st.integers(1, 5))):
        pos = draw(st.sampled_from([1, 2, CONTIG, CONTIG - 1]) | st.integers(1, CONTIG))
        length = draw(st.sampled_from([1, 1, 1, 2, 3, 7]))
        ref = sequence[pos - 1 : pos - 1 + length]
        alt = draw(st.sampled_from("ACGT") | st.text("ACGT", min_size=1, max_size=9))
        form = leftmost_form(*minimal_form(pos, ref, alt), lambda at: sequence[at - 1])
        anchored = len(form[1]) == len(form[2]) or form[1][0] == form[2][0]
        if form[1] != form[2] and (anchored or form[1][-1] != form[2][-1]):
            alleles.append(form)
    return alleles


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_spelling_changes_scores(data, bundle, sequence, fasta, tmp_path_factory) -> None:
    """Any padding, any order of ALTs, any division of a record into several."""
    alleles = data.draw(plain_alleles(sequence), label="alleles")
    if not alleles:
        return
    folder = tmp_path_factory.mktemp("spellings")
    plain = annotated_entries(
        [(pos, ref, [alt]) for pos, ref, alt in alleles], folder / "plain", fasta, bundle
    )
    rows = data.draw(st.permutations(range(len(alleles))), label="order")
    cuts = sorted(data.draw(st.sets(st.integers(1, len(rows))), label="cuts") | {len(rows)})
    records, members, first = [], [], 0
    for cut in cuts:
        group = rows[first:cut]
        first = cut
        start = min(alleles[row][0] for row in group) - data.draw(st.integers(0, 8))
        end = max(alleles[row][0] + len(alleles[row][1]) for row in group)
        start, end = max(start, 1), min(end + data.draw(st.integers(0, 8)), CONTIG + 1)
        spelt = []
        for row in group:
            pos, ref, alt = alleles[row]
            spelt.append(
                sequence[start - 1 : pos - 1] + alt + sequence[pos - 1 + len(ref) : end - 1]
            )
        if data.draw(st.booleans()):
            spelt = [alt.lower() for alt in spelt]
        records.append((start, sequence[start - 1 : end - 1], [*spelt, spelt[0]]))
        members.append([*group, group[0]])
    actual = annotated_entries(records, folder / "spelt", fasta, bundle)
    for record, group in zip(actual, members, strict=True):
        for entry, row in zip(record, group, strict=True):
            assert_same(entry, plain[row][0])


def test_a_substitution_far_into_its_padding_keeps_its_neighbours(
    bundle, sequence, fasta, tmp_path
):
    """The padding holds bases with strong effects of their own, which must not count."""
    pos = 170
    ref, alt = sequence[pos - 1], "ACGT"["ACGT".index(sequence[pos - 1]) - 1]
    start = pos - 2 * DISTANCE - 5  # REF of the record is longer than can be scored
    padding = sequence[start - 1 : pos - 1]
    (plain,) = annotated_entries([(pos, ref, [alt])], tmp_path / "plain", fasta, bundle)
    record = (start, padding + ref, [padding + alt])
    (padded,) = annotated_entries([record], tmp_path / "padded", fasta, bundle)
    assert_same(padded[0], plain[0])
    assert max(abs(score) for numbers in plain[0].values() for score in numbers[:4]) > 0.05


def test_genes_are_found_by_the_changed_bases(bundle, sequence, fasta, tmp_path) -> None:
    """Gene MINUS begins at base 121 and ends at base 260; PLUS covers the contig."""
    other = {base: "ACGT"["ACGT".index(base) - 1] for base in "ACGT"}
    both, alone = {"PLUS", "MINUS"}, {"PLUS"}
    before, first, last, behind = 119, 120, 259, 260
    expected = [
        ((110, sequence[109:121], [sequence[109:120] + other[sequence[120]]]), both),
        (
            (110, sequence[109:121], [sequence[109:119] + other[sequence[119]] + sequence[120]]),
            alone,
        ),
        ((120, sequence[before:121], [sequence[before]]), both),  # its first base is deleted
        ((119, sequence[118:120], [sequence[118]]), alone),
        ((260, sequence[last:262], [other[sequence[last]] + sequence[behind:262]]), both),
        (
            (260, sequence[last:262], [sequence[last] + other[sequence[behind]] + sequence[261]]),
            alone,
        ),
        ((first + 1, sequence[first], [sequence[first] + "GG"]), both),
        ((1, sequence[:3], [other[sequence[0]] + sequence[1:3]]), alone),
        ((CONTIG - 2, sequence[-3:], [sequence[-3:-1] + other[sequence[-1]]]), alone),
    ]
    records = [record for record, _ in expected]
    entries = annotated_entries(records, tmp_path / "ends", fasta, bundle)
    assert [set(entry[0]) for entry in entries] == [genes for _, genes in expected]


def test_an_allele_equal_to_ref_changes_nothing(bundle, sequence, fasta, tmp_path) -> None:
    ref = sequence[149:153]
    alt = "ACGT"["ACGT".index(ref[0]) - 1] + ref[1:]
    record = (150, ref, [ref, alt, alt.lower(), ref.lower()])
    (entries,) = annotated_entries([record], tmp_path / "same", fasta, bundle)
    for number in (0, 3):
        assert all(np.abs(numbers[:4]).max() < 1e-5 for numbers in entries[number].values())
    assert entries[1] == entries[2]
    assert max(np.abs(numbers[:4]).max() for numbers in entries[1].values()) > 0.01


def test_left_alignment_makes_all_places_equal(bundle, sequence, fasta, tmp_path) -> None:
    at = sequence.index("CACACACACA")
    deletion = [
        (pos + 1, sequence[pos : pos + 3], [sequence[pos]]) for pos in range(at - 1, at + 8)
    ]
    results = annotated_entries(deletion, tmp_path / "left", fasta, bundle, left_align=True)
    for result in results[1:]:
        for gene, numbers in results[0][0].items():
            assert result[0][gene] == numbers
    # Unasked, each is scored where it is written.
    apart = annotated_entries(deletion, tmp_path / "apart", fasta, bundle)
    assert any(entry[0] != apart[0][0] for entry in apart)
    spellings = pq.read_table(tmp_path / "left" / "spellings.parquet")
    assert set(spellings["scored_pos"].to_pylist()) == {at}
    assert len(spellings) == len(deletion) - 1
    assert len(pq.read_table(tmp_path / "apart" / "spellings.parquet")) == 0


def test_padding_that_differs_from_the_reference_is_told(bundle, sequence, fasta, tmp_path) -> None:
    """The changed base alone would agree."""
    pos = 100
    letters = sequence[pos - 1 : pos + 4]
    wrong = ("A" if letters[0] != "A" else "C") + letters[1:]
    alt = "ACGT"["ACGT".index(letters[4]) - 1]
    lines = [
        f"c\t{pos}\t.\t{wrong}\t{wrong[:4]}{alt}\t.\t.\t.",
        f"c\t{pos}\t.\t{letters}\t{letters[:4]}{alt}\t.\t.\t.",
    ]
    header = [line for line in vcf_text(lines).splitlines() if not line.startswith("##contig")]
    (tmp_path / "in.vcf").write_text("\n".join(header) + "\n")
    with Genome(fasta) as genome:
        cohort = shard_cohort(
            [tmp_path / "in.vcf"],
            genome,
            GENES,
            DISTANCE,
            tmp_path / "shards",
            tmp_path / "unscored.parquet",
            tmp_path / "spellings.parquet",
            1e9,
            lambda pos, ref, alt: np.ones(len(pos)),
        )
    assert cohort.counts == {("mnv", "ref_mismatch"): 1, ("snv", "scored"): 1}
    (spelling,) = pq.read_table(tmp_path / "spellings.parquet").to_pylist()
    assert (spelling["pos"], spelling["ref"]) == (pos, wrong)
    assert (spelling["scored_pos"], spelling["scored_ref"]) == (pos, wrong)
