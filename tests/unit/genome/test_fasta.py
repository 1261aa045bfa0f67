"""Reading a reference: codes, padding beyond contigs, and files that are not right."""

from __future__ import annotations

import gzip
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spliceflow.bgzf import BgzipWriter
from spliceflow.errors import InputError
from spliceflow.genome.fasta import Genome, encode, reverse_complement

LETTERS = "ACGTNacgtnRYkm"
SEQUENCE = "ACGTNacgtnRYACGT" * 7


@pytest.fixture(params=["plain", "bgzip"])
def fasta(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    text = ">one first\n" + "\n".join(
        SEQUENCE[start : start + 10] for start in range(0, len(SEQUENCE), 10)
    )
    text += "\n>two\nACGT\n"
    if request.param == "plain":
        path = tmp_path / "genome.fa"
        path.write_text(text)
    else:
        path = tmp_path / "genome.fa.gz"
        with BgzipWriter(path) as file:
            file.write(text.encode())
    return path


def test_encode_knows_four_bases_in_any_case() -> None:
    assert encode("ACGTacgt").tolist() == [0, 1, 2, 3] * 2
    assert set(encode("NnRY*-.é ").tolist()) == {4}
    assert encode(b"").dtype == np.uint8


@given(st.text(alphabet=LETTERS, max_size=60))
def test_reverse_complement_is_its_own_inverse(sequence: str) -> None:
    codes = encode(sequence)
    complement = reverse_complement(codes)
    assert (reverse_complement(complement) == codes).all()
    known = codes < 4
    assert (complement[::-1][known] == 3 - codes[known]).all()
    assert (complement[::-1][~known] == 4).all()


def test_contigs_are_in_file_order(fasta: Path) -> None:
    with Genome(fasta) as genome:
        assert list(genome.contigs.items()) == [("one", len(SEQUENCE)), ("two", 4)]


@given(start=st.integers(-30, 150), length=st.integers(-5, 200))
def test_ranges_beyond_the_contig_are_padded(tmp_path_factory, start: int, length: int) -> None:
    path = tmp_path_factory.getbasetemp() / "padding.fa"
    if not path.exists():
        path.write_text(f">one\n{SEQUENCE}\n")
    padded = "N" * 300 + SEQUENCE + "N" * 300
    with Genome(path) as genome:
        expected = padded[300 + start : 300 + start + length] if length > 0 else ""
        assert genome.sequence("one", start, start + length) == expected
        assert (genome.codes("one", start, start + length) == encode(expected)).all()


def test_genome_travels_to_other_processes(fasta: Path) -> None:
    with Genome(fasta) as genome, pickle.loads(pickle.dumps(genome)) as other:
        assert other.sequence("one", 0, 5) == genome.sequence("one", 0, 5)


def test_unknown_contig_is_named(fasta: Path) -> None:
    with Genome(fasta) as genome, pytest.raises(InputError, match="no contig 'three'"):
        genome.codes("three", 0, 1)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not fasta\n",
        b">one\nACGT\nAC\nACGT\n",
        b"\x00\xff\n" * 9,
    ],
    ids=["empty", "text", "uneven lines", "binary"],
)
def test_what_is_not_fasta_is_an_input_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "genome.fa"
    path.write_bytes(content)
    with pytest.raises(InputError):
        Genome(path)


def test_gzip_and_missing_files_are_input_errors(tmp_path: Path) -> None:
    path = tmp_path / "genome.fa.gz"
    path.write_bytes(gzip.compress(b">one\nACGT\n"))
    with pytest.raises(InputError, match="bgzip"):
        Genome(path)
    with pytest.raises(InputError, match="does not exist"):
        Genome(tmp_path / "absent.fa")


def test_index_of_another_file_is_noticed(tmp_path: Path) -> None:
    long, short = tmp_path / "long.fa", tmp_path / "short.fa"
    long.write_text(">one\n" + "ACGT" * 100 + "\n")
    short.write_text(">one\nACGT\n")
    Genome(long).close()
    shutil.copy(tmp_path / "long.fa.fai", tmp_path / "short.fa.fai")
    with Genome(short) as genome, pytest.raises(InputError, match="damaged"):
        genome.sequence("one", 300, 400)
