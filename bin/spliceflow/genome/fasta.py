"""Reference sequence: random access to a FASTA file, and bases as small integers.

Base codes are uint8: A = 0, C = 1, G = 2, T = 3; everything else (N, IUPAC codes, positions beyond
the ends of a contig) is 4. The complement of a code c < 4 is 3 - c.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pysam

from spliceflow.errors import InputError

UNKNOWN = 4
"""Code of every base that is not A, C, G or T."""

_CODE_OF_BYTE = np.full(256, UNKNOWN, dtype=np.uint8)
for _code, _letters in enumerate((b"Aa", b"Cc", b"Gg", b"Tt")):
    for _letter in _letters:
        _CODE_OF_BYTE[_letter] = _code

_COMPLEMENT = np.array([3, 2, 1, 0, UNKNOWN], dtype=np.uint8)


def encode(sequence: str | bytes) -> np.ndarray:
    """Turn letters into base codes.

    Args:
        sequence: letters in any case; text is taken as ASCII, other characters become 4.

    Returns:
        uint8 array of shape (len(sequence),).
    """
    if isinstance(sequence, str):
        sequence = sequence.encode("ascii", "replace")
    return _CODE_OF_BYTE[np.frombuffer(sequence, dtype=np.uint8)]


def reverse_complement(codes: np.ndarray) -> np.ndarray:
    """Reverse the last axis of an array of base codes and complement every code."""
    return _COMPLEMENT[codes[..., ::-1]]


class Genome:
    """A FASTA file, plain or bgzip-compressed, opened for random access.

    The index (``.fai``, and ``.gzi`` for bgzip) is read from beside the file and built there if it
    is missing. Opening the same file in many processes is safe, and so is sharing one object
    between threads.

    Args:
        path: the FASTA file, or the folder with ``genome.fa`` or ``genome.fa.gz`` that
            PREPARE_GENOME wrote.

    Attributes:
        path: the FASTA file.
        folder: the folder PREPARE_GENOME wrote, if that was given.
        contigs: length of each contig in bases, in the order of the file.

    Raises:
        InputError: the file is missing, is not FASTA, or can't be indexed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.folder = self.path if self.path.is_dir() else None
        if self.folder:
            packed = self.path / "genome.fa.gz"
            self.path = packed if packed.is_file() else self.path / "genome.fa"
        self._lock = threading.Lock()
        if not self.path.is_file():
            raise InputError(f"FASTA file {self.path} does not exist; check --fasta.")
        verbosity = pysam.set_verbosity(0)
        try:
            self._file = pysam.FastaFile(os.fspath(self.path))
            self.contigs: dict[str, int] = dict(
                zip(self._file.references, self._file.lengths, strict=True)
            )
        except (OSError, ValueError) as error:
            raise InputError(
                f"{self.path} can't be opened as FASTA; it has to be plain or bgzip-compressed "
                "(not gzip), with lines of equal length, and indexed or in a writable folder: "
                "bin/prepare_genome.py makes it so."
            ) from error
        finally:
            pysam.set_verbosity(verbosity)
        if not self.contigs:
            raise InputError(f"FASTA file {self.path} holds no sequence; give another --fasta.")

    def __enter__(self) -> Genome:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[type[Genome], tuple[Path]]:
        return Genome, (self.folder or self.path,)

    def close(self) -> None:
        """Close the file; the object can't be read afterwards."""
        self._file.close()

    def sequence(self, contig: str, start: int, end: int) -> str:
        """Letters of ``contig`` as the file has them.

        Args:
            contig: name as in the FASTA.
            start: first base, 0-based.
            end: end of the range, half-open; positions outside the contig are returned as ``N``.

        Raises:
            InputError: the FASTA has no such contig, or can't be read at that place.
        """
        length = self._length(contig)
        if end <= start:
            return ""
        inner_start, inner_end = min(max(start, 0), length), max(min(end, length), 0)
        letters = ""
        if inner_end > inner_start:
            try:
                with self._lock:
                    letters = self._file.fetch(contig, inner_start, inner_end)
            except (OSError, ValueError) as error:
                raise InputError(self._unreadable(contig, inner_start, inner_end)) from error
            if len(letters) != inner_end - inner_start:
                raise InputError(self._unreadable(contig, inner_start, inner_end))
        left = min(max(0 - start, 0), end - start)
        return "N" * left + letters + "N" * (end - start - left - len(letters))

    def codes(self, contig: str, start: int, end: int) -> np.ndarray:
        """Base codes of ``contig``: uint8 of shape (end - start,).

        Coordinates are 0-based and half-open, and may lie outside the contig (code 4 there).
        """
        return encode(self.sequence(contig, start, end))

    def _length(self, contig: str) -> int:
        try:
            return self.contigs[contig]
        except KeyError:
            raise InputError(
                f"FASTA file {self.path} has no contig {contig!r}; use the FASTA the "
                "coordinates were made with."
            ) from None

    def _unreadable(self, contig: str, start: int, end: int) -> str:
        return (
            f"{self.path} can't be read at {contig}:{start + 1}-{end}; the file is damaged or "
            "does not belong to the index beside it."
        )
