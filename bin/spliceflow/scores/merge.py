"""Scores of all shards and the alleles without a score → one sorted scores table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.database import open_database
from spliceflow.errors import InputError
from spliceflow.scores.run import RUN_COLUMNS
from spliceflow.scores.table import SCORE_SCHEMA
from spliceflow.variants.allele_tables import UNSCORED_SCHEMA

ROW_GROUP_ROWS = 1 << 16
"""Rows per row group of the scores table: what a reader of one region has to load."""

_ALLELE = ("contig", "pos", "ref", "alt")
_GENE = ("gene", "gene_id", "transcript_id")
_KEY = (*_ALLELE, *_GENE)


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
        runs = database.sql(f"SELECT DISTINCT {', '.join(RUN_COLUMNS)} FROM score").fetchall()
        if len(runs) > 1:
            raise InputError(
                "The scores to be merged come from runs with different models, annotations or "
                "options; give the scores of one run."
            )
        run = dict(zip(RUN_COLUMNS, runs[0] if runs else (None,) * len(RUN_COLUMNS), strict=True))
        _insert(database, unscored, UNSCORED_SCHEMA, run)
        sorted_rows = database.sql(
            "SELECT score.* FROM score LEFT JOIN contig_order USING (contig) "
            "ORDER BY rank NULLS LAST, contig, pos, ref, alt, gene NULLS FIRST, gene_id, "
            "transcript_id"
        )
        counts: dict[str, list[int]] = {}
        last_key: tuple[object, ...] = ()
        with pq.ParquetWriter(temporary, SCORE_SCHEMA) as file:
            for batch in sorted_rows.to_arrow_reader(ROW_GROUP_ROWS):
                if len(batch):
                    table = pa.Table.from_batches([batch]).select(SCORE_SCHEMA.names)
                    last_key = _count(table, last_key, counts)
                    file.write_table(table.cast(SCORE_SCHEMA), row_group_size=ROW_GROUP_ROWS)
    return MergedScores(
        rows=sum(rows for rows, _ in counts.values()),
        scored_rows=counts.get("scored", [0, 0])[0],
        scored_alleles=counts.get("scored", [0, 0])[1],
        unscored={
            status: alleles for status, (_, alleles) in sorted(counts.items()) if status != "scored"
        },
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


def _count(
    table: pa.Table, last_key: tuple[object, ...], counts: dict[str, list[int]]
) -> tuple[object, ...]:
    """Add rows and alleles of a part of the sorted table to ``counts`` (by status).

    ``last_key`` is what this returned for the part before: the key of its last row.

    Raises:
        InputError: two rows have the same key.
    """
    keys = table.select(list(_KEY))
    ends = [tuple(keys.slice(row, 1).to_pylist()[0].values()) for row in (0, len(table) - 1)]
    # Whether a row is of the same allele, and has the same key, as the row before.
    same_allele = np.ones(len(table), dtype=bool)
    same_allele[0] = ends[0][: len(_ALLELE)] == last_key[: len(_ALLELE)]
    same = None
    for name in _KEY:
        if name == _KEY[len(_ALLELE)]:
            same = same_allele.copy()
        column = keys.column(name).combine_chunks()
        column = column.fill_null("") if name in _GENE else column
        equal = pc.equal(column.slice(1), column.slice(0, len(column) - 1))
        (same_allele if same is None else same)[1:] &= equal.to_numpy(zero_copy_only=False)
    same[0] = ends[0] == last_key
    if same.any():
        row = keys.slice(int(np.argmax(same)), 1).to_pylist()[0]
        raise InputError(
            f"Allele {row['contig']}:{row['pos']} {row['ref'][:40]}>{row['alt'][:40]} stands twice "
            f"in the scores for gene {row['gene']}; was a shard given twice?"
        )
    status = table.column("status").combine_chunks().dictionary_encode()
    codes = status.indices.to_numpy()
    for code, word in enumerate(status.dictionary.to_pylist()):
        count = counts.setdefault(word, [0, 0])
        count[0] += int((codes == code).sum())
        count[1] += int(((codes == code) & ~same_allele).sum())
    return ends[1]
