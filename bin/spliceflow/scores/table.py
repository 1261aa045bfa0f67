"""The scores table: its columns, declared once, and the Parquet files that hold it.

One row per allele × transcript (one transcript a gene unless ``--transcripts all``). An allele
without a score has one row: its status, and nulls from ``gene`` to ``dp_dl``.
"""

from __future__ import annotations

import pyarrow as pa

from spliceflow.tables import Column, schema_of
from spliceflow.variants.allele_tables import ALLELE_COLUMNS

SCORE_COLUMNS: tuple[Column, ...] = (
    *ALLELE_COLUMNS,
    Column("gene", pa.string(), "Gene symbol, or its identifier if it has none.", True),
    Column("gene_id", pa.string(), "Gene identifier of the annotation.", True),
    Column("transcript_id", pa.string(), "Transcript whose ends and exons were used.", True),
    Column("strand", pa.string(), "Strand of the gene, + or -.", True),
    Column("ds_ag", pa.float32(), "Delta score of acceptor gain, at most 1.", True),
    Column("ds_al", pa.float32(), "Delta score of acceptor loss, at most 1.", True),
    Column("ds_dg", pa.float32(), "Delta score of donor gain, at most 1.", True),
    Column("ds_dl", pa.float32(), "Delta score of donor loss, at most 1.", True),
    Column("dp_ag", pa.int32(), "Bases from POS to the acceptor gain, in genome direction.", True),
    Column("dp_al", pa.int32(), "Bases from POS to the acceptor loss, in genome direction.", True),
    Column("dp_dg", pa.int32(), "Bases from POS to the donor gain, in genome direction.", True),
    Column("dp_dl", pa.int32(), "Bases from POS to the donor loss, in genome direction.", True),
    Column("status", pa.string(), "'scored', or the word that says why there is no score."),
    Column("model", pa.string(), "Fingerprint of the model bundle.", True),
    Column("annotation", pa.string(), "Fingerprint of the gene annotation.", True),
    Column("distance", pa.int32(), "Largest distance from POS that was searched, bases.", True),
    Column("masked", pa.bool_(), "Gains at known sites and losses elsewhere set to 0.", True),
)
"""Columns of ``scores.parquet``, in order."""

SCORE_SCHEMA: pa.Schema = schema_of(SCORE_COLUMNS)

STORE_COLUMNS: tuple[Column, ...] = (
    *SCORE_COLUMNS,
    Column("assembly", pa.string(), "Fingerprint of the FASTA: names and letters of its contigs."),
    Column("calibrated", pa.bool_(), "Whether the model's temperature was applied."),
    Column("precision", pa.string(), "Arithmetic: fp32, tf32 or fp16."),
    Column("imported", pa.bool_(), "Whether the row was imported, with rounded scores."),
)
"""Columns of the files of a score store: rows with scores only."""

STORE_SCHEMA: pa.Schema = schema_of(STORE_COLUMNS)
