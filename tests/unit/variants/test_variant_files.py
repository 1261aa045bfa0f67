"""Reading VCF and BCF in blocks of lines."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import pysam
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pysam import bcftools
from small_cohort import COLUMNS, HEADER, record, vcf_text

from spliceflow import bgzf
from spliceflow.bgzf import BgzipWriter
from spliceflow.errors import InputError
from spliceflow.variants import vcf
from spliceflow.variants.vcf import VariantFile

RECORDS = [
    record("1", 100, "A", "C"),
    record("1", 101, "a", "g,t", "."),
    record("1", 101, "acg", "a,<DEL>,G]chr2:7],*,."),
    record("GL9", 0, "N", "."),
    record("2", 5, "T", "n", "AC=2;DB"),
]
EXPECTED = [
    ("1", 100, "A", "C"),
    ("1", 101, "A", "g,t"),
    ("1", 101, "ACG", "a,<DEL>,G]chr2:7],*,."),
    ("GL9", 0, "N", "."),
    ("2", 5, "T", "n"),
]


@dataclass(frozen=True)
class Content:
    header: list[bytes]
    records: list[tuple[str, int, str, str]]
    info: list[bytes]
    lines: bytes
    numbers: list[int]


def read(path: Path, size: int = 1 << 20, samples: bool = True) -> Content:
    file = VariantFile(path, samples)
    records, info, lines, numbers = [], [], b"", []
    for block in file.blocks(size):
        records += zip(
            block.contig.to_pylist(),
            block.pos.tolist(),
            block.ref.to_pylist(),
            block.alt.to_pylist(),
            strict=True,
        )
        spans = zip(block.tabs[:, 6].tolist(), block.info_ends.tolist(), strict=True)
        info += [block.text[tab + 1 : end] for tab, end in spans]
        lines += block.text
        numbers += [block.first_line + row for row in range(len(block))]
        assert block.ends[-1] == len(block.text)
    return Content(file.header, records, info, lines, numbers)


@pytest.mark.parametrize("packing", ["plain", "gzip", "bgzip"])
@pytest.mark.parametrize("samples", [(), ("S1", "S 2")])
def test_text_is_read_whatever_its_packing(tmp_path: Path, packing: str, samples) -> None:
    lines = [line + ("\tGT\t0|1\t./." if samples else "") for line in RECORDS]
    text = vcf_text(lines, samples).encode()
    path = tmp_path / "x"
    if packing == "plain":
        path.write_bytes(text)
    elif packing == "gzip":
        path.write_bytes(gzip.compress(text))
    else:
        with BgzipWriter(path) as file:
            file.write(text)
    content = read(path)
    assert content.records == EXPECTED
    assert content.info == [b"AC=1", b".", b"AC=1", b"AC=1", b"AC=2;DB"]
    assert [line.decode() for line in content.header[:-1]] == HEADER
    assert b"\n".join(content.header) + b"\n" + content.lines == text
    assert content.numbers == [len(HEADER) + 2 + row for row in range(len(RECORDS))]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("samples", [True, False])
def test_bcf_gives_the_same_records(tmp_path: Path, packed: bool, samples: bool) -> None:
    text, path = tmp_path / "x.vcf", tmp_path / "x.bcf"
    header = '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">'
    flag = '##INFO=<ID=DB,Number=0,Type=Flag,Description="Known">'
    lines = [line + "\tGT\t0/1" for line in RECORDS if "." not in line.split("\t")[4]]
    text.write_text(
        vcf_text(lines, ("S1",)).replace("##contig=<ID=1,", f"{header}\n{flag}\n##contig=<ID=1,")
    )
    with (
        pysam.VariantFile(str(text)) as source,
        pysam.VariantFile(str(path), "wb", header=source.header) as target,
    ):
        for line in source:
            target.write(line)
    if not packed:
        path.write_bytes(gzip.decompress(path.read_bytes()))
    content = read(path, samples=samples)
    assert content.records == [row for row in EXPECTED if "." not in row[3]]
    assert content.header[-1].decode() == COLUMNS + "\tFORMAT\tS1"
    assert (b"0/1" in content.lines) == samples


@pytest.mark.parametrize("part", ["header", "records"])
def test_bcf_with_text_that_is_not_utf8(tmp_path: Path, monkeypatch, part: str) -> None:
    """Laboratories' own text may be Latin-1; it goes through as it is."""
    monkeypatch.setattr(vcf, "_WRITTEN_FIELDS", 3)
    lines = [record("1", 100 + row, "A", "C,G", "AC=1,2;S=Zurich") for row in range(10)]
    info = '##INFO=<ID=S,Number=1,Type=String,Description="Ecole">'
    text = vcf_text(lines).replace("##contig=<ID=1,", f"{info}\n##contig=<ID=1,").encode()
    old, new = (b"Ecole", b"\xc9cole") if part == "header" else (b"104\t.", b"104\tid\xe9")
    if part == "records":
        text = text.replace(b"\tAC=1,2;S=Zurich\n1\t109", b"\tAC=1,2;S=Z\xfcrich\n1\t109")
    plain, path = tmp_path / "x.vcf", tmp_path / "x.bcf"
    plain.write_bytes(text.replace(old, new))
    bcftools.view("-Ob", "-o", str(path), str(plain), catch_stdout=False)
    content = read(path)
    expected = plain.read_bytes().splitlines(keepends=True)
    assert content.lines == b"".join(line for line in expected if not line.startswith(b"#"))
    assert {line.rstrip() for line in expected if line.startswith(b"##")} <= set(content.header)
    assert read(path, samples=False).records == content.records


