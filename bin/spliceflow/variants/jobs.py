"""Alleles × genes cut into shards of equal predicted cost, neighbours of one gene together."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.database import open_database
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene
from spliceflow.variants.allele_tables import JOB_SCHEMA, SPELLING_SCHEMA, UNSCORED_SCHEMA
from spliceflow.variants.alleles import (
    STATUSES,
    VARIANT_CLASSES,
    Alleles,
    Classifier,
    CohortAlleles,
    FileCounts,
    Spellings,
    lengths,
    variant_classes,
)

Cost = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Predicted cost of the alleles of one gene: ``cost(pos, ref_length, alt_length)``, with ``pos``
ascending (int64, 1-based), gives one number per allele (float64) in any unit."""

_BATCH_ROWS = 1 << 17

MOST_ROWS = 100_000
"""Alleles × genes that a shard holds at most, whatever they cost: a scoring task keeps about
10 kB of each in memory."""


@dataclass(frozen=True)
class Shard:
    """One shard.

    Attributes:
        path: Parquet file of schema ``JOB_SCHEMA``.
        rows: alleles × genes in it.
        cost: their predicted cost.
    """

    path: Path
    rows: int
    cost: float


@dataclass(frozen=True, slots=True)
class KnownScores:
    """What a store had of the alleles × genes of a cohort.

    Attributes:
        rows: alleles × genes found.
        alleles: alleles found in at least one gene.
        imported: rows among them that were imported from rounded scores.
    """

    rows: int
    alleles: int
    imported: int


TakeKnown = Callable[[duckdb.DuckDBPyConnection, Sequence[Gene], Sequence[str]], KnownScores]
"""Removes the jobs whose scores are known from the table ``job`` (gene_row, contig, pos, ref, alt),
given the gene table and the names of contigs by index."""


@dataclass(frozen=True)
class CohortShards:
    """What became of a cohort.

    Attributes:
        files: counts of each input file, in the order given.
        unique_alleles: unique alleles over all files.
        counts: unique alleles by (variant class, status).
        foreign: unique alleles on contigs the FASTA does not have, by contig.
        shards: the shards, in order.
        known: what a score store had; None without one.
    """

    files: tuple[FileCounts, ...]
    unique_alleles: int
    counts: dict[tuple[str, str], int]
    foreign: dict[str, int]
    shards: tuple[Shard, ...]
    known: KnownScores | None = None


