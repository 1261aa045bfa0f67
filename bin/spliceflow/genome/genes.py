"""Genes as the models see them: one transcript's ends and exons, and the table that holds them.

All coordinates of this module are 0-based and half-open.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.bgzf import read_lines
from spliceflow.errors import InputError
from spliceflow.genome.annotation import Transcript, annotation_format, read_gff3, read_gtf
from spliceflow.genome.contigs import ContigNames

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
    for number, text in enumerate(read_lines(path), 1):
        if not text.strip() or text.startswith(b"#"):
            continue
        try:
            line = text.decode("utf-8")
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


class TranscriptChoice(StrEnum):
    """Which transcripts of a gene are kept.

    ``mane`` is MANE Select where the gene has one, else the canonical transcript, else the longest;
    ``canonical`` is Ensembl canonical or RefSeq Select, else the longest; ``longest`` has the most
    coding bases, then the most exonic bases, then the first identifier; ``all`` keeps every one.
    """

    MANE = "mane"
    CANONICAL = "canonical"
    LONGEST = "longest"
    ALL = "all"


_TAGS = {
    TranscriptChoice.MANE: frozenset(("mane_select",)),
    TranscriptChoice.CANONICAL: frozenset(("ensembl_canonical", "refseq_select")),
}


@dataclass(frozen=True, slots=True)
class Annotation:
    """The kept genes of an annotation, and what became of the others.

    Attributes:
        genes: kept transcripts, in the order of the FASTA's contigs, then by start, end, name.
        format: ``GTF``, ``GFF3`` or ``SpliceAI``.
        genes_read: genes in the file that have at least one usable transcript.
        transcripts_read: usable transcripts in the file.
        transcripts_unusable: transcripts without exons, or not on one contig and strand.
        genes_kept: genes with a kept transcript.
        chosen: how many transcripts were kept as ``mane``, ``canonical``, ``longest``, ``all``
            (or ``table``, for SpliceAI's table).
        other_biotypes: genes left out for their biotype, by biotype.
        unmatched: genes left out because the FASTA does not have their contig, by contig.
        outside: genes left out because they start beyond the end of their contig.
        duplicates: transcripts left out because the file has them twice.
        without_exons: transcripts read whose exons were put together from coding and other parts.
        without_gene: transcripts read that name no gene, each counted as a gene of its own.
    """

    genes: tuple[Gene, ...]
    format: str
    genes_read: int
    transcripts_read: int
    transcripts_unusable: int
    genes_kept: int
    chosen: dict[str, int]
    other_biotypes: dict[str, int]
    unmatched: dict[str, int]
    outside: int
    duplicates: int
    without_exons: int = 0
    without_gene: int = 0


def read_annotation(
    path: str | os.PathLike[str],
    transcripts: str = TranscriptChoice.MANE,
    contigs: Mapping[str, int] | None = None,
    biotypes: Iterable[str] = ("protein_coding",),
) -> Annotation:
    """Read genes from a GTF, GFF3 or SpliceAI table and keep one transcript of each (or all).

    Contig, name and identifiers tell a kept transcript from every other: where several share them,
    their range (1-based) is appended to ``transcript_id``.

    Args:
        path: the annotation, plain or compressed; the format is found from its content.
        transcripts: a :class:`TranscriptChoice`; a SpliceAI table is always kept whole.
        contigs: the FASTA's contigs and their lengths in bases; None keeps the annotation's names.
        biotypes: gene biotypes to keep; empty keeps all. An annotation that states no biotype at
            all is kept whole; a gene without one among others that have it counts as
            ``protein_coding`` if it has coding parts.

    Raises:
        InputError: the file is malformed, states biotypes but not a wanted one, or no gene is
            left.
    """
    choice = TranscriptChoice(transcripts)
    file_format = annotation_format(path)
    chromosomes: dict[str, str] = {}
    unusable = without_exons = without_gene = 0
    other_biotypes: dict[str, int] = {}
    if file_format == "SpliceAI":
        genes = read_spliceai_table(path)
        genes_read = transcripts_read = len(genes)
        picked = [("table", (gene.contig, gene.strand, gene.gene_id, 0), gene) for gene in genes]
    else:
        source = read_gtf(path) if file_format == "GTF" else read_gff3(path)
        chromosomes, unusable = source.chromosomes, source.unusable
        without_exons, without_gene = source.without_exons, source.without_gene
        transcripts_read = len(source.transcripts)
        by_gene: dict[tuple[str, str, str, int], list[Transcript]] = {}
        for transcript in source.transcripts:
            by_gene.setdefault(transcript.gene_key, []).append(transcript)
        genes_read = len(by_gene)
        wanted = frozenset(biotypes)
        states_biotypes = any(transcript.biotype for transcript in source.transcripts)
        picked = []
        found_biotypes: set[str] = set()
        for key, members in by_gene.items():
            biotype = _biotype(members) if states_biotypes else ""
            found_biotypes.add(biotype)
            if states_biotypes and wanted and biotype not in wanted:
                other_biotypes[biotype] = other_biotypes.get(biotype, 0) + 1
                continue
            picked += [(how, key, _gene(kept, biotype)) for how, kept in _choose(members, choice)]
        if states_biotypes and (missing := wanted - found_biotypes):
            raise InputError(
                f"{path} has no gene of biotype {', '.join(sorted(missing))}; it has "
                f"{', '.join(sorted(found_biotypes))[:1000]}: check --biotypes."
            )
    if not picked:
        raise InputError(
            f"{path} holds no gene to keep: {transcripts_read} transcripts with exons were read, "
            f"biotypes {dict(sorted(other_biotypes.items()))}; check the file or the biotypes."
        )
    names = ContigNames(contigs, chromosomes) if contigs is not None else None
    order = {contig: rank for rank, contig in enumerate(contigs or ())}
    resolved: dict[str, str | None] = {}
    kept_genes: list[tuple[str, tuple[str, str, str, int], Gene]] = []
    unmatched: dict[str, int] = {}
    outside = 0
    for how, key, gene in picked:
        if gene.contig not in resolved:
            resolved[gene.contig] = names.resolve(gene.contig) if names else gene.contig
        contig = resolved[gene.contig]
        if contig is None:
            unmatched[gene.contig] = unmatched.get(gene.contig, 0) + 1
        elif contigs is not None and gene.tx_start >= contigs[contig]:
            outside += 1
        else:
            renamed = gene if contig == gene.contig else replace(gene, contig=contig)
            kept_genes.append((how, key, renamed))
    if not kept_genes:
        raise InputError(
            f"No gene of {path} lies on a contig of the FASTA: the annotation has "
            f"{_some(resolved)}, the FASTA {_some(contigs or ())}; use files of one assembly."
        )
    distinct = _distinct([gene for _, _, gene in kept_genes])
    chosen: dict[str, int] = {}
    for row in distinct:
        how = kept_genes[row][0]
        chosen[how] = chosen.get(how, 0) + 1
    ordered = sorted(
        distinct.values(),
        key=lambda gene: (
            order.get(gene.contig, 0),
            gene.contig,
            gene.tx_start,
            gene.tx_end,
            gene.name,
            gene.gene_id,
            gene.transcript_id,
            gene.strand,
        ),
    )
    return Annotation(
        genes=tuple(ordered),
        format=file_format,
        genes_read=genes_read,
        transcripts_read=transcripts_read,
        transcripts_unusable=unusable,
        genes_kept=len({kept_genes[row][1] for row in distinct}),
        chosen=chosen,
        other_biotypes=dict(sorted(other_biotypes.items())),
        unmatched=dict(sorted(unmatched.items())),
        outside=outside,
        duplicates=len(kept_genes) - len(distinct),
        without_exons=without_exons,
        without_gene=without_gene,
    )


def _distinct(genes: Sequence[Gene]) -> dict[int, Gene]:
    """Rows of ``genes`` that are not the same as another row, each gene under its own name.

    A scores table tells genes by contig, name and identifiers, so no two rows may agree in these.
    """
    same: dict[tuple[str, str, str, str], list[int]] = {}
    for row, gene in enumerate(genes):
        key = (gene.contig, gene.name, gene.gene_id, gene.transcript_id)
        same.setdefault(key, []).append(row)
    taken = set(same)
    found: dict[int, Gene] = {}
    for (contig, name, gene_id, transcript_id), rows in same.items():
        unlike = {}
        if len(rows) > 1:
            unlike = {replace(genes[row], biotype=""): row for row in reversed(rows)}
        if len(unlike) < 2:
            found[rows[0]] = genes[rows[0]]
            continue
        # The order does not depend on that of the file, so neither do the names.
        for _, row in sorted(
            (
                (gene.tx_start, gene.tx_end, gene.strand, gene.exon_starts, gene.exon_ends),
                row,
            )
            for gene, row in unlike.items()
        ):
            own = f"{transcript_id}:{genes[row].tx_start + 1}-{genes[row].tx_end}"
            number, unused = 1, own
            while (contig, name, gene_id, unused) in taken:
                number += 1
                unused = f"{own}:{number}"
            taken.add((contig, name, gene_id, unused))
            found[row] = replace(genes[row], transcript_id=unused)
    return found


def _biotype(members: Sequence[Transcript]) -> str:
    stated = [transcript.biotype for transcript in members if transcript.biotype]
    if "protein_coding" in stated:
        return "protein_coding"
    if stated:
        return stated[0]
    return "protein_coding" if any(transcript.coding_bases for transcript in members) else "unknown"


def _choose(
    members: Sequence[Transcript], choice: TranscriptChoice
) -> list[tuple[str, Transcript]]:
    """The kept transcripts of one gene, each with the word for why it was kept."""
    if choice is TranscriptChoice.ALL:
        return [(choice.value, transcript) for transcript in members]
    longest_first = sorted(
        members,
        key=lambda t: (
            -t.coding_bases,
            -sum(end - start for start, end in t.exons),
            t.transcript_id,
        ),
    )
    ladder = {
        TranscriptChoice.MANE: (TranscriptChoice.MANE, TranscriptChoice.CANONICAL),
        TranscriptChoice.CANONICAL: (TranscriptChoice.CANONICAL,),
        TranscriptChoice.LONGEST: (),
    }[choice]
    for step in ladder:
        for transcript in longest_first:
            if transcript.tags & _TAGS[step]:
                return [(step.value, transcript)]
    return [(TranscriptChoice.LONGEST.value, longest_first[0])]


def _gene(transcript: Transcript, biotype: str) -> Gene:
    return Gene(
        name=transcript.gene_name,
        gene_id=transcript.gene_id,
        transcript_id=transcript.transcript_id,
        contig=transcript.contig,
        strand=transcript.strand,
        tx_start=transcript.start,
        tx_end=transcript.end,
        exon_starts=tuple(start for start, _ in transcript.exons),
        exon_ends=tuple(end for _, end in transcript.exons),
        biotype=biotype,
    )


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(map(repr, listed[:3])) + (", …" if len(listed) > 3 else "")
