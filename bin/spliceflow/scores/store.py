"""Scores that outlive a run: a Parquet dataset that is only ever added to.

Files lie in folders named after all that scores depend on. A new file is written under a name that
readers pass over and then renamed to the digest of its content: several runs may write at once, a
reader never sees half a file, and the same scores written twice are one file. Nothing in a store is
ever changed or removed, so copying a store, or one store into another, is safe at any time.

A store is a local folder, or a URI that Arrow's file systems know, such as ``s3://bucket/folder``.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.database import open_database
from spliceflow.errors import InputError
from spliceflow.genome.genes import Gene
from spliceflow.scores.run import STORED_COLUMNS, ScoringRun
from spliceflow.scores.table import SCORE_SCHEMA, STORE_SCHEMA
from spliceflow.variants.jobs import KnownScores

FORMAT = "format=2"
"""Folder that holds everything in a store. The number is raised when a change of the scoring code
changes scores by more than rounding: rows of another number are never found."""

_FILE_ROWS = 4_000_000
"""Rows of a file, about: some 200 MB. Object stores do not rename objects of more than 5 GB."""

_ROW_GROUP_ROWS = 1 << 16
_BATCH_ROWS = 1 << 15
_IDENTITY = ("contig", "pos", "ref", "alt", "gene", "gene_id", "transcript_id")
_DELTAS = ("ds_ag", "ds_al", "ds_dg", "ds_dl")


@dataclass(frozen=True, slots=True)
class Lookup:
    """What to look for, and where to put what was found.

    Attributes:
        run: what the scores have to have been made with.
        output: Parquet file to write, of schema ``SCORE_SCHEMA``.
    """

    run: ScoringRun
    output: Path


class ScoreStore:
    """A store of scores.

    Args:
        location: a folder (made when something is first written), or a URI such as
            ``s3://bucket/folder``.

    Raises:
        InputError: the location is of a kind that can't be opened.
    """

    def __init__(self, location: str | os.PathLike[str]) -> None:
        self.location = os.fspath(location)
        self._local = "://" not in self.location
        try:
            if self._local:
                self._files = pafs.LocalFileSystem()
                self._root = os.fspath(Path(self.location).resolve())
            else:
                self._files, self._root = pafs.FileSystem.from_uri(self.location)
                self._check_bucket()
        except (OSError, ValueError, pa.ArrowException) as error:
            raise InputError(
                f"Score store {self.location} can't be opened: {_first_line(error)}."
            ) from error

    def _check_bucket(self) -> None:
        """A wrong name is told before anything is scored, not when scores are to be written."""
        if not self.location.startswith(("s3://", "gs://")):
            return
        bucket = self._root.split("/")[0]
        try:
            missing = self._files.get_file_info(bucket).type == pafs.FileType.NotFound
        except OSError:  # a key may open the folder and not the bucket
            return
        if missing:
            raise InputError(
                f"Score store {self.location}: there is no bucket {bucket}; check the name, or "
                "make the bucket."
            )

    def append(self, run: ScoringRun, scores: Iterable[pa.Table], imported: bool = False) -> int:
        """Add rows; return how many.

        Args:
            run: what the scores were made with; the rows have to agree with it.
            scores: tables of schema ``SCORE_SCHEMA`` in any order; all their rows are scored.
            imported: whether the scores come from another program, rounded.

        Raises:
            InputError: the rows were made with something else, or the store can't be written.
        """
        constants = {
            "assembly": run.assembly,
            "calibrated": run.calibrated,
            "precision": run.precision,
            "imported": imported,
        }
        rows = 0
        with (
            TemporaryDirectory(prefix=".store-", dir=Path.cwd()) as folder,
            open_database(folder, 1.0) as database,
        ):
            database.from_arrow(STORE_SCHEMA.empty_table()).create("score")
            for table in scores:
                _check_rows(table, run)
                columns = [
                    pa.repeat(pa.scalar(constants[field.name], field.type), len(table))
                    if field.name in constants
                    else table.column(field.name).cast(field.type)
                    for field in STORE_SCHEMA
                ]
                if len(table):
                    whole = pa.table(columns, STORE_SCHEMA.names)
                    database.from_arrow(whole).insert_into("score")
                    rows += len(table)
            if rows:
                part = Path(folder) / "part.parquet"
                order = f"SELECT * FROM score ORDER BY {_ORDER}"
                batches = database.sql(order).to_arrow_reader(_ROW_GROUP_ROWS)
                for some in _runs(batches, _FILE_ROWS):
                    _write_sorted(some, part)
                    self._put(part, folder_of(run))
        return rows

    def rows(
        self, run: ScoringRun | None = None, only: pc.Expression | None = None
    ) -> pa.RecordBatchReader:
        """Rows of schema ``STORE_SCHEMA`` in no order; some may be there more than once.

        Args:
            run: read only what was made with this.
            only: read only rows for which this holds.

        Raises:
            InputError: the store can't be read.
        """
        paths = self._paths(folder_of(run) if run else FORMAT)
        if not paths:
            return pa.RecordBatchReader.from_batches(STORE_SCHEMA, [])
        dataset = ds.dataset(paths, STORE_SCHEMA, format="parquet", filesystem=self._files)
        # Arrow's defaults would hold a gigabyte of a large store.
        scanner = dataset.scanner(
            filter=only, batch_size=_BATCH_ROWS, batch_readahead=4, fragment_readahead=2
        )
        return pa.RecordBatchReader.from_batches(STORE_SCHEMA, self._batches(scanner))

    def take_known(
        self,
        lookup: Lookup,
        jobs: duckdb.DuckDBPyConnection,
        genes: Sequence[Gene],
        contigs: Sequence[str],
    ) -> KnownScores:
        """Write the scores of known jobs to ``lookup.output``, and remove those jobs.

        Args:
            lookup: what to look for, and where to write.
            jobs: database with the table ``job`` (gene_row, contig, pos, ref, alt).
            genes: gene table, in row order.
            contigs: names of the indices in ``job.contig``.

        Raises:
            InputError: the store can't be read.
        """
        jobs.register(
            "gene_name",
            pa.table(
                {
                    "gene_row": pa.array(range(len(genes)), pa.int32()),
                    "contig": pa.array([gene.contig for gene in genes], pa.string()),
                    "gene": pa.array([gene.name for gene in genes], pa.string()),
                    "gene_id": pa.array([gene.gene_id for gene in genes], pa.string()),
                    "transcript_id": pa.array([gene.transcript_id for gene in genes], pa.string()),
                }
            ),
        )
        extents = jobs.execute(
            "SELECT contig, min(pos), max(pos) FROM job GROUP BY contig"
        ).fetchall()
        jobs.from_arrow(STORE_SCHEMA.empty_table()).create("known")
        jobs.execute("ALTER TABLE known ADD COLUMN gene_row INTEGER")
        try:
            if extents:
                near = [(contigs[contig], first, last) for contig, first, last in extents]
                stored = self.rows(lookup.run, _any_of(near))
                jobs.register("stored", stored)
                jobs.execute(
                    "INSERT INTO known SELECT stored.*, job.gene_row FROM stored "
                    "JOIN gene_name USING (contig, gene, gene_id, transcript_id) "
                    "JOIN job ON job.gene_row = gene_name.gene_row AND job.pos = stored.pos "
                    "AND job.ref = stored.ref AND job.alt = stored.alt"
                )
        except duckdb.Error as error:
            raise self._unreadable(error) from error
        jobs.execute(
            "DELETE FROM job USING known WHERE job.gene_row = known.gene_row "
            "AND job.pos = known.pos AND job.ref = known.ref AND job.alt = known.alt"
        )
        found = jobs.sql(f"SELECT * EXCLUDE gene_row FROM known ORDER BY {_ORDER}")
        rows = alleles = imported = 0
        last_allele: list[object] = []
        with (
            atomic_path(lookup.output) as temporary,
            pq.ParquetWriter(temporary, SCORE_SCHEMA) as file,
        ):
            for table in distinct(found.to_arrow_reader(_BATCH_ROWS)):
                rows += len(table)
                imported += int(pc.sum(table.column("imported")).as_py() or 0)
                fresh, last_allele = _changes(table.select(_IDENTITY[:4]), last_allele)
                alleles += int(fresh.sum())
                file.write_table(table.select(SCORE_SCHEMA.names).cast(SCORE_SCHEMA))
        jobs.execute("DROP TABLE known")
        return KnownScores(rows, alleles, imported)

    def _paths(self, folder: str) -> list[str]:
        selector = pafs.FileSelector(f"{self._root}/{folder}", allow_not_found=True, recursive=True)
        try:
            found = self._files.get_file_info(selector)
        except OSError as error:
            raise InputError(
                f"Score store {self.location} can't be listed: {_first_line(error)}."
            ) from error
        return sorted(
            info.path
            for info in found
            if info.type == pafs.FileType.File and info.path.endswith(".parquet")
        )

    def _batches(self, scanner: ds.Scanner) -> Iterator[pa.RecordBatch]:
        try:
            yield from scanner.to_batches()
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise self._unreadable(error) from error

    def _put(self, part: Path, folder: str) -> None:
        with part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()[:32]
        final = f"{self._root}/{folder}/{digest}.parquet"
        partial = f"{self._root}/{folder}/{uuid.uuid4().hex}.partial"
        try:
            if self._local:
                self._files.create_dir(f"{self._root}/{folder}", recursive=True)
            pafs.copy_files(
                os.fspath(part),
                partial,
                source_filesystem=pafs.LocalFileSystem(),
                destination_filesystem=self._files,
            )
            self._files.move(partial, final)
        except OSError as error:
            raise InputError(
                f"Score store {self.location} can't be written: {_first_line(error)}."
            ) from error

    def _unreadable(self, error: Exception) -> InputError:
        return InputError(
            f"Score store {self.location} can't be read: {_first_line(error)}; if one of its files "
            "is damaged, delete that file: its scores are then made again."
        )


# Of rows that stand for the same allele and gene the first counts: a computed one before a rounded
# one; the scores themselves make the choice the same whatever the order of the files.
_ORDER = ", ".join((*_IDENTITY, "imported", *_DELTAS))


def folder_of(run: ScoringRun) -> str:
    """Folder of the scores of a run, relative to the store."""
    return (
        f"{FORMAT}/model={run.model}/annotation={run.annotation}/assembly={run.assembly}/"
        f"distance={run.distance}/masked={int(run.masked)}/calibrated={int(run.calibrated)}/"
        f"precision={run.precision}"
    )


def distinct(reader: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Of rows in the order of ``_IDENTITY``, those that differ in it from the row before."""
    last: list[object] = []
    for batch in reader:
        if len(batch):
            table = pa.Table.from_batches([batch])
            fresh, last = _changes(table.select(_IDENTITY), last)
            if fresh.any():
                yield table.filter(pa.array(fresh))