def shard_cohort(
    paths: Sequence[str | os.PathLike[str]],
    genome: Genome,
    genes: Sequence[Gene],
    distance: int,
    output_dir: str | os.PathLike[str],
    unscored: str | os.PathLike[str],
    spellings: str | os.PathLike[str],
    max_cost: float,
    cost: Cost,
    memory_gb: float = 1.0,
    take_known: TakeKnown | None = None,
    left_align: bool = False,
) -> CohortShards:
    """Write the shards of a cohort, and the table of its alleles that can't be scored.

    Args:
        paths: VCF and BCF files.
        genome: the reference.
        genes: gene table, in row order.
        distance: largest distance from POS that is searched, bases.
        output_dir: folder for ``shard_00001.parquet`` and so on; replaced as a whole.
        unscored: Parquet file of schema ``UNSCORED_SCHEMA``.
        spellings: Parquet file of schema ``SPELLING_SCHEMA``.
        max_cost: cost a shard may have; only the alleles of one position may exceed it.
        cost: predicts the cost of one gene's alleles.
        memory_gb: memory for collecting and sorting, beside about 0.5 GB for everything else.
        take_known: takes jobs out whose scores need not be made again.
        left_align: score insertions and deletions at their leftmost place.

    Raises:
        InputError: a file, or the store, can't be read.
    """
    classifier = Classifier(genome, genes, distance)
    counts = np.zeros((len(VARIANT_CLASSES), len(STATUSES)), dtype=np.int64)
    foreign: dict[str, int] = {}
    output_dir = Path(output_dir)
    output_dir.parent.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(prefix=".alleles-", dir=output_dir.parent) as folder,
        atomic_path(output_dir) as shard_dir,
        atomic_path(unscored) as unscored_path,
        atomic_path(spellings) as spellings_path,
    ):
        jobs_folder = Path(folder) / "jobs"
        jobs_folder.mkdir()
        with (
            CohortAlleles(genome, folder, memory_gb / 2, left_align) as cohort,
            open_database(jobs_folder, memory_gb / 2) as jobs,
            pq.ParquetWriter(unscored_path, UNSCORED_SCHEMA) as unscored_file,
        ):
            jobs.execute(
                "CREATE TABLE job (gene_row INTEGER, contig INTEGER, pos BIGINT, ref VARCHAR, "
                "alt VARCHAR)"
            )
            files = tuple(cohort.add(path) for path in paths)
            names = pa.array(cohort.contigs, pa.string())
            with pq.ParquetWriter(spellings_path, SPELLING_SCHEMA) as spellings_file:
                for part in cohort.spellings():
                    _write_spellings(spellings_file, part, names)
            for alleles in cohort.unique():
                found = classifier.classify(alleles, cohort.contigs)
                classes = variant_classes(alleles.ref, alleles.alt, found.status)
                np.add.at(counts, (classes, found.status), 1)
                for row in np.unique(alleles.contig[alleles.contig >= len(genome.contigs)]):
                    name = cohort.contigs[row]
                    foreign[name] = foreign.get(name, 0) + int((alleles.contig == row).sum())
                _add_jobs(jobs, alleles, found.allele, found.gene_row)
                _write_unscored(unscored_file, alleles, found.status, names)
            known = take_known(jobs, genes, cohort.contigs) if take_known else None
            shard_dir.mkdir()
            shards = tuple(
                Shard(output_dir / shard.path.name, shard.rows, shard.cost)
                for shard in write_shards(_jobs(jobs, names), shard_dir, max_cost, cost)
            )
    return CohortShards(
        files=files,
        unique_alleles=int(counts.sum()),
        counts={
            (VARIANT_CLASSES[kind], STATUSES[status].value): int(counts[kind, status])
            for kind, status in zip(*np.nonzero(counts), strict=True)
        },
        foreign=dict(sorted(foreign.items())),
        shards=shards,
        known=known,
    )


def write_shards(
    tables: Iterable[pa.Table],
    folder: Path,
    max_cost: float,
    cost: Cost,
) -> list[Shard]:
    """Cut ``tables`` (schema ``JOB_SCHEMA``, sorted by gene_row, pos, ref, alt) into shards.

    A gene that fits into a shard is never divided. One that does not is cut into pieces of about
    equal cost, between positions, where the distance between neighbours is large.
    """
    shards: list[Shard] = []
    pending: list[pa.Table] = []
    pending_cost = 0.0

    def flush() -> None:
        nonlocal pending_cost
        if pending:
            table = pa.concat_tables(pending)
            path = folder / f"shard_{len(shards) + 1:05d}.parquet"
            pq.write_table(table, path)
            shards.append(Shard(path, len(table), pending_cost))
            pending.clear()
            pending_cost = 0.0

    for table in _by_gene(tables):
        pos = table.column("pos").to_numpy()
        costs = np.asarray(
            cost(
                pos,
                lengths(table.column("ref").combine_chunks()),
                lengths(table.column("alt").combine_chunks()),
            ),
            dtype=np.float64,
        )
        costs = np.maximum(costs, max_cost / MOST_ROWS)
        total = float(costs.sum())
        if pending and pending_cost + total > max_cost:
            flush()
        start = 0
        for end in [*_cuts(pos, costs, max_cost), len(pos)]:
            if start:
                flush()
            pending.append(table.slice(start, end - start))
            pending_cost += float(costs[start:end].sum())
            start = end
    flush()
    return shards


