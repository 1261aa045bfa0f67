"""What a training writes of each epoch, and reads again; without PyTorch."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from spliceflow.atomic import atomic_path

LOG = "log.csv"
"""File of a member's folder with a line for each epoch."""


@dataclass(frozen=True)
class EpochRecord:
    """One line of the log; losses are means a base, rates of sites are on the validation split."""

    epoch: int
    learning_rate: float
    train_loss: float
    validation_loss: float
    acceptor_top_k: float
    donor_top_k: float
    acceptor_auprc: float
    donor_auprc: float
    seconds: float


def read_log(path: str | os.PathLike[str]) -> list[EpochRecord]:
    """Read ``log.csv``."""
    with Path(path).open(newline="") as lines:
        return [
            EpochRecord(int(row.pop("epoch")), **{key: float(value) for key, value in row.items()})
            for row in csv.DictReader(lines)
        ]


def write_log(path: Path, records: Sequence[EpochRecord]) -> None:
    """Write ``log.csv``; the file is replaced as a whole."""
    with atomic_path(path) as temporary, temporary.open("w", newline="") as out:
        writer = csv.DictWriter(out, [f.name for f in fields(EpochRecord)])
        writer.writeheader()
        writer.writerows(asdict(record) for record in records)
