"""The alleles of a file with the largest effects, and who carries them."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np

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


@dataclass(frozen=True, slots=True)
class EffectsPart:
    """What a part of a file adds to the rest.

    Attributes:
        counts: alleles by the delta score they reach.
        kept: delta score and carriers of each allele kept; carriers are columns as bits.
    """

    counts: dict[float, int]
    kept: dict[AlleleKey, tuple[float, int]]


class StrongestAlleles:
    """Sees every scored allele of a file once per record, keeps few.

    An allele of several records is kept once, with the carriers of all of them.

    Args:
        samples: names of the file's samples, in the order of its columns.
        floor: :attr:`floor` of what earlier parts of the file had; what lies below is not kept,
            which saves looking for its carriers.
    """

    def __init__(self, samples: tuple[str, ...], floor: Floor | None = None) -> None:
        self._samples = samples
        self._least = floor
        self._counts = dict.fromkeys(THRESHOLDS, 0)
        # A file may have many thousand samples: a bit for each, the first column's lowest.
        self._kept: dict[AlleleKey, tuple[float, int]] = {}
        # Smallest first; the key makes ties fall the same way whatever the order of records.
        self._heap: list[Floor] = []

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
            self._keep(key, ds, _carriers(columns, str(number).encode(), len(self._samples)))

    def add_part(self, part: EffectsPart) -> None:
        """Count the alleles of a later part of the file."""
        for threshold, count in part.counts.items():
            self._counts[threshold] += count
        for key, (ds, carriers) in part.kept.items():
            if self._is_wanted(ds, key):
                self._keep(key, ds, carriers)

    @property
    def part(self) -> EffectsPart:
        """All that was seen, for :meth:`add_part`."""
        return EffectsPart(self._counts, self._kept)

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
        found = []
        for ds, key in sorted(self._heap, reverse=True):
            _, carriers = self._kept[key]
            named = tuple(self._samples[column] for column in _lowest(carriers, NAMED_SAMPLES))
            found.append(CarriedAllele(*key, ds, carriers.bit_count(), named))
        return found

    def _is_wanted(self, ds: float, key: AlleleKey) -> bool:
        # The weakest itself may come again, with other carriers.
        floor = self.floor
        return floor is None or (ds, key) >= floor

    def _keep(self, key: AlleleKey, ds: float, carriers: int) -> None:
        if key in self._kept:
            self._kept[key] = (ds, self._kept[key][1] | carriers)
            return
        self._kept[key] = (ds, carriers)
        heapq.heappush(self._heap, (ds, key))
        if len(self._heap) > KEPT_ALLELES:
            del self._kept[heapq.heappop(self._heap)[1]]


def _lowest(bits: int, count: int) -> list[int]:
    """Numbers of the lowest bits that are set, ``count`` at most."""
    found: list[int] = []
    while bits and len(found) < count:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found


def _carriers(columns: bytes, number: bytes, samples: int) -> int:
    """Columns of samples, as bits, whose genotype has the allele ``number``."""
    fields = columns.rstrip(b"\r\n").split(b"\t")[1:]
    # GT, where it is given, is the first field of FORMAT.
    if not fields or fields[0].split(b":")[0] != b"GT":
        return 0
    flags = [
        number in value.split(b":")[0].replace(b"|", b"/").split(b"/")
        for value in fields[1 : 1 + samples]
    ]
    bits = np.packbits(np.array(flags, dtype=bool), bitorder="little")
    return int.from_bytes(bits.tobytes(), "little")
