"""The contigs of one variant file and what they are in the FASTA.

Names alone do not say whether a file was called on the FASTA: ``chr1`` is in every assembly of man,
mouse and dog. The header of a VCF states lengths too, and those differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from spliceflow.errors import InputError
from spliceflow.genome.contigs import ContigNames

_LINE = re.compile(rb"##contig=<(.*)>")
_ID = re.compile(rb'(?:^|,)\s*ID=(?:"([^"]*)"|([^,"]+))')
_LENGTH = re.compile(rb'(?:^|,)\s*length="?(\d{1,15})"?\s*(?:,|$)')


class FileContigs:
    """Names the contigs of one file as the tables of a run do.

    Contigs are compared by the lengths that ``##contig`` lines of the header state. A contig of
    another length is not the FASTA's, whatever its name (the mitochondrion of UCSC's hg19, for
    example, is another sequence); its records are treated as those of a contig the FASTA lacks.

    Args:
        source: name of the file, for messages.
        header: its header lines.
        contigs: the FASTA's contigs and their lengths in bases.
        names: maps names to the FASTA's.

    Raises:
        InputError: most contigs that are compared have another length.
    """

    def __init__(
        self,
        source: str,
        header: Iterable[bytes],
        contigs: Mapping[str, int],
        names: ContigNames | None = None,
    ) -> None:
        self._names = names or ContigNames(contigs)
        self._other: dict[str, int] = {}
        compared = 0
        for name, length in _stated_lengths(header).items():
            resolved = self._names.resolve(name)
            if resolved is not None:
                compared += 1
                if contigs[resolved] != length:
                    self._other[name] = length
        if len(self._other) > compared / 2:
            name, length = next(iter(self._other.items()))
            own = contigs[self._names.resolve(name) or name]
            raise InputError(
                f"{source} is of another assembly: by its header {name} has {length:,} bases, in "
                f"the FASTA {own:,}; give the FASTA it was called on."
            )

    def resolve(self, name: str) -> str | None:
        """The FASTA's name of a contig, or None if the FASTA does not have it."""
        return None if name in self._other else self._names.resolve(name)

    def table_name(self, name: str) -> str:
        """What the contig is called in tables: the FASTA's name if it has the contig.

        Else it is the file's name; with the length, if the FASTA has another contig of that name,
        so that alleles of both can stand in one table.
        """
        if name in self._other:
            return f"{name} of {self._other[name]} bases"
        return self._names.resolve(name) or name


def _stated_lengths(header: Iterable[bytes]) -> dict[str, int]:
    """Positive lengths in ``##contig`` lines, by name."""
    found: dict[str, int] = {}
    for line in header:
        if not (match := _LINE.match(line)):
            continue
        name, length = _ID.search(match[1]), _LENGTH.search(match[1])
        if name and length and int(length[1]) > 0:
            text = (name[1] or name[2] or b"").strip().decode("utf-8", "replace")
            found.setdefault(text, int(length[1]))
    return found
