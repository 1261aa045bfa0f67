"""What scores were made with: one value for the table, the store, the VCF header and the checks."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pyarrow as pa
import pyarrow.compute as pc

PRECISIONS = ("fp32", "tf32", "fp16")
"""Arithmetic that scores can have been made with."""


@dataclass(frozen=True, slots=True)
class ScoringRun:
    """All that scores depend on beside the allele and the gene.

    Attributes:
        model: fingerprint of the model bundle.
        annotation: fingerprint of the gene annotation.
        distance: largest distance from the allele that was searched, bases.
        masked: whether known sites were masked.
        assembly: fingerprint of the FASTA, from :mod:`spliceflow.genome.assembly`; empty where it
            does not matter, as only a score store mixes assemblies.
        calibrated: whether the model's temperature was applied.
        precision: one of :data:`PRECISIONS`.
    """

    model: str
    annotation: str
    distance: int
    masked: bool
    assembly: str = ""
    calibrated: bool = False
    precision: str = "fp32"

    @property
    def columns(self) -> dict[str, object]:
        """Values of the columns of the scores table that say which run a row is of."""
        return {name: getattr(self, name) for name in RUN_COLUMNS}

    def difference(self, table: pa.Table) -> tuple[str, object] | None:
        """The first column of a table of scores, with its value, that is of another run."""
        for name, value in self.columns.items():
            stated = pc.unique(table.column(name)).drop_null().to_pylist()
            other = next((found for found in stated if found != value), None)
            if other is not None:
                return name, other
        return None


RUN_COLUMNS = ("model", "annotation", "distance", "masked")
"""Columns of the scores table that say which run a row is of."""

STORED_COLUMNS = tuple(field.name for field in fields(ScoringRun))
"""Columns of a score store that say which run a row is of."""
