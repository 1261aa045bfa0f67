"""Declared tables: the columns of a Parquet file, their types and meanings, said once."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: name in the Parquet file.
        type: Arrow type.
        description: meaning, unit and coordinate base, in one sentence.
        nullable: whether the value may be missing.
    """

    name: str
    type: pa.DataType
    description: str
    nullable: bool = False


def schema_of(columns: tuple[Column, ...]) -> pa.Schema:
    """Arrow schema of ``columns``; the descriptions travel as field metadata."""
    return pa.schema(
        pa.field(c.name, c.type, c.nullable, {"description": c.description}) for c in columns
    )