def select_rows(
    store: ScoreStore, only: pc.Expression | None, folder: str | os.PathLike[str]
) -> Iterator[pa.Table]:
    """Rows of a store for which ``only`` holds, sorted and each once (per run).

    Args:
        store: the store.
        only: condition on columns of ``STORE_SCHEMA``.
        folder: folder for a temporary database, which is removed.

    Raises:
        InputError: the store can't be read.
    """
    with TemporaryDirectory(dir=folder) as own, open_database(own, 1.0) as database:
        database.register("stored", store.rows(only=only))
        try:
            database.execute("CREATE TABLE row AS SELECT * FROM stored")
        except duckdb.Error as error:
            raise store._unreadable(error) from error
        keys = database.execute(
            f"SELECT DISTINCT {', '.join(STORED_COLUMNS)} FROM row ORDER BY ALL"
        )
        for values in keys.fetchall():
            where = " AND ".join(f"{name} = ?" for name in STORED_COLUMNS)
            query = f"SELECT * FROM row WHERE {where} ORDER BY {_ORDER}"
            rows = database.sql(query, params=list(values))
            yield from distinct(rows.to_arrow_reader(_BATCH_ROWS))


def _changes(table: pa.Table, last: list[object]) -> tuple[np.ndarray, list[object]]:
    """Which rows differ from the row before, ``last`` before the first; and the last row."""
    columns = [column.combine_chunks() for column in table.columns]
    fresh = np.zeros(len(table), dtype=bool)
    fresh[0] = [column[0].as_py() for column in columns] != last
    for column in columns:
        other = pc.not_equal(column.slice(1), column.slice(0, len(column) - 1))
        fresh[1:] |= other.to_numpy(zero_copy_only=False)
    return fresh, [column[-1].as_py() for column in columns]


