"""FASTA files as the field writes them: read as they are meant, or refused in one sentence."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prepare_genome import prepare_genome
from spliceflow.bgzf import BgzipWriter
from spliceflow.errors import InputError
from spliceflow.genome.assembly import assembly_fingerprint
from spliceflow.genome.fasta import Genome

ROOT = Path(__file__).parents[3]
CASE = ROOT.parent / "shared" / "cases" / "07_fasta_empty_sequence" / "emptyseq.fa"
ONE, TWO = "ACGTTGCAAC" * 30, "GGGTTTACAN" * 21 + "rykm"
NORMAL = f">one first\n{ONE}\n>two\n{TWO}\n"
READ = {
    "normal": NORMAL.encode(),
    "byte-order mark": b"\xef\xbb\xbf" + NORMAL.encode(),
    "CRLF": NORMAL.replace("\n", "\r\n").encode(),
    "CRLF and byte-order mark": b"\xef\xbb\xbf" + NORMAL.replace("\n", "\r\n").encode(),
    "CR alone": NORMAL.replace("\n", "\r").encode(),
    "no newline at the end": NORMAL.rstrip("\n").encode(),
    "empty lines in front": b"\n\n" + NORMAL.encode(),
    "empty lines between": NORMAL.replace(">two", "\n\n>two").encode(),
    "empty lines within": f">one\n{ONE[:50]}\n\n{ONE[50:]}\n>two\n{TWO}\n\n\n".encode(),
    "uneven lines": f">one\n{ONE[:50]}\n{ONE[50:60]}\n{ONE[60:]}\n>two\n{TWO}\n".encode(),
    "blanks within and behind": NORMAL.replace("ACGTT", "ACG TT", 9)
    .replace("\n>", " \n>")
    .encode(),
    "mixed line ends": f">one\r\n{ONE[:50]}\n{ONE[50:100]}\r\n{ONE[100:]}\n>two\n{TWO}\n".encode(),
    "an empty sequence first": b">none\n" + NORMAL.encode(),
    "an empty sequence between": NORMAL.replace(">two", ">none\n>two").encode(),
    "an empty sequence of empty lines": NORMAL.replace(">two", ">none\n\n\n>two").encode(),
    "an empty sequence last": NORMAL.encode() + b">none\n",
    "an empty sequence last, no newline": NORMAL.encode() + b">none",
}


@pytest.mark.parametrize("packing", ["plain", "gzip", "bgzip"])
@pytest.mark.parametrize("content", READ.values(), ids=READ)
def test_every_spelling_is_the_same_genome(tmp_path: Path, content: bytes, packing: str) -> None:
    path = tmp_path / ("in.fa" if packing == "plain" else "in.fa.gz")
    if packing == "bgzip":
        with BgzipWriter(path) as file:
            file.write(content)
    else:
        path.write_bytes(gzip.compress(content) if packing == "gzip" else content)
    given_bytes = path.read_bytes()
    prepare_genome(path, tmp_path / "genome")
    assert path.read_bytes() == given_bytes, "the user's file is left as it is"
    with Genome(tmp_path / "genome") as genome:
        assert genome.contigs == {"one": len(ONE), "two": len(TWO)}
        assert genome.sequence("one", 0, len(ONE)) == ONE
        assert genome.sequence("two", 3, len(TWO)) == TWO[3:]
        fingerprint = assembly_fingerprint(genome)
    lengths = dict(
        line.split("\t")
        for line in (tmp_path / "genome" / "contigs.tsv").read_text().splitlines()[1:]
    )
    none = {"none": "0"} if b">none" in content else {}
    assert lengths == {"one": str(len(ONE)), "two": str(len(TWO))} | none
    if not none:
        (tmp_path / "normal.fa").write_text(NORMAL)
        prepare_genome(tmp_path / "normal.fa", tmp_path / "other")
        with Genome(tmp_path / "other") as genome:
            assert assembly_fingerprint(genome) == fingerprint


@given(
    st.lists(st.text(alphabet="ACGTNacgtn", max_size=200), min_size=1, max_size=5),
    st.integers(1, 90),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_any_width_and_line_end(
    tmp_path_factory, sequences: list[str], width: int, end: str, uneven: bool
) -> None:
    folder = tmp_path_factory.mktemp("any")
    lines = []
    for number, letters in enumerate(sequences):
        lines.append(f">s{number}")
        first = width // 2 if uneven else 0
        lines += [letters[:first]] * bool(first)
        lines += [letters[at : at + width] for at in range(first, len(letters), width)]
    (folder / "in.fa").write_bytes(end.join([*lines, ""]).encode())
    if not any(sequences):
        with pytest.raises(InputError, match="holds no sequence"):
            prepare_genome(folder / "in.fa", folder / "genome")
        return
    prepare_genome(folder / "in.fa", folder / "genome")
    with Genome(folder / "genome") as genome:
        for number, letters in enumerate(sequences):
            if letters:
                assert genome.sequence(f"s{number}", 0, len(letters)) == letters


@pytest.mark.parametrize(
    "name",
    ["HLA-A*01:01:01:01", "gi|568815576|ref|NC_000022.11|", "chr1.1#2", "a=b;c,d", "scäffold_1"],
)
def test_names_of_sequences(tmp_path: Path, name: str) -> None:
    (tmp_path / "in.fa").write_text(f">{name} more words\n{ONE}\n", encoding="utf-8")
    prepare_genome(tmp_path / "in.fa", tmp_path / "genome")
    with Genome(tmp_path / "genome") as genome:
        assert genome.sequence(name, 0, 10) == ONE[:10]


PROTEIN = "MDSSTWSPKTTAVTRPVETHELIRNAADISIIVIYFVVVMAVGLWAMFSTNRGTVGGFFLAGR"
REFUSED = {
    "protein": (f">P13866 SGLT1\n{PROTEIN}\n".encode(), "holds proteins"),
    "RNA": (f">r\n{ONE.replace('T', 'U')}\n".encode(), "holds RNA"),
    "FASTQ": (b"@read\nACGT\n+\nIIII\n", "FASTQ"),
    "GenBank": (b"LOCUS       NC_000022  100 bp\n", "GenBank"),
    "EMBL": (b"ID   X56734; SV 1; linear;\n", "EMBL"),
    "2bit": (b"\x43\x27\x41\x1a\0\0\0\0\1\0\0\0", "twoBitToFa"),
    "zip": (b"PK\3\4\x14\0", "zip archive"),
    "xz": (b"\xfd7zXZ\0", "packed with xz"),
    "annotation": (b"##gff-version 3\n", "an annotation"),
    "VCF": (b"##fileformat=VCFv4.2\n", "--input"),
    "UTF-16": (NORMAL.encode("utf-16"), "UTF-16"),
    "empty": (b"", "does not start with '>'"),
    "text": (b"chr1 ACGT\n", "does not start with '>'"),
    "no bases": (b">one\n>two\n\n", "holds no sequence"),
    "names twice": (b">one\nAC\n>two\nAC\n>one x\nAC\n", "two sequences named 'one'"),
    "no name": (b">one\nAC\n>\nAC\n", "Sequence 2 of .* has no name"),
    "a blank for a name": (b">one\nAC\n> two\nAC\n", "Sequence 2 of .* has no name"),
    "a name in Latin-1": (b">sc\xe4ffold\nAC\n", "name of sequence 1 .* not UTF-8"),
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_what_is_given_by_mistake_is_named(
    tmp_path: Path, content: bytes, words: str, packed: bool
) -> None:
    path = tmp_path / "in.fa"
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(InputError, match=words) as caught:
        prepare_genome(path, tmp_path / "genome")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [child.name for child in tmp_path.iterdir()] == ["in.fa"], "nothing half-written"


def test_an_empty_sequence_is_named(tmp_path: Path) -> None:
    """Case 07: >chr1, >chrE without bases, >chr2."""
    path = tmp_path / "emptyseq.fa"
    path.write_bytes(CASE.read_bytes() if CASE.is_file() else b">chr1\nAC\n>chrE\n>chr2\nGT\n")
    done = subprocess.run(
        [sys.executable, ROOT / "bin/prepare_genome.py", "--fasta", path, "--output-dir", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "without bases are passed over: chrE\n" in done.stderr
    rows = [line.split("\t") for line in (tmp_path / "out/contigs.tsv").read_text().splitlines()]
    assert [name for name, _ in rows] == ["contig", "chr1", "chrE", "chr2"]
    assert rows[2][1] == "0"
    with Genome(tmp_path / "out") as genome:
        assert list(genome.contigs) == ["chr1", "chr2"]
