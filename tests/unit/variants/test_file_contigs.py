"""Whether a variant file belongs to the FASTA, by the lengths of contigs in its header."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pysam
import pytest
from small_cohort import COLUMNS, GENES, LABEL, record, score_cohort

from spliceflow.bgzf import read_blocks
from spliceflow.errors import InputError
from spliceflow.scores.annotate import annotate
from spliceflow.scores.precomputed import ImportCounts, read_precomputed
from spliceflow.scores.store import ScoringRun
from spliceflow.variants.file_contigs import FileContigs

CONTIGS = {"chr1": 4000, "chr2": 1500, "chrM": 300}


def header(**lengths: int) -> list[bytes]:
    return [b"##contig=<ID=%s,length=%d>" % (n.encode(), size) for n, size in lengths.items()]


def write(path: Path, lines: list[str], **lengths: int) -> Path:
    """A VCF, or a BCF if the name says so."""
    text = [b"##fileformat=VCFv4.2", b'##INFO=<ID=AC,Number=A,Type=Integer,Description="x">']
    text += [*header(**lengths), COLUMNS.encode(), *(line.encode() for line in lines)]
    plain = path.with_suffix(".vcf")
    plain.write_bytes(b"\n".join(text) + b"\n")
    if path.suffix == ".bcf":
        with (
            pysam.VariantFile(str(plain)) as source,
            pysam.VariantFile(str(path), "wb", header=source.header) as target,
        ):
            for row in source:
                target.write(row)
    return path


@pytest.mark.parametrize(
    "lines",
    [
        [],
        header(chr1=4000, chr2=1500),
        header(chr1=4000, chr2=1501),
        header(MT=299, chr1=4000, X=1),
        header(chr1=0, chr2=0),
        [b"##contig=<ID=chr1>", b"##contig=<ID=chr2,assembly=other>"],
        [b'##contig=<length=4000,ID=chr1,note="x, length=7">', b"##contigs=<ID=chr2,length=9>"],
    ],
)
def test_files_of_the_assembly(lines: list[bytes]) -> None:
    assert FileContigs("x.vcf", lines, CONTIGS).resolve("1") == "chr1"


@pytest.mark.parametrize(
    "lines",
    [
        header(chr1=4001),
        header(chr1=4001, chr2=1501, MT=300),
        header(chr1=4001, GL9=17),
        [b'##contig=<assembly="a,b",ID=1,length=4001,species="x">'],
    ],
)
def test_files_of_another_assembly(lines: list[bytes]) -> None:
    with pytest.raises(InputError, match=r"x\.vcf is of another assembly.*4,001.*4,000"):
        FileContigs("x.vcf", lines, CONTIGS)


@pytest.mark.parametrize("ending", ["vcf", "bcf"])
def test_every_step_refuses_another_assembly(small_genome, genome, tmp_path, ending) -> None:
    rows = [record("chr1", 5, "A", "C")]
    path = write(tmp_path / f"x.{ending}", rows, chr1=4001, chr2=1500, chrM=301)
    with pytest.raises(InputError, match="another assembly"):
        score_cohort([path], small_genome.path, tmp_path)
    with pytest.raises(InputError, match="another assembly"):
        annotate(
            path,
            tmp_path / "absent.parquet",
            tmp_path / "absent.parquet",
            CONTIGS,
            LABEL,
            tmp_path / "x.vcf.gz",
        )
    key = ScoringRun("m", "a", 5, False, "x")
    with pytest.raises(InputError, match="another assembly"):
        list(read_precomputed(path, "AC", key, GENES, genome, ImportCounts()))


@pytest.mark.parametrize("ending", ["vcf", "bcf"])
def test_a_contig_of_another_length_is_not_the_fastas(small_genome, tmp_path, ending) -> None:
    """The same allele is scored in one file and has no sequence in the other."""
    letter = small_genome.sequences["chr2"][99].upper()
    alt = "ACGT"["ACGT".index(letter) - 1]
    rows = [record("2", 100, letter, alt)]
    (tmp_path / "a").mkdir()
    one = write(tmp_path / "a" / f"x.{ending}", rows, **{"1": 4000, "2": 1500, "MT": 300})
    two = write(tmp_path / f"x.{ending}", rows, **{"1": 4000, "2": 1499, "MT": 300})
    scores = score_cohort([one, two, one], small_genome.path, tmp_path / "scores")
    table = pq.read_table(scores).to_pylist()
    assert [(row["contig"], row["status"]) for row in table] == [
        ("chr2", "scored"),
        ("2 of 1499 bases", "no_sequence"),
    ]
    for path, scored in ((one, True), (two, False)):
        annotate(
            path,
            scores,
            scores.with_name("spellings.parquet"),
            CONTIGS,
            LABEL,
            tmp_path / "out.vcf.gz",
        )
        line = b"".join(read_blocks(tmp_path / "out.vcf.gz")).decode().splitlines()[-1]
        assert line.startswith("2\t100\t")
        assert ("Splice=" in line, "no_sequence" in line) == (scored, not scored)
