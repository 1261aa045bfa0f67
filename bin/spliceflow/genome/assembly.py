"""What tells one assembly from another: every letter of every contig.

Two FASTAs of equal names and lengths may still differ, by masked regions or one corrected base, and
then scores differ. The digest of an assembly is that of all its contigs; the order of the contigs,
the case of the letters and the length of the lines do not count.
"""

from __future__ import annotations

import hashlib
import os
import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Protocol

from spliceflow.bgzf import read_text
from spliceflow.errors import InputError
from spliceflow.genome.fasta import Genome

DIGEST_FILE = "assembly.sha256"
"""File in the folder PREPARE_GENOME writes: the digest, so that it is computed once a genome."""

_UPPER = bytes(range(256)).upper()
# What htslib passes over in a sequence: everything that is not a visible character of ASCII.
_PASSED_OVER = bytes(byte for byte in range(256) if not 33 <= byte <= 126)
_LONGEST_HEADER = 1 << 24
_LINE = 80


class Output(Protocol):
    """Where text is written: a binary file, or a bgzip writer."""

    def write(self, text: bytes, /) -> object:
        """Append ``text``."""


class _Sequences(ABC):
    """Takes the text of a FASTA in blocks and cuts it into headers and letters.

    Attributes:
        blanks: characters within the sequences that are neither letters nor line ends.
    """

    def __init__(self) -> None:
        self.blanks = 0
        # What may be the beginning of a header line; the first line has no newline before it.
        self._rest = b"\n"

    def add(self, block: bytes) -> None:
        """Add the next piece of the file, of any length.

        Raises:
            InputError: a header line has no end.
        """
        text = self._rest + block
        at = 0
        while (mark := text.find(b"\n>", at)) >= 0:
            end = text.find(b"\n", mark + 1)
            if end < 0:
                break
            self._add_lines(text[at:mark])
            self._start(text[mark + 2 : end])
            at = end
        if mark < 0:
            mark = len(text) - text.endswith(b"\n")
        self._add_lines(text[at:mark])
        self._rest = text[mark:]
        if len(self._rest) > _LONGEST_HEADER:
            raise InputError("A header line of the FASTA is longer than 16 MB; repair the file.")

    def _add_lines(self, lines: bytes) -> None:
        letters = lines.translate(None, _PASSED_OVER)
        self.blanks += len(lines) - len(letters) - lines.count(b"\n") - lines.count(b"\r")
        self._add_letters(letters)

    def _add_last_header(self) -> None:
        if self._rest.startswith(b"\n>"):
            self._start(self._rest[2:])
            self._rest = b""

    @abstractmethod
    def _start(self, header: bytes) -> None:
        """Begin a sequence with its header line, without ``>``."""

    @abstractmethod
    def _add_letters(self, letters: bytes) -> None:
        """Add letters to the sequence last begun."""


class AssemblyDigest(_Sequences):
    """Digest of a FASTA's text, which is given in blocks.

    Attributes:
        lengths: name and number of letters of each sequence so far, in the order of the file; the
            name is what stands between ``>`` and the first blank.
        blanks: characters within the sequences that are neither letters nor line ends.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lengths: list[tuple[bytes, int]] = []
        self._rows: list[bytes] = []
        self._letters = hashlib.sha256()

    @property
    def contigs(self) -> int:
        """Number of sequences so far."""
        return len(self.lengths)

    def finish(self) -> str:
        """The digest as 64 hexadecimal digits, when the whole file was added."""
        self._add_last_header()
        self._end()
        return hashlib.sha256(b"".join(sorted(self._rows))).hexdigest()

    def _start(self, header: bytes) -> None:
        self._end()
        name = b"" if header[:1].isspace() else (header.split(maxsplit=1) or [b""])[0]
        self.lengths.append((name, 0))
        self._letters = hashlib.sha256()

    def _end(self) -> None:
        if self.lengths:
            digest = self._letters.hexdigest().encode()
            self._rows.append(self.lengths[-1][0] + b"\t" + digest + b"\n")

    def _add_letters(self, letters: bytes) -> None:
        self._letters.update(letters.translate(_UPPER))
        if letters and self.lengths:
            name, length = self.lengths[-1]
            self.lengths[-1] = (name, length + len(letters))


class EvenLines(_Sequences):
    """Writes a FASTA that is given in blocks as an index needs it.

    Lines have equal lengths; sequences without a letter are left out.

    Args:
        output: where to.
    """

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output
        self._header = self._line = b""

    def finish(self) -> None:
        """Write what is left, when the whole file was added."""
        self._add_last_header()
        self._end()

    def _start(self, header: bytes) -> None:
        self._end()
        self._header = b">" + header.rstrip() + b"\n"

    def _end(self) -> None:
        if self._line:
            self._output.write(self._line + b"\n")
            self._line = b""

    def _add_letters(self, letters: bytes) -> None:
        if letters and self._header:
            self._output.write(self._header)
            self._header = b""
        text = self._line + letters
        whole = len(text) - len(text) % _LINE
        if whole:
            lines = [text[at : at + _LINE] for at in range(0, whole, _LINE)]
            self._output.write(b"\n".join(lines) + b"\n")
        self._line = text[whole:]


def assembly_fingerprint(genome: Genome) -> str:
    """12 hexadecimal digits that change with any letter of the sequence and any name of a contig.

    Where PREPARE_GENOME has left its digest it is read; else the whole FASTA is.

    Raises:
        InputError: the FASTA can't be read.
    """
    stored = _stored_digest(genome.folder) if genome.folder else ""
    return (stored or fasta_digest(genome.path))[:12]


def fasta_digest(path: str | os.PathLike[str]) -> str:
    """64 hexadecimal digits of a FASTA file (plain, gzip or bgzip).

    Raises:
        InputError: the file can't be read.
    """
    digest = AssemblyDigest()
    for block in read_text(path):
        digest.add(block)
    return digest.finish()


def _stored_digest(folder: Path) -> str:
    path = folder / DIGEST_FILE
    text = path.read_text(encoding="ascii", errors="replace").strip() if path.is_file() else ""
    return text if re.fullmatch("[0-9a-f]{64}", text) else ""
