"""The scores table: its columns, declared once, and the Parquet files that hold it.

One row per allele × transcript (one transcript a gene unless ``--transcripts all``). An allele
without a score has one row: its status, and nulls from ``gene`` to ``dp_dl``.
"""

from __future__ import annotations

import pyarrow as pa

from spliceflow.tables import Column, schema_of

_ALLELE = (
    Column("contig", pa.string(), "Contig, named as in the FASTA."),
    Column("pos", pa.int64(), "Position of the first base of REF in its minimal form, 1-based."),
    Column("ref", pa.string(), "Reference allele in its minimal form, upper case."),
    Column("alt", pa.string(), "Alternate allele, upper case unless symbolic or a breakend."),
)

SCORE_COLUMNS: tuple[Column, ...] = (
    *_ALLELE,
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

UNSCORED_COLUMNS: tuple[Column, ...] = (
    *_ALLELE,
    Column("status", pa.string(), "Why the allele is not scored."),
)
"""Columns of ``unscored.parquet``, in order."""

UNSCORED_SCHEMA: pa.Schema = schema_of(UNSCORED_COLUMNS)

SPELLING_COLUMNS: tuple[Column, ...] = (
    Column("contig", pa.string(), "Contig, named as in the FASTA."),
    Column("pos", pa.int64(), "POS of the record, 1-based."),
    Column("ref", pa.string(), "REF of the record, upper case."),
    Column("alt", pa.string(), "One ALT of the record, upper case."),
    Column("scored_pos", pa.int64(), "Position under which the scores table has it, 1-based."),
    Column("scored_ref", pa.string(), "REF under which the scores table has it."),
    Column("scored_alt", pa.string(), "ALT under which the scores table has it."),
)
"""Columns of ``spellings.parquet``: alleles that the scores table has in another form than the
minimal one, because ``--left_align`` moved them, or because their REF differs from the FASTA."""

SPELLING_SCHEMA: pa.Schema = schema_of(SPELLING_COLUMNS)

SHARD_COLUMNS: tuple[Column, ...] = (
    *_ALLELE,
    Column("gene_row", pa.int32(), "Row of the gene in genes.parquet, 0-based."),
)
"""Columns of a shard: alleles × genes to be scored, sorted by (gene_row, pos, ref, alt)."""

SHARD_SCHEMA: pa.Schema = schema_of(SHARD_COLUMNS)
