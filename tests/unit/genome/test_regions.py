"""BED files as browsers, spreadsheets and programs write them."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from spliceflow.errors import InputError
from spliceflow.genome.regions import read_bed

ROOT = Path(__file__).parents[3]
NORMAL = "chr1\t10\t50\tfirst\nHLA-A*01:01\t0\t5\n"
REGIONS = [("chr1", 10, 50), ("HLA-A*01:01", 0, 5)]
READ = {
    "normal": NORMAL.encode(),
    "byte-order mark": b"\xef\xbb\xbf" + NORMAL.encode(),
    "CRLF": NORMAL.replace("\n", "\r\n").encode(),
    "CR alone": NORMAL.replace("\n", "\r").encode(),
    "no line end": NORMAL.rstrip().encode(),
    "lines of a browser": b"browser position chr1:1-9\ntrack name=x\n#note\n\n" + NORMAL.encode(),
    "a browser's lines after a mark": b"\xef\xbb\xbftrack name=x\r\n" + NORMAL.encode(),
    "headings": b"chrom\tchromStart\tchromEnd\n" + NORMAL.encode(),
    "blanks for tabs": NORMAL.replace("\t", "  ").encode(),
    "blanks behind numbers": NORMAL.replace("50", "50 ").encode(),
    "empty columns": NORMAL.replace("\n", "\t\t\n").encode() + b"\t\t\n",
    "names in Latin-1": NORMAL.replace("first", "é").encode("latin-1"),
    "gzip": gzip.compress(NORMAL.encode()),
}
REFUSED = {
    "UTF-16": (NORMAL.encode("utf-16"), "is UTF-16 text: save it again as UTF-8"),
    "UTF-16 without a mark": (NORMAL.encode("utf-16-le"), "is UTF-16 text"),
    "commas": (NORMAL.replace("\t", ",").encode(), "line 1 can't be read as BED"),
    "no end": (b"chr1\t10\n", "line 1 can't be read as BED"),
    "end before start": (NORMAL.encode() + b"chr1\t9\t5\n", "line 3 can't be read as BED"),
    "negative": (b"chr1\t-1\t5\n", "line 1 can't be read as BED"),
    "a fraction": (b"chr1\t1.5\t5\n", "line 1 can't be read as BED"),
    "nothing": (b"track name=x\n\n", "lists no region"),
    "a workbook": (b"PK\3\4\x14\0\6\0\n", "line 1 can't be read as BED"),
}


@pytest.mark.parametrize("content", READ.values(), ids=READ)
def test_every_spelling_is_the_same_regions(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "targets.bed"
    path.write_bytes(content)
    assert read_bed(path) == REGIONS


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_bed_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "targets.bed"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_bed(path)
    assert str(path) in str(caught.value)


def plan(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run bin/plan_regions.py on a genome of 60 bases."""
    (folder / "g.fa").write_text(">chr1\n" + "ACGTAC" * 10 + "\n")
    return subprocess.run(
        [
            *(sys.executable, ROOT / "bin" / "plan_regions.py", "--fasta", folder / "g.fa"),
            *("--strand", "+", "--bases-per-task", "1000", "--output-dir", folder / "regions"),
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_regions_are_planned_from_a_browsers_file(tmp_path: Path) -> None:
    # contigs may be named as another source names them
    (tmp_path / "t.bed").write_bytes(b"\xef\xbb\xbftrack name=x\r\n1\t10\t50\r\n")
    done = plan(tmp_path, "--regions", tmp_path / "t.bed")
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "regions" / "regions_00001.tsv").read_text().splitlines()
    assert [line.split("\t")[:3] for line in rows if line.startswith("chr1\t")] == [
        ["chr1", "10", "50"]
    ]


def test_a_regions_file_that_is_absent_is_told(tmp_path: Path) -> None:
    done = plan(tmp_path, "--regions", tmp_path / "absent.bed")
    assert done.returncode == 2
    assert "is neither contig:start-end nor a BED file" in done.stderr
    assert not (tmp_path / "regions").exists()
