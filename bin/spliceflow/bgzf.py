"""Read text that may be plain, gzip or bgzip; write bgzip (BGZF, SAM specification section 4.1).

Blocks are inflated and deflated by zlib, which releases Python's lock, so that threads help. The
bytes written do not depend on the number of threads.
"""

from __future__ import annotations

import codecs
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from spliceflow.errors import InputError

END_OF_FILE = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block every complete BGZF file ends with."""

_BLOCK_TEXT = 0xFF00
"""Uncompressed bytes a block, as bgzip writes them."""

_READ_BYTES = 1 << 20
_LEVEL = 5


def is_bgzip(path: str | os.PathLike[str]) -> bool:
    """Whether the file begins with a BGZF block."""
    with Path(path).open("rb") as file:
        return _block_size(file.read(18)) is not None


def is_gzip(path: str | os.PathLike[str]) -> bool:
    """Whether the file is compressed with gzip or bgzip."""
    with Path(path).open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def read_blocks(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yield the uncompressed content of a plain, gzip or bgzip file, about 1–4 MB at a time.

    Raises:
        InputError: the file can't be read, is damaged, or was cut off.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            magic = file.read(18)
            file.seek(0)
            if _block_size(magic) is not None:
                yield from _read_bgzip(file, path)
            elif magic[:2] == b"\x1f\x8b":
                yield from _read_gzip(file, path)
            else:
                while block := file.read(_READ_BYTES):
                    yield block
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror or error}.") from error


def read_text(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yield the content of a text file as :func:`read_blocks` does, without what editors add.

    The byte-order mark of UTF-8 is left out. Where lines end in CR alone, as old programs for the
    Mac write them, they end in LF; CRLF stays.

    Raises:
        InputError: the file can't be read, is damaged, was cut off, or is UTF-16.
    """
    blocks = read_blocks(path)
    beginning = b""
    for block in blocks:
        beginning += block
        if b"\n" in beginning or len(beginning) >= _READ_BYTES:
            break
    if _is_utf16(beginning):
        raise InputError(f"{path} is UTF-16 text: save it again as UTF-8.")
    lines_end_in_cr = b"\n" not in beginning and b"\r" in beginning[:-1]
    for block in chain([beginning.removeprefix(codecs.BOM_UTF8)], blocks):
        if block:
            yield block.replace(b"\r", b"\n") if lines_end_in_cr else block


def _is_utf16(beginning: bytes) -> bool:
    """Whether a text is UTF-16, by its byte-order mark or by every other byte, which is zero."""
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    halves = beginning[0:16:2], beginning[1:16:2]
    return len(beginning) > 3 and any(any(half) for half in halves) and not all(map(any, halves))


