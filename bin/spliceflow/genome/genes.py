"""Genes as the models see them: one transcript's ends and exons, and the table that holds them.

All coordinates of this module are 0-based and half-open.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError

GENE_SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("name", pa.string(), False, {"description": "Gene symbol, or its identifier."}),
        pa.field("gene_id", pa.string(), False, {"description": "Gene identifier."}),
        pa.field("transcript_id", pa.string(), False, {"description": "Transcript identifier."}),
        pa.field("contig", pa.string(), False, {"description": "Contig, named as in the FASTA."}),
        pa.field("strand", pa.string(), False, {"description": "Strand, + or -."}),
        pa.field("tx_start", pa.int64(), False, {"description": "First base, 0-based."}),
        pa.field("tx_end", pa.int64(), False, {"description": "End, 0-based, half-open."}),
        pa.field(
            "exon_starts",
            pa.list_(pa.int32()),
            False,
            {"description": "First base of each exon in genome order, 0-based."},
        ),
        pa.field(
            "exon_ends",
            pa.list_(pa.int32()),
            False,
            {"description": "End of each exon in genome order, 0-based, half-open."},
        ),
        pa.field("biotype", pa.string(), False, {"description": "Biotype, '' if not stated."}),
    ]
)
"""Columns of ``genes.parquet``: one row per kept transcript; the row number is the gene_row."""


@dataclass(frozen=True, slots=True)
class Gene:
    """One transcript of a gene (coordinates 0-based, half-open).

    Attributes:
        name: gene symbol, or the identifier if there is none.
        gene_id: gene identifier.
        transcript_id: transcript identifier.
        contig: contig, named as in the FASTA once it was reconciled with it.
        strand: ``+`` or ``-``.
        tx_start: first transcribed base, whatever the strand.
        tx_end: end of the transcript.
        exon_starts: first base of each exon, ascending.
        exon_ends: end of each exon, ascending.
        biotype: for example ``protein_coding``; empty if the annotation does not say.
    """

    name: str
    gene_id: str
    transcript_id: str
    contig: str
    strand: str
    tx_start: int
    tx_end: int
    exon_starts: tuple[int, ...]
    exon_ends: tuple[int, ...]
    biotype: str = ""


def write_genes(genes: Iterable[Gene], path: str | os.PathLike[str]) -> None:
    """Write ``genes`` as ``genes.parquet``, in the given order."""
    rows = list(genes)
    table = pa.table(
        {name: [getattr(gene, name) for gene in rows] for name in GENE_SCHEMA.names},
        schema=GENE_SCHEMA,
    )
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)


def read_genes(path: str | os.PathLike[str]) -> list[Gene]:
    """Read ``genes.parquet``; the position in the list is the gene_row of a shard.

    Raises:
        InputError: the file is missing or is not a gene table.
    """
    try:
        table = pq.read_table(Path(path), columns=GENE_SCHEMA.names).cast(GENE_SCHEMA)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{path} can't be read as a gene table; make it with prepare_genes.py."
        ) from error
    columns = [table.column(name).to_pylist() for name in GENE_SCHEMA.names]
    return [
        Gene(*row[:7], tuple(row[7]), tuple(row[8]), row[9]) for row in zip(*columns, strict=True)
    ]


def annotation_fingerprint(genes: Sequence[Gene]) -> str:
    """12 hexadecimal digits that change with anything in ``genes`` a score depends on.

    The order of the genes and their biotypes do not count.
    """
    rows = sorted(
        "\t".join(
            (
                gene.name,
                gene.gene_id,
                gene.transcript_id,
                gene.contig,
                gene.strand,
                str(gene.tx_start),
                str(gene.tx_end),
                ",".join(map(str, gene.exon_starts)),
                ",".join(map(str, gene.exon_ends)),
            )
        )
        for gene in genes
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:12]


def read_spliceai_table(path: str | os.PathLike[str]) -> list[Gene]:
    """Read the annotation table of SpliceAI and OpenSpliceAI.

    Columns ``#NAME CHROM STRAND TX_START TX_END EXON_START EXON_END``, separated by tabs; starts
    are 0-based, ends half-open, exon lists comma-separated with or without a comma at the end.
    The name serves as gene and transcript identifier.

    Raises:
        InputError: a row does not have this form; the message names the line.
    """
    genes = []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Annotation table {path} can't be read as text.") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            name, contig, strand, tx_start, tx_end, starts, ends = line.split("\t")[:7]
            exon_starts = tuple(int(value) for value in starts.strip().split(",") if value)
            exon_ends = tuple(int(value) for value in ends.strip().split(",") if value)
            gene = Gene(
                name, name, name, contig, strand, int(tx_start), int(tx_end), exon_starts, exon_ends
            )
            check_gene(gene)
        except ValueError as error:
            raise InputError(
                f"Line {number} of {path} is not a row of SpliceAI's annotation table "
                f"(name, contig, strand, start, end, exon starts, exon ends): {error}."
            ) from error
        genes.append(gene)
    return genes


def check_gene(gene: Gene) -> None:
    """Check that the numbers of ``gene`` make sense together.

    Raises:
        ValueError: they do not; the message says what is wrong.
    """
    if not gene.name or not gene.contig:
        raise ValueError("the name or the contig is empty")
    if gene.strand not in ("+", "-"):
        raise ValueError(f"the strand is {gene.strand!r}, not + or -")
    if not 0 <= gene.tx_start < gene.tx_end < 2**31:
        raise ValueError(f"the range {gene.tx_start}-{gene.tx_end} is not a range")
    if not gene.exon_starts or len(gene.exon_starts) != len(gene.exon_ends):
        raise ValueError("exon starts and ends are not as many, or there are none")
    edges = [edge for exon in zip(gene.exon_starts, gene.exon_ends, strict=True) for edge in exon]
    if edges != sorted(edges) or any(
        start >= end for start, end in zip(gene.exon_starts, gene.exon_ends, strict=True)
    ):
        raise ValueError("the exons overlap, are empty or are not in ascending order")
    if edges[0] < gene.tx_start or edges[-1] > gene.tx_end:
        raise ValueError("an exon lies outside the transcript")