def _cuts(pos: np.ndarray, costs: np.ndarray, max_cost: float) -> list[int]:
    """Rows before which one gene's alleles are cut so that each piece costs at most ``max_cost``.

    A piece of several positions never exceeds it; a single position may.
    """
    total = float(costs.sum())
    if total <= max_cost:
        return []
    # Rows at which the position changes are where a cut may be.
    places = np.flatnonzero(np.diff(pos)) + 1
    before = np.concatenate(([0.0], np.cumsum(costs)))
    gaps = pos[places] - pos[places - 1]
    target = total / np.ceil(total / max_cost)
    cuts: list[int] = []
    start = 0
    while before[-1] - before[start] > max_cost:
        low = int(np.searchsorted(places, start, "right"))
        reach = before[places] - before[start]
        # Candidates cost 80 to 110 % of an equal share, and never more than a shard may.
        first = max(low, int(np.searchsorted(reach, 0.8 * target, "left")))
        last = int(np.searchsorted(reach, min(1.1 * target, max_cost), "right"))
        if last > first:
            choice = first + int(np.argmax(gaps[first:last]))
        else:
            # No place in that range: the last that fits, else the first there is.
            choice = max(low, int(np.searchsorted(reach, max_cost, "right")) - 1)
        if choice >= len(places):
            break
        start = int(places[choice])
        cuts.append(start)
    return cuts


def _by_gene(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Regroup sorted tables into one table per gene_row."""
    pending: list[pa.Table] = []
    current = -1
    for table in tables:
        rows = table.column("gene_row").to_numpy()
        edges = np.flatnonzero(np.diff(rows)) + 1
        for start, end in zip([0, *edges.tolist()], [*edges.tolist(), len(rows)], strict=True):
            if start == end:
                continue
            if pending and rows[start] != current:
                yield pa.concat_tables(pending).combine_chunks()
                pending.clear()
            current = rows[start]
            pending.append(table.slice(start, end - start))
    if pending:
        yield pa.concat_tables(pending).combine_chunks()


def _add_jobs(
    jobs: duckdb.DuckDBPyConnection, alleles: Alleles, row: np.ndarray, gene_row: np.ndarray
) -> None:
    if len(row):
        table = pa.table(
            {
                "gene_row": gene_row,
                "contig": alleles.contig[row],
                "pos": alleles.pos[row],
                "ref": alleles.ref.take(row),
                "alt": alleles.alt.take(row),
            }
        )
        jobs.from_arrow(table).insert_into("job")


def _jobs(jobs: duckdb.DuckDBPyConnection, names: pa.StringArray) -> Iterator[pa.Table]:
    query = "SELECT * FROM job ORDER BY gene_row, pos, ref, alt"
    for batch in jobs.sql(query).to_arrow_reader(_BATCH_ROWS):
        table = pa.Table.from_batches([batch])
        contig = names.take(table.column("contig"))
        columns = {**{name: table.column(name) for name in table.column_names}, "contig": contig}
        yield pa.table([columns[name] for name in JOB_SCHEMA.names], JOB_SCHEMA.names).cast(
            JOB_SCHEMA
        )


def _write_spellings(file: pq.ParquetWriter, part: Spellings, names: pa.StringArray) -> None:
    if part.records:
        columns = [*zip(*part.records, strict=True), *zip(*part.scored, strict=True)]
        file.write_table(
            pa.table([names.take(pa.array(part.contig)), *columns], schema=SPELLING_SCHEMA)
        )


def _write_unscored(
    file: pq.ParquetWriter, alleles: Alleles, status: np.ndarray, names: pa.StringArray
) -> None:
    rows = np.flatnonzero(status != 0)
    if len(rows):
        words = pa.array([word.value for word in STATUSES], pa.string())
        file.write_table(
            pa.table(
                [
                    names.take(pa.array(alleles.contig[rows])),
                    alleles.pos[rows],
                    alleles.ref.take(rows),
                    alleles.alt.take(rows),
                    words.take(pa.array(status[rows])),
                ],
                schema=UNSCORED_SCHEMA,
            )
        )
