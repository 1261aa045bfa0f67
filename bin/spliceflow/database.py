"""A temporary database for joins and sorts that are larger than memory."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb


def open_database(
    folder: str | os.PathLike[str], memory_gb: float, threads: int = 0
) -> duckdb.DuckDBPyConnection:
    """Open a temporary database in ``folder`` that spills to disk beyond ``memory_gb``."""
    folder = Path(folder)
    database = duckdb.connect(
        os.fspath(folder / "alleles.duckdb"),
        config={
            "memory_limit": f"{int(memory_gb * 1024)}MiB",
            "temp_directory": os.fspath(folder / "spill"),
            "preserve_insertion_order": False,
            "threads": threads or min(4, len(os.sched_getaffinity(0))),
        },
    )
    database.execute("SET enable_progress_bar = false")
    return database