def test_a_bcf_cut_off_is_refused(tmp_path: Path) -> None:
    text, path = tmp_path / "x.vcf", tmp_path / "x.bcf"
    text.write_text(vcf_text([record("1", 100 + row, "A", "C") for row in range(20_000)]))
    with (
        pysam.VariantFile(str(text)) as source,
        pysam.VariantFile(str(path), "wb", header=source.header) as target,
    ):
        for line in source:
            target.write(line)
    for keep in (len(path.read_bytes()) // 2, -28, -100):
        cut = tmp_path / "cut.bcf"
        cut.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(InputError, match=r"cut off|damaged"):
            read(cut)


def test_carriage_returns_stay_out_of_info(tmp_path: Path) -> None:
    path = tmp_path / "x.vcf"
    path.write_bytes(vcf_text(RECORDS).replace("\n", "\r\n").encode())
    content = read(path)
    assert content.records == EXPECTED
    assert content.info[0] == b"AC=1"
    assert content.lines.count(b"\r\n") == len(RECORDS)
    assert VariantFile(path).line_end == b"\r\n"


def test_last_line_may_lack_its_end_and_empty_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.vcf"
    path.write_text(vcf_text([RECORDS[0], "", "", RECORDS[1], "\r", RECORDS[4]]).rstrip("\n"))
    content = read(path)
    assert content.records == [EXPECTED[0], EXPECTED[1], EXPECTED[4]]
    first = len(HEADER) + 2
    assert content.numbers == [first, first + 3, first + 5]


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_file_without_records(tmp_path: Path, end: str) -> None:
    path = tmp_path / "x.vcf"
    path.write_text(vcf_text([]).rstrip("\n") + end)
    assert read(path).records == []
    assert len(VariantFile(path).header) == len(HEADER) + 1


@given(
    st.lists(st.sampled_from(RECORDS), max_size=30),
    st.integers(1, 400),
    st.booleans(),
)
def test_size_of_blocks_and_length_of_lines_do_not_matter(
    tmp_path_factory, records: list[str], size: int, long: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "blocks.vcf"
    tail = "\tGT" + "\t0|0" * 700 if long else ""
    path.write_text(vcf_text([line + tail for line in records]))
    expected = [EXPECTED[RECORDS.index(line)] for line in records]
    assert read(path, size).records == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vcf, "_LONG_LINE", 0 if not long else 1 << 30)
        assert read(path, size).records == expected


@pytest.mark.parametrize("piece", [1, 7, 100])
def test_lines_may_be_longer_than_what_is_read_at_once(tmp_path, monkeypatch, piece: int) -> None:
    path = tmp_path / "x.vcf"
    path.write_text(vcf_text(RECORDS))
    whole = read(path)
    monkeypatch.setattr(bgzf, "_READ_BYTES", piece)
    assert read(path, 1) == whole
    assert list(bgzf.read_lines(path)) == path.read_bytes().splitlines()
    path.write_text("\n".join([*HEADER, COLUMNS]))
    assert read(path).header == whole.header


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\t100\t.\tA\tC", "line 8 has fewer than 8 columns"),
        ("1 100 . A C . . .", "line 8 has fewer than 8 columns"),
        ("1\t1e5\t.\tA\tC\t.\t.\t.", "line 8: POS is not a number"),
        ("1\t-1\t.\tA\tC\t.\t.\t.", "line 8: POS is not a number"),
        ("1\t\t.\tA\tC\t.\t.\t.", "line 8: POS is not a number"),
        ("1\t" + "9" * 40 + "\t.\tA\tC\t.\t.\t.", "line 8: POS is not a number"),
        ("1\t5\t.\t\tC\t.\t.\t.", "line 8: REF is empty"),
        ("1\t5\t.\tA\t\t.\t.\t.", "line 8: ALT is empty"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "x.vcf"
    path.write_text(vcf_text([RECORDS[0], line]).replace(HEADER[1] + "\n", ""))
    with pytest.raises(InputError, match=message):
        read(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        b"1\t5\t.\tA\tC\t.\t.\t.\n",
        b"##fileformat=VCFv4.2\n1\t5\t.\tA\tC\t.\t.\t.\n",
        b"##fileformat=VCFv4.2\n",
        b"##fileformat=VCFv4.2",
        b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n",
        b"##fileformat=VCFv4.2\n#CHROM POS ID REF ALT QUAL FILTER INFO\n",
        b"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n",
        b"BCF\2\2",
        b"BCF\2\2\xff\xff\xff\xff",
        b"PK\3\4",
        b"\x1f\x8b",
    ],
)
def test_without_a_header_nothing_is_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.vcf"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read(path)


def packed(content: bytes, path: Path, packing: str) -> Path:
    """Write a file plain, as gzip or as bgzip."""
    if packing == "bgzip":
        with BgzipWriter(path) as file:
            file.write(content)
    else:
        path.write_bytes(gzip.compress(content) if packing == "gzip" else content)
    return path


@pytest.mark.parametrize("packing", ["plain", "gzip", "bgzip"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_a_byte_order_mark_is_passed_over(tmp_path: Path, end: str, packing: str) -> None:
    content = vcf_text(RECORDS).replace("\n", end).encode()
    marked = read(packed(b"\xef\xbb\xbf" + content, tmp_path / "x.vcf", packing))
    whole = read(packed(vcf_text(RECORDS).encode(), tmp_path / "y.vcf", "plain"))
    assert marked.header == whole.header
    assert marked.header[0].startswith(b"##fileformat=VCF")
    assert marked.records == whole.records == EXPECTED


@pytest.mark.parametrize("packing", ["plain", "gzip", "bgzip"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_told(tmp_path: Path, encoding: str, packing: str) -> None:
    path = packed(vcf_text(RECORDS).encode(encoding), tmp_path / "x.vcf", packing)
    with pytest.raises(InputError, match=r"x\.vcf is UTF-16 text: save it again as UTF-8"):
        read(path)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.vcf does not exist"):
        VariantFile(tmp_path / "absent.vcf")


@given(
    edits=st.lists(
        st.tuples(st.integers(0, 2000), st.integers(0, 12), st.binary(max_size=5)), max_size=5
    ),
    packing=st.sampled_from(["plain", "gzip", "bgzip"]),
    size=st.sampled_from([1, 50, 1 << 20]),
)
@example(edits=[(420, 0, b"\n\n\r\n\n")], packing="plain", size=1)
@example(edits=[(0, 0, b"\xef\xbb\xbf")], packing="plain", size=1)
def test_damaged_files_are_read_or_refused(tmp_path_factory, edits, packing: str, size) -> None:
    content = vcf_text(RECORDS).encode()
    for at, removed, new in edits:
        at %= len(content) + 1
        content = content[:at] + new + content[at + removed :]
    path = tmp_path_factory.getbasetemp() / "damaged.vcf"
    if packing == "bgzip":
        with BgzipWriter(path) as file:
            file.write(content)
    else:
        path.write_bytes(gzip.compress(content) if packing == "gzip" else content)
    try:
        read_back = read(path, size)
    except InputError:
        return
    assert len(read_back.records) == len(read_back.numbers)
