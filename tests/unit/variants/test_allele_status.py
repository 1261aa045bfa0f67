"""Unique alleles, their status and their genes, beside a plain implementation of the rules."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cohort import GENES, record, vcf_text
from strategies import CONTIG_NAMES, Key, genes_of, plain_form, plain_status, records

from spliceflow.errors import InputError
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene
from spliceflow.variants.alleles import (
    STATUSES,
    VARIANT_CLASSES,
    Classifier,
    CohortAlleles,
    FileCounts,
    variant_classes,
)
from spliceflow.variants.status import Status

DISTANCE = 5


def plain_key(line: str) -> list[Key]:
    name, pos, _, ref, alts = line.split("\t")[:5]
    return [
        (
            CONTIG_NAMES[name] or name,
            int(pos),
            ref.upper(),
            alt.upper() if re.fullmatch("[A-Za-z]+", alt) else alt,
        )
        for alt in alts.split(",")
    ]


def classified(
    files: list[str], genome: Genome, genes: list[Gene], distance: int, rows: int = 1 << 17
) -> tuple[dict[Key, tuple[str, list[int]]], list[Key], list[FileCounts]]:
    """Status and gene rows by allele, the alleles in the order given back, counts of files."""
    found: dict[Key, tuple[str, list[int]]] = {}
    order: list[Key] = []
    classifier = Classifier(genome, genes, distance)
    with TemporaryDirectory() as folder, CohortAlleles(genome, folder) as cohort:
        counts = []
        for number, text in enumerate(files):
            path = Path(folder) / f"{number}.vcf"
            path.write_text(text)
            counts.append(cohort.add(path))
        for _ in cohort.spellings(rows):
            pass
        for alleles in cohort.unique(rows):
            result = classifier.classify(alleles, cohort.contigs)
            contigs = [cohort.contigs[index] for index in alleles.contig]
            columns = (
                contigs,
                alleles.pos.tolist(),
                alleles.ref.to_pylist(),
                alleles.alt.to_pylist(),
            )
            keys = list(zip(*columns, strict=True))
            order += keys
            for row, key in enumerate(keys):
                gene_rows = sorted(result.gene_row[result.allele == row].tolist())
                found[key] = (STATUSES[result.status[row]].value, gene_rows)
    return found, order, counts


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_status_and_genes_are_those_of_the_rules(data: st.DataObject, small_genome) -> None:
    sequences = small_genome.sequences
    lines = data.draw(st.lists(records(sequences, DISTANCE), max_size=25))
    rows = data.draw(st.sampled_from([1, 3, 1000]))
    with Genome(small_genome.path) as genome:
        found, order, counts = classified(
            [vcf_text(lines[::2]), vcf_text(lines)], genome, GENES, DISTANCE, rows
        )
    keys = [plain_form(key, sequences) for line in lines for key in plain_key(line)]
    assert set(found) == set(keys)
    assert len(order) == len(found)
    rank = {"chr1": 0, "chr2": 1, "chrM": 2}
    assert order == sorted(found, key=lambda key: (rank.get(key[0], 9), *key))
    assert counts[1] == FileCounts(len(lines), len(keys))
    for key, (status, gene_rows) in found.items():
        assert status == plain_status(key, sequences, GENES, DISTANCE), key
        expected = [row for row, gene in enumerate(GENES) if gene in genes_of(key, GENES)]
        assert gene_rows == (expected if status == "scored" else [])


@pytest.mark.parametrize(
    ("ref", "alt", "status"),
    [
        ("A", "<DEL>", Status.SYMBOLIC),
        ("A", "<*>", Status.SYMBOLIC),
        ("A", "<CN[2]>", Status.SYMBOLIC),
        ("A", "*", Status.STAR),
        ("A", ".", Status.MISSING_ALT),
        ("A", "G[chr22:100[", Status.BREAKEND),
        ("A", "]<ctg1>:100]G", Status.BREAKEND),
        ("A", ".G", Status.BREAKEND),
        ("A", "N", Status.NON_ACGT),
        ("R", "G", Status.NON_ACGT),
        ("A", "A$(id)", Status.NON_ACGT),
    ],
)
def test_shapes_that_are_never_scored(genome: Genome, genes, ref, alt, status) -> None:
    text = vcf_text([record("1", 500, ref, alt)])
    found, _, _ = classified([text], genome, genes, 50)
    assert [status for status, _ in found.values()] == [status.value]


def test_long_alleles(small_genome, genome: Genome, genes: list[Gene]) -> None:
    letters = small_genome.sequences["chr1"].upper()
    lines = [
        record("1", 501, letters[500], letters[500] + "ACGT" * 2500),
        record("1", 502, letters[501], letters[501] + "ACGT" * 2499 + "ACG"),
        record("1", 503, letters[502 : 502 + 101], "A"),
        record("1", 504, letters[503 : 503 + 100], "A"),
    ]
    found, _, _ = classified([vcf_text(lines)], genome, genes, 50)
    assert [found[key][0] for key in sorted(found)] == [
        "alt_too_long",
        "scored",
        "ref_too_long",
        "scored",
    ]


def test_case_of_letters_does_not_matter(small_genome, genome: Genome, genes) -> None:
    upper = small_genome.sequences["chr1"][500]
    text = vcf_text([record("1", 501, upper.lower(), "AcGt"), record("1", 501, upper, "ACGT")])
    found, _, _ = classified([text], genome, genes, 50)
    assert list(found) == [("chr1", 501, upper, "ACGT")]


def test_empty_alleles_are_named(tmp_path: Path, genome: Genome, genes) -> None:
    with pytest.raises(InputError, match="line 9: one allele of ALT is empty"):
        classified(
            [vcf_text([record("1", 1, "A", "C"), record("1", 5, "A", "C,,G")])], genome, genes, 5
        )


def test_classes() -> None:
    pairs = [("A", "C"), ("A", "ACC"), ("ACC", "A"), ("AC", "GT"), ("AC", "GTT"), ("A", "<DEL>")]
    status = np.zeros(len(pairs), np.uint8)
    status[-1] = STATUSES.index(Status.SYMBOLIC)
    ref, alt = (pa.array(column) for column in zip(*pairs, strict=True))
    found = variant_classes(ref, alt, status)
    assert [VARIANT_CLASSES[code] for code in found] == list(VARIANT_CLASSES)


def test_words_are_the_documented_ones() -> None:
    assert {status.value for status in Status} == {
        "scored", "not_in_gene", "ref_mismatch", "ref_too_long", "alt_too_long", "symbolic",
        "breakend", "star", "missing_alt", "non_acgt", "no_sequence",
    }  # fmt: skip
    assert all(status.description.endswith(".") for status in Status)
