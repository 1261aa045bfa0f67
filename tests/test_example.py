"""The bundled example: files agree with each other and with what is said of them."""

from __future__ import annotations

import csv
import gzip
import re
from itertools import pairwise
from pathlib import Path

import pysam
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

EXAMPLE = Path(__file__).resolve().parents[1] / "assets" / "example"
COMPLEMENT = str.maketrans("ACGT", "TGCA")


@pytest.fixture(scope="module")
def genome() -> dict[str, str]:
    with pysam.FastaFile(str(EXAMPLE / "genome.fa.gz")) as fasta:
        return {name: fasta.fetch(name) for name in fasta.references}


def records() -> list[tuple[str, str, int, str, str]]:
    """File, contig as in the FASTA, 1-based position, REF, one ALT."""
    found = []
    with (EXAMPLE / "samplesheet.csv").open() as handle:
        for row in csv.DictReader(handle):
            with pysam.BGZFile(str(EXAMPLE / row["vcf"])) as lines:
                for line in lines:
                    text = line.decode()
                    if text.startswith("#"):
                        continue
                    contig, pos, _, ref, alts = text.split("\t")[:5]
                    contig = contig if contig.startswith("chr") else f"chr{contig}"
                    found += [
                        (row["sample"], contig, int(pos), ref, alt) for alt in alts.split(",")
                    ]
    return found


def exons() -> dict[str, list[tuple[str, int, int, str]]]:
    """Transcript → contig, 0-based start, half-open end and strand of its exons, ascending."""
    found: dict[str, list[tuple[str, int, int, str]]] = {}
    for line in gtf():
        if line.startswith("#"):
            continue
        contig, _, kind, start, end, _, strand, _, attributes = line.split("\t")
        if kind == "exon":
            transcript = re.search(r'transcript_id "([^"]+)"', attributes)[1]
            found.setdefault(transcript, []).append((contig, int(start) - 1, int(end), strand))
    return {transcript: sorted(parts) for transcript, parts in found.items()}


def gtf() -> list[str]:
    with gzip.open(EXAMPLE / "genes.gtf.gz", "rt") as handle:
        return handle.read().splitlines()


def table(name: str) -> list[dict[str, str]]:
    with (EXAMPLE / name).open() as handle:
        return list(csv.DictReader(handle, delimiter="\t"))


def test_reference_alleles_match_the_fasta_but_for_the_one_that_shall_not(genome):
    wrong = {
        (contig, pos, ref)
        for _, contig, pos, ref, _ in records()
        if contig in genome and genome[contig][pos - 1 : pos - 1 + len(ref)].upper() != ref
    }
    assert len(wrong) == 1
    assert {contig for _, contig, *_ in records()} == {"chrA", "chrB", "chrC"}


def test_introns_begin_with_gt_and_end_with_ag(genome):
    introns = 0
    for parts in exons().values():
        for (contig, _, start, strand), (_, end, _, _) in pairwise(parts):
            if contig not in genome:
                continue
            intron = genome[contig][start:end].upper()
            if strand == "-":
                intron = intron[::-1].translate(COMPLEMENT)
            assert (intron[:2], intron[-2:]) == ("GT", "AG")
            introns += 1
    assert introns > 40


def test_coding_sequences_are_open(genome):
    coding: dict[str, list[tuple[str, int, int, str]]] = {}
    for line in gtf():
        columns = line.split("\t")
        if len(columns) == 9 and columns[2] in ("CDS", "stop_codon") and columns[0] in genome:
            transcript = re.search(r'transcript_id "([^"]+)"', columns[8])[1]
            part = (columns[0], int(columns[3]) - 1, int(columns[4]), columns[6])
            coding.setdefault(transcript, []).append(part)
    assert len(coding) >= 8
    for parts in coding.values():
        bases = "".join(genome[contig][start:end] for contig, start, end, _ in sorted(parts))
        bases = bases.upper()
        if parts[0][3] == "-":
            bases = bases[::-1].translate(COMPLEMENT)
        codons = [bases[i : i + 3] for i in range(0, len(bases), 3)]
        assert codons[0] == "ATG"
        assert [i for i, codon in enumerate(codons) if codon in ("TAA", "TAG", "TGA")] == [
            len(codons) - 1
        ]