def _any_of(regions: Sequence[tuple[str, int, int]]) -> pc.Expression:
    """Rows in any of ``regions``: contig, first and last position, 1-based."""
    if len(regions) > 200:
        return ds.field("contig").isin([contig for contig, _, _ in regions])
    within = [
        (ds.field("contig") == contig) & (ds.field("pos") >= first) & (ds.field("pos") <= last)
        for contig, first, last in regions
    ]
    expression = within[0]
    for other in within[1:]:
        expression = expression | other
    return expression


def _check_rows(table: pa.Table, run: ScoringRun) -> None:
    unscored = [word for word in pc.unique(table.column("status")).to_pylist() if word != "scored"]
    difference = ("status", unscored[0]) if unscored else run.difference(table)
    if difference:
        name, value = difference
        expected = run.columns.get(name, "scored")
        raise InputError(
            f"Scores with {name} {value} can't be stored as scores with {name} {expected}; give "
            "the model, genes and options of the run that made them."
        )


def _runs(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[Iterator[pa.RecordBatch]]:
    """Divide ``batches`` into runs that end where they have reached ``rows``.

    Each run has to be read to its end before the next is asked for.
    """
    source = (batch for batch in batches if len(batch))

    def run(first: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        yield first
        total = len(first)
        while total < rows and (batch := next(source, None)) is not None:
            yield batch
            total += len(batch)

    while (first := next(source, None)) is not None:
        yield run(first)


def _write_sorted(reader: Iterable[pa.RecordBatch], path: Path) -> None:
    with pq.ParquetWriter(path, STORE_SCHEMA, compression="zstd") as file:
        for batch in reader:
            file.write_table(
                pa.Table.from_batches([batch]).cast(STORE_SCHEMA), row_group_size=_ROW_GROUP_ROWS
            )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
