"""Datasets on disk: sequences with a target at every base, in shards that are read one at a time.

A dataset is a directory of ``shard_00000.parquet`` … . The same files teach from an annotation
(targets 0 and 1) and from a teacher (any probability).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError
from spliceflow.genome.fasta import UNKNOWN

SHARD_BASES = 4_000_000
"""A shard is closed when it holds this many target bases; it bounds the memory of training."""

SHARD_SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("name", pa.string(), False, {"description": "Gene."}),
        pa.field("contig", pa.string(), False, {"description": "Contig, named as in the FASTA."}),
        pa.field("flank", pa.int32(), False, {"description": "Bases of codes before and after."}),
        pa.field("length", pa.int64(), False, {"description": "Bases that have a target, L."}),
        pa.field("codes", pa.binary(), False, {"description": "uint8 (flank + L + flank)."}),
        pa.field("acceptor", pa.binary(), False, {"description": "float16 (L), probability."}),
        pa.field("donor", pa.binary(), False, {"description": "float16 (L), probability."}),
        pa.field("weight", pa.binary(), False, {"description": "float16 (L), 1 is ordinary."}),
    ]
)
"""Columns of a shard; arrays are little-endian bytes, in the direction of transcription."""


@dataclass(frozen=True)
class TaughtSequence:
    """A sequence with the target of every base.

    Attributes:
        name: gene.
        contig: contig, named as in the FASTA.
        codes: base codes, uint8 (flank + L + flank); beyond them everything reads as N.
        acceptor: target probability of acceptor, float16 (L,).
        donor: target probability of donor, float16 (L,).
        weight: weight in the loss, float16 (L,).
    """

    name: str
    contig: str
    codes: np.ndarray
    acceptor: np.ndarray
    donor: np.ndarray
    weight: np.ndarray

    @property
    def flank(self) -> int:
        """Bases of ``codes`` before the first target."""
        return (self.codes.size - self.acceptor.size) // 2

    def window(self, start: int, outputs: int, context: int) -> Window:
        """Cut bases [start, start + outputs) of the targets with their context.

        What lies beyond the targets has weight 0; what lies beyond the codes is N.
        """
        half = context // 2
        first = self.flank + start - half
        codes = _cut(self.codes, first, outputs + context, UNKNOWN)
        return Window(
            codes,
            _cut(self.acceptor, start, outputs, 0),
            _cut(self.donor, start, outputs, 0),
            _cut(self.weight, start, outputs, 0),
        )


@dataclass(frozen=True)
class Window:
    """One training example: codes uint8 (outputs + context), the rest float16 (outputs)."""

    codes: np.ndarray
    acceptor: np.ndarray
    donor: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Batch:
    """Windows side by side.

    Attributes:
        codes: uint8 (N, outputs + context).
        target: float32 (N, 3, outputs), probabilities of neither, acceptor, donor.
        weight: float32 (N, outputs).
    """

    codes: np.ndarray
    target: np.ndarray
    weight: np.ndarray


def _cut(values: np.ndarray, start: int, length: int, fill: int) -> np.ndarray:
    result = np.full(length, fill, values.dtype)
    low, high = max(start, 0), min(start + length, values.size)
    if high > low:
        result[low - start : high - start] = values[low:high]
    return result


def write_shards(
    sequences: Iterable[TaughtSequence],
    directory: str | os.PathLike[str],
    *,
    shard_bases: int = SHARD_BASES,
) -> list[Path]:
    """Write a dataset; at most one shard is held in memory.

    Returns:
        the paths of the shards, in order.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    rows: list[TaughtSequence] = []
    bases = 0

    def close() -> None:
        path = directory / f"shard_{len(paths):05d}.parquet"
        table = pa.table(
            {
                "name": [row.name for row in rows],
                "contig": [row.contig for row in rows],
                "flank": [row.flank for row in rows],
                "length": [row.acceptor.size for row in rows],
                "codes": [row.codes.tobytes() for row in rows],
                **{
                    column: [getattr(row, column).astype("<f2").tobytes() for row in rows]
                    for column in ("acceptor", "donor", "weight")
                },
            },
            schema=SHARD_SCHEMA,
        )
        with atomic_path(path) as temporary:
            pq.write_table(
                table, temporary, compression="zstd", use_dictionary=False, write_statistics=False
            )
        paths.append(path)

    for sequence in sequences:
        rows.append(sequence)
        bases += sequence.acceptor.size
        if bases >= shard_bases:
            close()
            rows, bases = [], 0
    if rows:
        close()
    return paths