def read_lines(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """Yield the lines of :func:`read_text`, without their line ends.

    Raises:
        InputError: as there.
    """
    # Pieces of a long line are put together once, when its end is there.
    pieces: list[bytes] = []
    for block in read_text(path):
        pieces.append(block)
        if b"\n" not in block:
            continue
        lines = b"".join(pieces).split(b"\n")
        pieces = [lines.pop()]
        for line in lines:
            yield line[:-1] if line.endswith(b"\r") else line
    rest = b"".join(pieces)
    if rest:
        yield rest[:-1] if rest.endswith(b"\r") else rest


def _block_size(header: bytes) -> int | None:
    """Size in bytes of the BGZF block that starts with ``header`` (18 bytes); None if none does."""
    if len(header) < 18 or header[:4] != b"\x1f\x8b\x08\x04" or header[10:16] != b"\x06\0BC\x02\0":
        return None
    return int(struct.unpack_from("<H", header, 16)[0]) + 1


def _read_bgzip(file: BinaryIO, path: Path) -> Iterator[bytes]:
    data, texts, size, last = b"", [], 0, b""
    while piece := file.read(_READ_BYTES):
        data += piece
        offset = 0
        while (length := _block_size(data[offset : offset + 18])) is not None:
            if offset + length > len(data):
                break
            last = data[offset : offset + length]
            text = _inflate(last, path)
            texts.append(text)
            size += len(text)
            offset += length
            if size >= _READ_BYTES:
                yield b"".join(texts)
                texts, size = [], 0
        if len(data) - offset >= 18 and _block_size(data[offset : offset + 18]) is None:
            raise InputError(f"{path} is damaged: what follows a bgzip block is not one; copy it.")
        data = data[offset:]
    if data or last != END_OF_FILE:
        raise InputError(
            f"{path} is cut off: the block that ends a bgzip file is missing; copy it again."
        )
    if texts:
        yield b"".join(texts)


def _inflate(block: bytes, path: Path) -> bytes:
    try:
        text = zlib.decompress(block[18:-8], -15, 1 << 16)
    except zlib.error as error:
        raise InputError(f"{path} is damaged: a bgzip block can't be unpacked.") from error
    if struct.pack("<II", zlib.crc32(text), len(text)) != block[-8:]:
        raise InputError(f"{path} is damaged: the checksum of a bgzip block is wrong.")
    return text


def _read_gzip(file: BinaryIO, path: Path) -> Iterator[bytes]:
    stream = zlib.decompressobj(31)
    try:
        while piece := file.read(_READ_BYTES):
            while piece:
                if stream.eof:
                    # Padding of zeros after the last member is what gzip itself ignores.
                    piece = piece.lstrip(b"\0")
                    if not piece:
                        break
                    stream = zlib.decompressobj(31)
                text = stream.decompress(piece, 4 * _READ_BYTES)
                if text:
                    yield text
                piece = stream.unused_data if stream.eof else stream.unconsumed_tail
    except zlib.error as error:
        raise InputError(f"{path} is damaged: it can't be unpacked as gzip.") from error
    if not stream.eof:
        raise InputError(f"{path} is cut off in the middle of its gzip data; copy it again.")


class BgzipWriter:
    """Write a bgzip file; a context manager.

    Args:
        path: the file to write.
        threads: how many threads compress; 1 compresses in the caller's.
    """

    def __init__(self, path: str | os.PathLike[str], threads: int = 1) -> None:
        self._file = Path(path).open("wb")  # noqa: SIM115 - closed by __exit__
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._pending: deque[Future[bytes]] = deque()
        self._queue_length = 4 * threads
        self._rest = b""

    def __enter__(self) -> BgzipWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                if self._rest:
                    self._deflate(self._rest)
                self._drain(0)
                self._file.write(END_OF_FILE)
        finally:
            if self._pool:
                self._pool.shutdown(cancel_futures=True)
            self._file.close()

    def write(self, text: bytes) -> None:
        """Append ``text``."""
        text = self._rest + text if self._rest else text
        whole = len(text) - len(text) % _BLOCK_TEXT
        for start in range(0, whole, 16 * _BLOCK_TEXT):
            self._deflate(text[start : min(start + 16 * _BLOCK_TEXT, whole)])
        self._rest = text[whole:]

    def write_packed(self, blocks: bytes) -> None:
        """Append whole blocks that :func:`deflate` made."""
        if self._rest:
            self._deflate(self._rest)
            self._rest = b""
        self._drain(0)
        self._file.write(blocks)

    def _deflate(self, text: bytes) -> None:
        if self._pool is None:
            self._file.write(deflate(text))
        else:
            self._drain(self._queue_length)
            self._pending.append(self._pool.submit(deflate, text))

    def _drain(self, keep: int) -> None:
        while len(self._pending) > keep:
            self._file.write(self._pending.popleft().result())


def deflate(text: bytes) -> bytes:
    """``text`` as BGZF blocks, without the empty block that ends a file."""
    return b"".join(
        _deflated_block(text[start : start + _BLOCK_TEXT])
        for start in range(0, len(text), _BLOCK_TEXT)
    )


def _deflated_block(text: bytes) -> bytes:
    for level in (_LEVEL, 0):
        packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        data = packer.compress(text) + packer.flush()
        # The size of a block has to fit into 16 bits; only incompressible text needs level 0.
        if len(data) + 26 <= 1 << 16:
            break
    head = struct.pack("<4BI2BH2B2H", 31, 139, 8, 4, 0, 0, 255, 6, 66, 67, 2, len(data) + 25)
    return head + data + struct.pack("<II", zlib.crc32(text), len(text))
