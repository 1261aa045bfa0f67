"""The alleles of a file with the largest effects, and who carries them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

AlleleKey = tuple[str, int, str, str]
"""Contig (as in the FASTA), 1-based position, REF, ALT."""

Floor = tuple[float, AlleleKey]
"""An allele and its delta score: weaker ones are not among the strongest."""

THRESHOLDS = (0.2, 0.5, 0.8)
"""Delta scores from which on alleles are counted."""

KEPT_ALLELES = 200
"""Alleles kept of a file."""

NAMED_SAMPLES = 8
"""Carriers that are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class CarriedAllele:
    """One allele of a file.

    Attributes:
        ds: the largest of its delta scores in any gene, 0 to 1.
        carriers: samples with the allele in their genotype.
        samples: the first few of them, by name.
    """

    contig: str
    pos: int
    ref: str
    alt: str
    ds: float
    carriers: int
    samples: tuple[str, ...]


class StrongestAlleles:
    """Sees every scored allele of a file once per record, keeps few.

    Args:
        samples: names of the file's samples, in the order of its columns.
        floor: :attr:`floor` of what earlier parts of the file had; what lies below is not kept,
            which saves looking for its carriers.
    """

    def __init__(self, samples: tuple[str, ...], floor: Floor | None = None) -> None:
        self._samples = samples
        self._least = floor
        self._counts = dict.fromkeys(THRESHOLDS, 0)
        # Smallest first; the key makes ties fall the same way whatever the order of records.
        self._kept: dict[AlleleKey, CarriedAllele] = {}
        self._heap: list[tuple[float, AlleleKey]] = []

    def add(self, key: AlleleKey, number: int, ds: float, columns: bytes) -> None:
        """Count one allele.

        Args:
            key: the allele.
            number: its number in genotypes, from 1 on.
            ds: its largest delta score, 0 to 1.
            columns: the record's text from the tab after INFO on: FORMAT and the samples.
        """
        for threshold in THRESHOLDS:
            if ds >= threshold:
                self._counts[threshold] += 1
        if ds < THRESHOLDS[0]:
            return
        ds = round(ds, 6)
        if self._is_wanted(ds, key):
            carriers = self._carriers(columns, str(number).encode())
            named = tuple(carriers[:NAMED_SAMPLES])
            self._keep(CarriedAllele(*key, ds, len(carriers), named), key)

    def add_all(self, counts: dict[str, int], kept: Iterable[CarriedAllele]) -> None:
        """Count the alleles of a later part of the file.

        Args:
            counts: :attr:`counts` of that part.
            kept: :meth:`kept` of that part.
        """
        for threshold in THRESHOLDS:
            self._counts[threshold] += counts[str(threshold)]
        for allele in kept:
            key = (allele.contig, allele.pos, allele.ref, allele.alt)
            if self._is_wanted(allele.ds, key):
                self._keep(allele, key)

    @property
    def counts(self) -> dict[str, int]:
        """Alleles with at least a delta score, by that score."""
        return {str(threshold): count for threshold, count in self._counts.items()}

    @property
    def floor(self) -> Floor | None:
        """The weakest allele kept, once there are enough."""
        return self._heap[0] if len(self._heap) == KEPT_ALLELES else self._least

    def kept(self) -> list[CarriedAllele]:
        """The alleles kept, strongest first."""
        return [self._kept[key] for _, key in sorted(self._heap, reverse=True)]

    def _is_wanted(self, ds: float, key: AlleleKey) -> bool:
        floor = self.floor
        return (floor is None or (ds, key) > floor) and key not in self._kept

    def _keep(self, allele: CarriedAllele, key: AlleleKey) -> None:
        self._kept[key] = allele
        heapq.heappush(self._heap, (allele.ds, key))
        if len(self._heap) > KEPT_ALLELES:
            del self._kept[heapq.heappop(self._heap)[1]]

    def _carriers(self, columns: bytes, number: bytes) -> list[str]:
        fields = columns.rstrip(b"\r\n").split(b"\t")[1:]
        # GT, where it is given, is the first field of FORMAT.
        if not fields or fields[0].split(b":")[0] != b"GT":
            return []
        return [
            name
            for name, value in zip(self._samples, fields[1:], strict=False)
            if number in value.split(b":")[0].replace(b"|", b"/").split(b"/")
        ]
