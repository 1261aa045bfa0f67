"""Plain, gzip and bgzip files: what is written is read back, what is cut off is noticed."""

from __future__ import annotations

import gzip
import io
import random
from pathlib import Path

import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spliceflow.bgzf import END_OF_FILE, BgzipWriter, is_bgzip, is_gzip, read_blocks, read_lines
from spliceflow.errors import InputError


def content(size: int, seed: int = 0) -> bytes:
    """Bytes of which a third packs well and a third does not at all."""
    source = random.Random(seed)
    return b"".join(
        bytes([source.randrange(65, 70)]) * 50 if piece % 3 else source.randbytes(50)
        for piece in range(size // 50 + 1)
    )[:size]


@pytest.mark.parametrize("size", [0, 1, 0xFF00 - 1, 0xFF00, 0xFF00 + 1, 3_000_000])
@pytest.mark.parametrize("threads", [1, 3])
def test_written_is_read_back(tmp_path: Path, size: int, threads: int) -> None:
    path = tmp_path / "x.gz"
    data = content(size)
    with BgzipWriter(path, threads) as file:
        for start in range(0, size, 100_003):
            file.write(data[start : start + 100_003])
    assert b"".join(read_blocks(path)) == data
    assert gzip.decompress(path.read_bytes()) == data
    with pysam.BGZFile(str(path)) as file:
        assert file.read(size + 1) == data
    assert path.read_bytes().endswith(END_OF_FILE)


def test_threads_and_sizes_of_writes_do_not_change_a_byte(tmp_path: Path) -> None:
    data = content(2_500_000)
    files = []
    for number, (threads, step) in enumerate([(1, 2_500_000), (4, 2_500_000), (2, 70_001)]):
        files.append(tmp_path / str(number))
        with BgzipWriter(files[-1], threads) as file:
            for start in range(0, len(data), step):
                file.write(data[start : start + step])
    assert len({path.read_bytes() for path in files}) == 1


@given(st.integers(0, 10_000))
def test_a_bgzip_file_cut_anywhere_is_refused(tmp_path_factory, cut: int) -> None:
    whole = tmp_path_factory.getbasetemp() / "whole.gz"
    if not whole.exists():
        with BgzipWriter(whole) as file:
            file.write(content(150_000))
    data = whole.read_bytes()
    path = tmp_path_factory.getbasetemp() / "cut.gz"
    path.write_bytes(data[: 18 + cut * (len(data) - 18) // 10_001])
    with pytest.raises(InputError, match=r"cut off|damaged"):
        list(read_blocks(path))


@given(st.integers(0), st.integers(0, 7))
def test_a_flipped_bit_is_noticed_or_harmless(tmp_path_factory, at: int, bit: int) -> None:
    text = content(70_000)
    path = tmp_path_factory.getbasetemp() / "flipped.gz"
    with BgzipWriter(path) as file:
        file.write(text)
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1 << bit
    path.write_bytes(data)
    # A flip in the first four bytes makes it a file that is not compressed at all.
    if not is_gzip(path):
        return
    try:
        read = b"".join(read_blocks(path))
    except InputError:
        return
    assert read == text


def test_gzip_of_several_members_and_with_padding(tmp_path: Path) -> None:
    data = content(5_000_000)
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(data[:100]) + gzip.compress(data[100:]) + b"\0" * 512)
    assert is_gzip(path)
    assert not is_bgzip(path)
    assert b"".join(read_blocks(path)) == data


@pytest.mark.parametrize("keep", [3, 15, 200, -9, -1])
def test_gzip_cut_off_is_refused(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(content(5000))[:keep])
    with pytest.raises(InputError, match="cut off"):
        list(read_blocks(path))


@given(st.lists(st.sampled_from(["a", "\n", "\r\n", "bc", "", "é"]), max_size=20))
def test_lines_are_those_of_the_text(tmp_path_factory, pieces: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.txt"
    path.write_bytes("".join(pieces).encode())
    expected = io.TextIOWrapper(io.BytesIO(path.read_bytes()), "utf-8", newline="\n").readlines()
    assert list(read_lines(path)) == [
        line.removesuffix("\n").removesuffix("\r").encode() for line in expected
    ]


def test_a_folder_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be read"):
        list(read_blocks(tmp_path))


def test_an_error_while_writing_leaves_no_end_marker(tmp_path: Path) -> None:
    def write() -> None:
        with BgzipWriter(tmp_path / "x.gz", 2) as file:
            file.write(content(200_000))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write()
    assert not (tmp_path / "x.gz").read_bytes().endswith(END_OF_FILE)