def read_shard(path: str | os.PathLike[str]) -> list[TaughtSequence]:
    """Read one shard.

    Raises:
        InputError: the file is missing or is not a shard.
    """
    try:
        table = pq.read_table(Path(path), columns=SHARD_SCHEMA.names)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path} can't be read as a shard of a dataset; make it with prepare_dataset.py."
        ) from error
    return [
        TaughtSequence(
            row["name"],
            row["contig"],
            np.frombuffer(row["codes"], np.uint8),
            *(np.frombuffer(row[column], "<f2") for column in ("acceptor", "donor", "weight")),
        )
        for row in table.to_pylist()
    ]


def shard_paths(directory: str | os.PathLike[str]) -> list[Path]:
    """The shards of a dataset in order.

    Raises:
        InputError: there are none.
    """
    paths = sorted(Path(directory).glob("shard_*.parquet"))
    if not paths:
        raise InputError(f"{directory} holds no shard of a dataset; make it first.")
    return paths


@dataclass(frozen=True)
class WindowSource:
    """Batches of windows from a dataset, one shard in memory at a time.

    Attributes:
        shards: files of the dataset.
        context: bases around each output base that the network reads, in total.
        outputs: output bases a window.
        batch_size: windows a batch.
        seed: of the order and of sampled windows; (seed, epoch) fixes an epoch.
        sampled_share: None for every window once (tiles); else that many sampled output bases a
            target base, most of them around bases of high weight.
    """

    shards: Sequence[Path]
    context: int
    outputs: int = 5_000
    batch_size: int = 18
    seed: int = 42
    sampled_share: float | None = None

    def batches_per_epoch(self) -> int:
        """Exact number of batches of an epoch."""
        windows = 0
        for path in self.shards:
            lengths = pq.read_table(path, columns=["length"]).column("length").to_pylist()
            windows += sum(self._windows(length) for length in lengths)
        return -(-windows // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch in its own random order."""
        rng = np.random.default_rng([self.seed, number])
        waiting: list[Window] = []
        for index in rng.permutation(len(self.shards)):
            sequences = read_shard(self.shards[index])
            starts = [
                (sequence, start) for sequence in sequences for start in self._starts(sequence, rng)
            ]
            for chosen in rng.permutation(len(starts)):
                sequence, start = starts[chosen]
                waiting.append(sequence.window(start, self.outputs, self.context))
                if len(waiting) == self.batch_size:
                    yield _batch(waiting)
                    waiting = []
        if waiting:
            yield _batch(waiting)

    def in_order(self) -> Iterator[Batch]:
        """Every window once, in the order of the files."""
        waiting: list[Window] = []
        for path in self.shards:
            for sequence in read_shard(path):
                for start in range(0, sequence.acceptor.size, self.outputs):
                    waiting.append(sequence.window(start, self.outputs, self.context))
                    if len(waiting) == self.batch_size:
                        yield _batch(waiting)
                        waiting = []
        if waiting:
            yield _batch(waiting)

    def _windows(self, length: int) -> int:
        if self.sampled_share is None:
            return -(-length // self.outputs)
        return max(1, round(length * self.sampled_share / self.outputs))

    def _starts(self, sequence: TaughtSequence, rng: np.random.Generator) -> list[int]:
        length = sequence.acceptor.size
        count = self._windows(length)
        if self.sampled_share is None:
            return [index * self.outputs for index in range(count)]
        centres = rng.integers(0, length, count)
        heavy = np.flatnonzero(sequence.weight > 1)
        if heavy.size:
            emphasised = rng.random(count) < 0.8
            centres[emphasised] = heavy[rng.integers(0, heavy.size, int(emphasised.sum()))]
        starts = centres - rng.integers(0, self.outputs, count)
        # A window that hangs over an end is wasted unless the sequence is shorter than it.
        return np.clip(starts, 0, max(0, length - self.outputs)).tolist()


def _batch(windows: Sequence[Window]) -> Batch:
    acceptor = np.stack([window.acceptor for window in windows]).astype(np.float32)
    donor = np.stack([window.donor for window in windows]).astype(np.float32)
    target = np.stack([np.maximum(1 - acceptor - donor, 0), acceptor, donor], axis=1)
    return Batch(
        np.stack([window.codes for window in windows]),
        target,
        np.stack([window.weight for window in windows]).astype(np.float32),
    )
