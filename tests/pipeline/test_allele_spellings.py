"""Padded, multi-allelic and shifted spellings of an allele through the whole pipeline."""

from __future__ import annotations

import re

import pyarrow.parquet as pq
from conftest import ROOT
from test_annotate import text_of

from spliceflow.genome.fasta import Genome

EXAMPLE = ROOT / "assets" / "example"
DONOR = 1907
"""Last base of an exon of the example's gene XMPL1 on chrA, 1-based: its donor."""

Scores = tuple[tuple[str, ...], tuple[int, ...]]


def other(base: str) -> str:
    """A base that is another one."""
    return "ACGT"["ACGT".index(base) - 1]


def scores_of(line: str) -> list[Scores]:
    """Delta scores and genomic positions of the sites, by ALT with a score."""
    pos, info = int(line.split("\t")[1]), line.split("\t")[7]
    entries = re.search(r"SpliceFlow=([^;]*)", info)[1].split(",")
    fields = [entry.split("|")[2:] for entry in entries]
    return [(tuple(row[:4]), tuple(pos + int(at) for at in row[4:])) for row in fields]


def test_spellings_of_an_allele(pipeline_at, tmp_path) -> None:
    with Genome(EXAMPLE / "genome.fa.gz") as genome:
        letters = genome.sequence("chrA", 0, 6000).upper()
    rows: list[tuple[str, int, str, str]] = []
    for name, pos in (("behind", 1919), ("acceptor", 4043), ("donor", DONOR + 1)):
        ref = letters[pos - 1]
        padding = letters[pos - 17 : pos - 1]
        rows += [
            (f"plain_{name}", pos, ref, other(ref)),
            (f"padded_{name}", pos - 16, padding + ref, padding + other(ref)),
        ]
    # A substitution beside a deletion that is too long to be scored, and beside a short one.
    long = letters[DONOR : DONOR + 130]
    rows += [
        ("long", DONOR + 1, long, f"{long[0]},{other(long[0])}{long[1:]}"),
        ("short", DONOR + 1, long[:3], f"{other(long[0])}{long[1:3]},{long[0]}"),
    ]
    repeat = re.search(r"([ACGT])\1{4,}", letters[2000:3900])
    first, last = 2000 + repeat.start(), 2000 + repeat.end()
    rows += [
        (f"repeat_{at}", at, letters[at - 1] + repeat[1], letters[at - 1])
        for at in range(first, last)
    ]
    lines = [f"chrA\t{pos}\t{name}\t{ref}\t{alt}\t.\t.\t." for name, pos, ref, alt in rows]
    header = ["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    (tmp_path / "in.vcf").write_text("\n".join([*header, *lines]) + "\n")
    run = pipeline_at("spellings")(
        *("--fasta", EXAMPLE / "genome.fa.gz", "--annotation", EXAMPLE / "genes.gtf.gz"),
        *("--input", tmp_path / "in.vcf", "--left_align", "--decimals", "6"),
    )
    assert run.status == 0, run.output
    written = [line for line in text_of(run.results / "annotated" / "in.vcf.gz") if line[:1] != "#"]
    assert [line.split("\t")[:5] for line in written] == [line.split("\t")[:5] for line in lines]
    found = {line.split("\t")[2]: line for line in written}
    for name in ("behind", "acceptor", "donor"):
        assert scores_of(found[f"plain_{name}"]) == scores_of(found[f"padded_{name}"])
    donor = scores_of(found["plain_donor"])[0]
    assert float(donor[0][3]) > 0.8
    assert max(map(float, scores_of(found["padded_behind"])[0][0])) < 0.1
    assert scores_of(found["long"]) == [donor]
    assert found["long"].endswith("SpliceFlow_STATUS=ref_too_long,scored")
    assert scores_of(found["short"])[0] == donor
    places = [scores_of(line)[0] for name, line in found.items() if name.startswith("repeat")]
    assert len(places) >= 5
    assert len(set(places)) == 1
    table = pq.read_table(run.results / "scores" / "scores.parquet").to_pylist()
    # each of the substitutions, the deletion of the repeat, the short and the long deletion: once
    assert len(table) == 3 + 1 + 2
    assert {row["pos"] for row in table if len(row["ref"]) == 2} == {first}
    spellings = pq.read_table(run.results / "scores" / "spellings.parquet")
    assert set(spellings["pos"].to_pylist()) == set(range(first + 1, last))
