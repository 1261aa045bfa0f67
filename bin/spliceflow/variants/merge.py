"""Scores of all shards and the alleles without a score → one sorted scores table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError
from spliceflow.variants.alleles import open_database
from spliceflow.variants.score_table import SCORE_SCHEMA, UNSCORED_SCHEMA

ROW_GROUP_ROWS = 1 << 16
"""Rows per row group of the scores table: what a reader of one region has to load."""

_RUN_COLUMNS = ("model", "annotation", "distance", "masked")
_KEY = ("contig", "pos", "ref", "alt", "gene", "gene_id", "transcript_id")


@dataclass(frozen=True)
class MergedScores:
    """What a merged scores table holds.

    Attributes:
        rows: rows in the table.
        scored_rows: rows with scores (alleles × genes).
        scored_alleles: alleles with scores.
        unscored: alleles without scores, by status.
        model: fingerprint of the model; empty if nothing was scored.
        annotation: fingerprint of the annotation; empty if nothing was scored.
    """

    rows: int
    scored_rows: int
    scored_alleles: int
    unscored: dict[str, int]
    model: str
    annotation: str


def merge_scores(
    scores: Sequence[str | os.PathLike[str]],
    unscored: str | os.PathLike[str],
    contigs: Sequence[str],
    output: str | os.PathLike[str],
    memory_gb: float = 1.0,
) -> MergedScores:
    """Write one scores table, sorted by contig, pos, ref, alt, gene.

    Model, annotation, distance and mask are filled in for the alleles without a score, so that
    every row says which run it belongs to.

    Args:
        scores: Parquet files of schema ``SCORE_SCHEMA``, one a shard, in any order.
        unscored: Parquet file of schema ``UNSCORED_SCHEMA``.
        contigs: the FASTA's contigs in order; other contigs come after them, by name.
        output: Parquet file to write.
        memory_gb: memory for sorting, before it spills to disk beside ``output``.

    Raises:
        InputError: a file is damaged or is not such a table, the files come from runs with
            different models or options, or an allele appears twice.
    """
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix=".merge-", dir=output.parent) as folder,
        open_database(folder, memory_gb) as database,
        atomic_path(output) as temporary,
    ):
        order = pa.table({"contig": pa.array(contigs, pa.string()), "rank": range(len(contigs))})
        database.register("contig_order", order)
        database.from_arrow(SCORE_SCHEMA.empty_table()).create("score")
        for path in scores:
            _insert(database, path, SCORE_SCHEMA)
        runs = database.sql(f"SELECT DISTINCT {', '.join(_RUN_COLUMNS)} FROM score").fetchall()
        if len(runs) > 1:
            raise InputError(
                "The scores to be merged come from runs with different models, annotations or "
                "options; give the scores of one run."
            )
        run = dict(zip(_RUN_COLUMNS, runs[0] if runs else (None,) * 4, strict=True))
        _insert(database, unscored, UNSCORED_SCHEMA, run)
        sorted_rows = database.sql(
            "SELECT score.* FROM score LEFT JOIN contig_order USING (contig) "
            "ORDER BY rank NULLS LAST, contig, pos, ref, alt, gene NULLS FIRST, gene_id, "
            "transcript_id"
        )
        rows, last_key = 0, None
        with pq.ParquetWriter(temporary, SCORE_SCHEMA) as file:
            for batch in sorted_rows.to_arrow_reader(ROW_GROUP_ROWS):
                if not len(batch):
                    continue
                table = pa.Table.from_batches([batch]).select(SCORE_SCHEMA.names)
                last_key = _check_unique(table, last_key)
                file.write_table(table.cast(SCORE_SCHEMA), row_group_size=ROW_GROUP_ROWS)
                rows += len(table)
        counts = database.sql(
            "SELECT status, count(*), count(DISTINCT (contig, pos, ref, alt)) FROM score "
            "GROUP BY status ORDER BY status"
        ).fetchall()
    return MergedScores(
        rows=rows,
        scored_rows=sum(all_rows for status, all_rows, _ in counts if status == "scored"),
        scored_alleles=sum(alleles for status, _, alleles in counts if status == "scored"),
        unscored={status: alleles for status, _, alleles in counts if status != "scored"},
        model=run["model"] or "",
        annotation=run["annotation"] or "",
    )


def _insert(
    database: object,
    path: str | os.PathLike[str],
    schema: pa.Schema,
    constants: dict[str, object] | None = None,
) -> None:
    try:
        file = pq.ParquetFile(Path(path))
        for batch in file.iter_batches(ROW_GROUP_ROWS, columns=schema.names):
            table = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
            columns = []
            for field in SCORE_SCHEMA:
                if field.name in schema.names:
                    columns.append(table.column(field.name))
                else:
                    value = (constants or {}).get(field.name)
                    columns.append(pa.repeat(pa.scalar(value, field.type), len(table)))
            database.from_arrow(pa.table(columns, SCORE_SCHEMA.names)).insert_into("score")
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise InputError(
            f"{path} is not a table of scores, or is damaged; delete it and run again."
        ) from error


def _check_unique(table: pa.Table, last_key: tuple[object, ...] | None) -> tuple[object, ...]:
    """Raise if a row of a sorted table repeats the one before; return the key of its last row."""
    keys = table.select(list(_KEY))
    first = tuple(keys.slice(0, 1).to_pylist()[0].values())
    same = None
    for name in _KEY:
        column = keys.column(name).fill_null("") if name != "pos" else keys.column(name)
        equal = pc.equal(column.slice(1), column.slice(0, len(column) - 1))
        same = equal if same is None else pc.and_(same, equal)
    repeated = pc.index(same, True).as_py() if len(table) > 1 else -1
    if repeated >= 0 or first == last_key:
        row = keys.slice(max(repeated, 0), 1).to_pylist()[0]
        raise InputError(
            f"Allele {row['contig']}:{row['pos']} {row['ref'][:40]}>{row['alt'][:40]} has scores "
            f"for gene {row['gene']} twice; was a shard given twice?"
        )
    return tuple(keys.slice(len(table) - 1, 1).to_pylist()[0].values())
