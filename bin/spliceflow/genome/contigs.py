"""One name per contig: the FASTA's names are canonical, other files' names are mapped to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# RefSeq accession numbers of assembled chromosomes, without version: human (NC_000001 to
# NC_000024), mouse (NC_000067 to NC_000087) and the two mitochondria.
_REFSEQ_CHROMOSOME: dict[str, str] = {
    **{f"NC_{number:06d}": str(number) for number in range(1, 23)},
    "NC_000023": "X",
    "NC_000024": "Y",
    "NC_012920": "MT",
    **{f"NC_{number + 66:06d}": str(number) for number in range(1, 20)},
    "NC_000086": "X",
    "NC_000087": "Y",
    "NC_005089": "MT",
}
_REFSEQ_NAME = re.compile(r"(NC_\d{6})\.\d+")


class ContigNames:
    """Maps contig names of annotations and VCFs to the names of a FASTA.

    An exact match wins. Otherwise two names are the same if they agree after a leading ``chr`` is
    removed (in any case), ``M`` is read as ``MT``, and a RefSeq accession of a human or mouse
    chromosome is read as that chromosome; they have to agree with one contig of the FASTA only.

    Names do not tell assemblies apart: the version of an accession (NC_000001.10 is chromosome 1 of
    GRCh37, .11 of GRCh38) and its species (NC_000067 is mouse) only count where the FASTA is named
    by accessions too. Variant files are compared by length as well, where their headers state it
    (``spliceflow.variants.file_contigs``); annotations are not.

    Args:
        contigs: the FASTA's names.
        aliases: other names known for a contig, such as ``{"BK006935.2": "I"}`` from the
            ``region`` lines of a GFF3 file: name in the file → chromosome.
    """

    def __init__(self, contigs: Iterable[str], aliases: Mapping[str, str] | None = None) -> None:
        self._exact = frozenset(contigs)
        self._aliases = dict(aliases or {})
        self._by_key: dict[str, set[str]] = {}
        for contig in self._exact:
            for key in self._keys(contig):
                self._by_key.setdefault(key, set()).add(contig)

    def resolve(self, name: str) -> str | None:
        """The FASTA's name of the contig called ``name``, or None if none or several match."""
        if name in self._exact:
            return name
        found = set().union(*(self._by_key.get(key, set()) for key in self._keys(name)))
        # The version of an accession says which sequence is meant: NC_000001.10 is not .11.
        if _REFSEQ_NAME.fullmatch(name):
            found = {contig for contig in found if not _REFSEQ_NAME.fullmatch(contig)}
        return found.pop() if len(found) == 1 else None

    def _keys(self, name: str) -> set[str]:
        keys = {_key(name)}
        if match := _REFSEQ_NAME.fullmatch(name):
            chromosome = _REFSEQ_CHROMOSOME.get(match[1])
            if chromosome:
                keys.add(chromosome)
        if name in self._aliases:
            keys.add(_key(self._aliases[name]))
        return keys


def _key(name: str) -> str:
    bare = name[3:] if name[:3].lower() == "chr" and len(name) > 3 else name
    return "MT" if bare in ("M", "MT", "Mt", "m", "mt") else bare
