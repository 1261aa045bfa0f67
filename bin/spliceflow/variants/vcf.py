"""Read VCF and BCF in blocks of whole lines, looking at no more of a line than is needed.

The columns after INFO (FORMAT and the samples) are never split: a block only knows where INFO ends.
Positions are 1-based, as in the files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pysam

from spliceflow.bgzf import read_blocks, read_text
from spliceflow.errors import InputError

_COLUMNS = b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
_EMPTY_LINES = re.compile(rb"^(?:\r?\n)+", re.MULTILINE)
_BLOCK_BYTES = 8 << 20
_WRITTEN_FIELDS = 20_000
"""Genotypes of BCF records that are turned into text together."""

_LONG_LINE = 2000
"""Mean length of a line, in bytes, from which tabs are searched line by line: then most tabs of the
block are between samples, and finding them all costs more than a search per line."""


@dataclass(frozen=True)
class Records:
    """A block of whole VCF lines and where their columns are.

    Attributes:
        text: the lines; the last one ends with a newline too.
        source: name of the file, for messages.
        first_line: line number in the file of the first record, 1-based.
        starts: int64 (n,), offset of each line.
        tabs: int64 (n, 7), offsets of the tabs before POS, ID, REF, ALT, QUAL, FILTER and INFO.
        info_ends: int64 (n,), offset behind INFO.
        ends: int64 (n,), offset behind the line, its line end included.
    """

    text: bytes
    source: str
    first_line: int
    starts: np.ndarray
    tabs: np.ndarray
    info_ends: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def contig(self) -> pa.StringArray:
        """CHROM, as written."""
        return self._column(self.starts, self.tabs[:, 0], "CHROM")

    @cached_property
    def pos(self) -> np.ndarray:
        """POS: int64 (n,), 1-based; 0 is the place before the first base."""
        text = self._column(self.tabs[:, 0] + 1, self.tabs[:, 1], "POS")
        good = pc.match_substring_regex(text, "^[0-9]{1,15}$")
        self._check(good, "POS is not a number")
        return text.cast(pa.int64()).to_numpy(zero_copy_only=False)

    @cached_property
    def ref(self) -> pa.StringArray:
        """REF, upper case; never empty."""
        text = self._column(self.tabs[:, 2] + 1, self.tabs[:, 3], "REF")
        self._check(pc.greater(pc.binary_length(text), 0), "REF is empty")
        return upper_bases(text)

    @cached_property
    def alt(self) -> pa.StringArray:
        """ALT, as written: alleles separated by commas; never empty."""
        text = self._column(self.tabs[:, 3] + 1, self.tabs[:, 4], "ALT")
        self._check(pc.greater(pc.binary_length(text), 0), "ALT is empty")
        return text

    def _column(self, starts: np.ndarray, ends: np.ndarray, name: str) -> pa.StringArray:
        # One array of alternating wanted and unwanted slices shares the text; take() copies the
        # wanted ones without a loop.
        edges = np.empty(2 * len(starts) + 1, dtype=np.int32)
        edges[0:-1:2], edges[1::2], edges[-1] = starts, ends, len(self.text)
        slices = pa.Array.from_buffers(
            pa.binary(), 2 * len(starts), [None, pa.py_buffer(edges), pa.py_buffer(self.text)]
        )
        wanted = slices.take(pa.array(np.arange(0, 2 * len(starts), 2)))
        try:
            return wanted.cast(pa.string())
        except pa.ArrowInvalid as error:
            raise InputError(
                f"{self.source}, lines {self.first_line}-{self.first_line + len(self) - 1}: "
                f"{name} is not UTF-8 text; repair the file."
            ) from error

    def _check(self, good: pa.BooleanArray, problem: str) -> None:
        bad = np.flatnonzero(~good.to_numpy(zero_copy_only=False))
        if len(bad):
            raise InputError(
                f"{self.source}, line {self.first_line + int(bad[0])}: {problem}; repair the file."
            )


def upper_bases(alleles: pa.StringArray) -> pa.StringArray:
    """Alleles made of letters in upper case; symbolic alleles and breakends as they are."""
    return pc.if_else(
        pc.match_substring_regex(alleles, "^[A-Za-z]+$"), pc.ascii_upper(alleles), alleles
    )


class VariantFile:
    """A VCF (plain, gzip, bgzip) or BCF file.

    BCF is turned into VCF text by htslib. A byte-order mark is passed over.

    Args:
        path: the file; no index is needed.
        samples: whether whole records are wanted; without, only CHROM, POS, REF and ALT of a BCF
            are read; its other columns mean nothing.

    Attributes:
        header: header lines without their line ends; the last is the ``#CHROM`` line.
        line_end: ``b"\\n"`` or ``b"\\r\\n"``, as in the header.

    Raises:
        InputError: the file is missing, is damaged, or has no VCF header.
    """

    def __init__(self, path: str | os.PathLike[str], samples: bool = True) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError(f"Variant file {self.path} does not exist; check --input.")
        self._samples = samples
        self._is_bcf = next(read_blocks(self.path), b"")[:3] == b"BCF"
        self.header: list[bytes] = []
        self.line_end = b"\n"
        self._blocks = self._bcf_blocks() if self._is_bcf else read_text(self.path)
        self._rest = self._read_header()

    def blocks(self, size: int = _BLOCK_BYTES) -> Iterator[Records]:
        """Yield the records in order, in blocks of about ``size`` bytes; to be called once.

        Empty lines are passed over.

        Raises:
            InputError: the file is damaged or cut off, or a line is not a VCF record.
        """
        pieces, total, line = [self._rest], len(self._rest), len(self.header) + 1
        has_end = b"\n" in self._rest
        for block in self._blocks:
            pieces.append(block)
            total += len(block)
            has_end = has_end or b"\n" in block
            if total >= 1 << 31:
                raise InputError(f"{self.path.name}, line {line} is longer than 2 GB; split it.")
            # Pieces of a long line are put together once, when its end is there.
            if total < size or not has_end:
                continue
            text = b"".join(pieces)
            cut = text.rfind(b"\n") + 1
            yield from self._records(text[:cut], line)
            line += text.count(b"\n", 0, cut)
            pieces, total, has_end = [text[cut:]], len(text) - cut, False
        text = b"".join(pieces)
        if text:
            yield from self._records(text if text.endswith(b"\n") else text + b"\n", line)

    def _read_header(self) -> bytes:
        """Fill ``header``; return what was read beyond it."""
        pieces: list[bytes] = []
        for block in self._blocks:
            pieces.append(block)
            if len(pieces) > 1 and b"\n" not in block:
                continue
            text, at = b"".join(pieces), 0
            if not self.header and not text.startswith(b"##fileformat=VCF"[: len(text)]):
                break
            while (end := text.find(b"\n", at)) >= 0:
                line, at = text[at:end].removesuffix(b"\r"), end + 1
                if not line.startswith(b"#"):
                    raise self._no_header()
                self.header.append(line)
                if line.startswith(b"#CHROM"):
                    self.line_end = b"\r\n" if text[:end].endswith(b"\r") else b"\n"
                    return self._checked_header(text[at:])
            pieces = [text[at:]]
        text = b"".join(pieces)
        if self.header and text.startswith(b"#CHROM"):
            self.header.append(text)
            return self._checked_header(b"")
        raise self._no_header()

    def _checked_header(self, rest: bytes) -> bytes:
        if self.header[-1] != _COLUMNS and not self.header[-1].startswith(_COLUMNS + b"\t"):
            raise InputError(
                f"The #CHROM line of {self.path} does not name the columns CHROM, POS, ID, REF, "
                "ALT, QUAL, FILTER and INFO, separated by tabs; repair the header."
            )
        return rest

    def _no_header(self) -> InputError:
        return InputError(
            f"{self.path} has no VCF header: it has to start with ##fileformat=VCF and have a "
            "#CHROM line before the records."
        )

    def _records(self, text: bytes, line: int) -> Iterator[Records]:
        """Yield ``text``, whose first line is number ``line``, without its empty lines."""
        at = 0
        if text.startswith((b"\n", b"\r\n")) or b"\n\n" in text or b"\n\r\n" in text:
            for gap in _EMPTY_LINES.finditer(text):
                if gap.start() > at:
                    yield self._located(text[at : gap.start()], line)
                line += text.count(b"\n", at, gap.end())
                at = gap.end()
        if at < len(text):
            yield self._located(text[at:], line)

    def _located(self, text: bytes, line: int) -> Records:
        buffer = np.frombuffer(text, dtype=np.uint8)
        newlines = np.flatnonzero(buffer == 10)
        starts = np.concatenate(([0], newlines[:-1] + 1))
        if len(text) > _LONG_LINE * len(newlines):
            tabs = _tabs_by_line(text, starts, newlines)
        else:
            every = np.concatenate((np.flatnonzero(buffer == 9), np.full(8, len(text))))
            tabs = every[np.searchsorted(every, starts)[:, None] + np.arange(8)]
        short = np.flatnonzero(tabs[:, 6] >= newlines)
        if len(short):
            raise InputError(
                f"{self.path.name}, line {line + int(short[0])} has fewer than 8 columns separated "
                "by tabs; the file is cut off or not VCF."
            )
        carriage = buffer[newlines - 1] == 13
        return Records(
            text=text,
            source=self.path.name,
            first_line=line,
            starts=starts,
            tabs=tabs[:, :7],
            info_ends=np.minimum(tabs[:, 7], newlines - carriage),
            ends=newlines + 1,
        )

    def _bcf_blocks(self) -> Iterator[bytes]:
        for _ in read_blocks(self.path):
            pass  # Finds a damaged or cut off file, which htslib reads up to the damage.
        verbosity = pysam.set_verbosity(0)
        try:
            with pysam.VariantFile(os.fspath(self.path), drop_samples=not self._samples) as file:
                try:
                    yield str(file.header).encode()
                except UnicodeDecodeError:
                    yield _written(file.header, [])
                yield from self._bcf_lines(file)
        except (OSError, ValueError, UnicodeError) as error:
            raise InputError(f"{self.path} can't be read as BCF: it is damaged.") from error
        finally:
            pysam.set_verbosity(verbosity)

    def _bcf_lines(self, file: pysam.VariantFile) -> Iterator[bytes]:
        """Records as text, a MB at a time."""
        lines: list[bytes] = []
        size = 0
        # Text that is not UTF-8, which pysam can't give, is written to a file and read from there.
        unwritten: list[pysam.VariantRecord] = []
        is_text = True
        most = max(1, _WRITTEN_FIELDS // (1 + len(file.header.samples)))
        for record in file:
            if is_text:
                try:
                    line = str(record) if self._samples else _first_columns(record)
                    lines.append(line.encode())
                except UnicodeDecodeError:
                    is_text = False
            if not is_text:
                unwritten.append(record)
                if len(unwritten) < most:
                    continue
                lines.append(_written(file.header, unwritten))
                unwritten = []
            size += len(lines[-1])
            if size > 1 << 20:
                yield b"".join(lines)
                lines, size = [], 0
        if unwritten:
            lines.append(_written(file.header, unwritten))
        yield b"".join(lines)


def _written(header: pysam.VariantHeader, records: Sequence[pysam.VariantRecord]) -> bytes:
    """The lines of ``records``, or of the header if there are none, as htslib writes them."""
    with NamedTemporaryFile(prefix="spliceflow-", suffix=".vcf") as text:
        with pysam.VariantFile(text.name, "w", header=header) as file:
            for record in records:
                file.write(record)
        whole = text.read()
    return whole[whole.index(b"\n", whole.index(b"\n#CHROM") + 1) + 1 :] if records else whole


def _first_columns(record: pysam.VariantRecord) -> str:
    # Turning a whole record into text costs more the more samples there are.
    alleles = ",".join(record.alts or (".",))
    return f"{record.chrom}\t{record.pos}\t.\t{record.ref}\t{alleles}\t.\t.\t.\n"


def _tabs_by_line(text: bytes, starts: np.ndarray, newlines: np.ndarray) -> np.ndarray:
    tabs = np.full((len(starts), 8), len(text), dtype=np.int64)
    for row, (start, end) in enumerate(zip(starts.tolist(), newlines.tolist(), strict=True)):
        for column in range(8):
            at = text.find(b"\t", start, end)
            if at < 0:
                break
            tabs[row, column] = at
            start = at + 1
    return tabs
