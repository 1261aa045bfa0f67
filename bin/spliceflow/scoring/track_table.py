"""Tracks on disk: Parquet of each task, and bigWig, BED and Parquet of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError
from spliceflow.scoring.regions import Track
from spliceflow.tables import Column, schema_of

TRACK_COLUMNS = (
    Column("contig", pa.string(), "Contig, named as in the FASTA."),
    Column("pos", pa.int64(), "Position, 1-based."),
    Column("strand", pa.string(), "Strand, + or -."),
    Column("gene", pa.string(), "Gene that was read alone; null if predicted by region.", True),
    Column("acceptor", pa.float32(), "Probability of being the first base of an exon."),
    Column("donor", pa.float32(), "Probability of being the last base of an exon."),
)
"""Columns of ``tracks.parquet``, in order."""

TRACK_SCHEMA = schema_of(TRACK_COLUMNS)

_KINDS = ("acceptor", "donor")
_STRANDS = {"+": "plus", "-": "minus"}
_ROWS_A_GROUP = 200_000


def write_tracks(tracks: Iterable[Track], path: Path, min_probability: float) -> None:
    """Write the rows of at least ``min_probability`` as they come; memory does not grow."""
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, TRACK_SCHEMA) as writer:
        waiting: list[pa.Table] = []
        for track in tracks:
            waiting.append(_rows(track, min_probability))
            if sum(table.num_rows for table in waiting) >= _ROWS_A_GROUP:
                writer.write_table(pa.concat_tables(waiting).combine_chunks())
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting).combine_chunks())


def _rows(track: Track, min_probability: float) -> pa.Table:
    region = track.region
    kept = np.flatnonzero(np.maximum(track.acceptor, track.donor) >= min_probability)
    gene = region.gene.name if region.gene else None
    return pa.table(
        {
            "contig": pa.repeat(pa.scalar(region.contig), kept.size),
            "pos": region.start + 1 + kept,
            "strand": pa.repeat(pa.scalar(region.strand), kept.size),
            "gene": pa.repeat(pa.scalar(gene, pa.string()), kept.size),
            "acceptor": track.acceptor[kept],
            "donor": track.donor[kept],
        },
        schema=TRACK_SCHEMA,
    )


def merge_tracks(
    parts: Sequence[Path],
    contigs: Mapping[str, int],
    output_dir: Path,
    name: str,
    bed_probability: float,
) -> None:
    """Join the Parquet files of tasks; one contig's rows are in memory at a time.

    Args:
        parts: in the order in which the regions were planned.
        contigs: name → length, the order of the output.
        output_dir: receives ``NAME.tracks.parquet``, four bigWig and two BED files.
        name: beginning of the file names.
        bed_probability: least probability of a BED row.

    Raises:
        InputError: a file is not a track table.
    """
    import pyBigWig

    output_dir.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:

        def final(ending: str) -> Path:
            return stack.enter_context(atomic_path(output_dir / f"{name}.{ending}"))

        table_out = stack.enter_context(pq.ParquetWriter(final("tracks.parquet"), TRACK_SCHEMA))
        beds = {kind: stack.enter_context(final(f"{kind}.bed").open("w")) for kind in _KINDS}
        wigs = {}
        for kind in _KINDS:
            for strand, word in _STRANDS.items():
                wig = pyBigWig.open(str(final(f"{kind}.{word}.bw")), "w")
                stack.callback(wig.close)
                wig.addHeader(list(contigs.items()))
                wigs[kind, strand] = wig
        holding = _parts_by_contig(parts)
        for contig in contigs:
            rows = pa.concat_tables(
                [TRACK_SCHEMA.empty_table(), *_rows_of(holding.get(contig, ()), contig)]
            )
            if not rows.num_rows:
                continue
            rows = rows.sort_by([("pos", "ascending"), ("strand", "ascending")])
            table_out.write_table(rows, row_group_size=_ROWS_A_GROUP)
            for kind in _KINDS:
                for strand in _STRANDS:
                    chosen = rows.filter(pc.equal(rows["strand"], strand))
                    _add_to_wig(wigs[kind, strand], contig, chosen, kind)
                _write_bed(beds[kind], rows, kind, bed_probability)


def _parts_by_contig(parts: Sequence[Path]) -> dict[str, list[Path]]:
    """Contig → the parts that have rows of it, in their order."""
    holding: dict[str, list[Path]] = {}
    for part in parts:
        for contig in pc.unique(_read(part, columns=["contig"])["contig"]).to_pylist():
            holding.setdefault(contig, []).append(part)
    return holding


def _rows_of(parts: Sequence[Path], contig: str) -> Iterator[pa.Table]:
    for part in parts:
        yield _read(part, schema=TRACK_SCHEMA, filters=[("contig", "=", contig)])


def _read(part: Path, **options: Any) -> pa.Table:
    try:
        return pq.read_table(part, **options)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{part} can't be read as tracks; make it with predict_tracks.py."
        ) from error


def _add_to_wig(wig, contig: str, rows: pa.Table, kind: str) -> None:
    positions = rows["pos"].to_numpy() - 1
    values = rows[kind].to_numpy().astype(np.float64)
    if not positions.size:
        return
    # Genes that overlap on a strand give a base two values.
    unique, first = np.unique(positions, return_index=True)
    wig.addEntries(
        [contig] * unique.size,
        unique.tolist(),
        ends=(unique + 1).tolist(),
        values=np.maximum.reduceat(values, first).tolist(),
    )


def _write_bed(out, rows: pa.Table, kind: str, least: float) -> None:
    chosen = rows.filter(pc.greater_equal(rows[kind], least))
    for row in chosen.to_pylist():
        label = f"{row['gene']}_{kind}" if row["gene"] else kind
        out.write(
            f"{row['contig']}\t{row['pos'] - 1}\t{row['pos']}\t{label}\t"
            f"{round(1000 * row[kind])}\t{row['strand']}\n"
        )