def test_variants_are_shared_and_private():
    files: dict[tuple[str, int, str, str], set[str]] = {}
    for sample, *allele in records():
        files.setdefault(tuple(allele), set()).add(sample)
    held = [len(samples) for samples in files.values()]
    assert min(held.count(count) for count in (1, 2, 3)) >= 5
    assert len(files) > 100


def test_every_kind_of_allele_is_there():
    kinds = set()
    for *_, ref, alt in records():
        if not re.fullmatch("[ACGT]+", alt):
            kinds.add(re.sub(r"\w", "", alt) if len(alt) > 1 else alt)
        elif len(ref) == len(alt):
            kinds.add("SNV" if len(ref) == 1 else "MNV")
        elif min(len(ref), len(alt)) > 1:
            kinds.add("delins")
        else:
            kinds.add("deletion" if len(ref) > 1 else "insertion")
    expected = {"SNV", "MNV", "delins", "deletion", "insertion", "<>", "*", ".", "N", "[:[", "]:]"}
    assert kinds == expected


def test_genome_has_soft_masked_and_unknown_bases(genome):
    text = "".join(genome.values())
    assert sum(map(len, genome.values())) == 300_000
    assert 0.02 < sum(base.islower() for base in text) / len(text) < 0.5
    assert set(text.upper()) == set("ACGTNR")


def test_the_whole_example_is_small():
    assert sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file()) < 400_000


def test_most_annotated_sites_were_measured_as_sites():
    sites = table("splice_sites.tsv")
    annotated = set()
    for parts in exons().values():
        for (contig, _, start, strand), (_, end, _, _) in pairwise(parts):
            annotated |= {(contig, start, strand), (contig, end + 1, strand)}
    assert {(row["contig"], int(row["position"]), row["strand"]) for row in sites} <= annotated
    for column in ("p_10000nt", "p_400nt"):
        strong = sum(float(row[column]) >= 0.5 for row in sites)
        assert strong >= 0.9 * len(sites)


def test_most_designed_variants_were_measured_to_act():
    variants = table("designed_variants.tsv")
    carried = {tuple(map(str, allele)) for _, *allele in records()}
    for row in variants:
        assert (row["contig"], row["position"], row["ref"], row["alt"]) in carried
    for effect in ("donor_gain", "acceptor_gain", "donor_loss", "acceptor_loss"):
        scores = [float(row["ds_10000nt"]) for row in variants if row["effect"] == effect]
        assert len(scores) >= 4
        assert sum(score >= 0.5 for score in scores) > 0.8 * len(scores)


@given(st.text("AC", min_size=12, max_size=20), st.text("AC", max_size=4), st.data())
def test_generator_writes_alleles_minimal_and_left_aligned(bases, alt, data):
    pytest.importorskip("torch")
    from generate_example import normalised

    start = data.draw(st.integers(4, 8))
    ref = bases[start : start + data.draw(st.integers(0, 4))]
    assume(ref != alt)
    bases = f"G{bases}"  # an anchor that nothing can be shifted over
    allele = normalised({"chr": bases}, "chr", start + 1, ref, alt)
    at = allele.position - 1
    assert bases[at : at + len(allele.ref)] == allele.ref
    changed = bases[:at] + allele.alt + bases[at + len(allele.ref) :]
    assert changed == bases[: start + 1] + alt + bases[start + 1 + len(ref) :]
    assert allele.ref[-1] != allele.alt[-1] or min(len(allele.ref), len(allele.alt)) == 1
    assert allele.ref[0] != allele.alt[0] or min(len(allele.ref), len(allele.alt)) == 1


def test_the_page_tells_the_numbers_of_the_tables():
    page = (EXAMPLE / "README.md").read_text("utf-8")
    sites, variants = table("splice_sites.tsv"), table("designed_variants.tsv")
    for model in ("10000nt", "400nt"):
        lists = [[float(row[f"p_{model}"]) for row in sites]]
        for effect in ("donor_gain", "acceptor_gain", "donor_loss", "acceptor_loss"):
            lists.append([float(row[f"ds_{model}"]) for row in variants if row["effect"] == effect])
        cells = [f"{sum(value >= 0.5 for value in found)} of {len(found)}" for found in lists]
        assert f"| {model} | {' | '.join(cells)} |" in page
