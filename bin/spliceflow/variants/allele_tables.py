"""Tables of alleles before they have scores: their columns, declared once."""

from __future__ import annotations

import pyarrow as pa

from spliceflow.tables import Column, schema_of

ALLELE_COLUMNS: tuple[Column, ...] = (
    Column("contig", pa.string(), "Contig, named as in the FASTA."),
    Column("pos", pa.int64(), "Position of the first base of REF in its minimal form, 1-based."),
    Column("ref", pa.string(), "Reference allele in its minimal form, upper case."),
    Column("alt", pa.string(), "Alternate allele, upper case unless symbolic or a breakend."),
)
"""Columns that name an allele, in every table of alleles."""

UNSCORED_COLUMNS: tuple[Column, ...] = (
    *ALLELE_COLUMNS,
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

JOB_COLUMNS: tuple[Column, ...] = (
    *ALLELE_COLUMNS,
    Column("gene_row", pa.int32(), "Row of the gene in genes.parquet, 0-based."),
)
"""Columns of a shard: alleles × genes to be scored, sorted by (gene_row, pos, ref, alt)."""

JOB_SCHEMA: pa.Schema = schema_of(JOB_COLUMNS)
