"""Scores that another program wrote into a VCF → rows of the scores table.

SpliceAI, its precomputed files, and OpenSpliceAI write an INFO entry
``ALLELE|SYMBOL|DS_AG|DS_AL|DS_DG|DS_DL|DP_AG|DP_AL|DP_DG|DP_DL`` per allele × gene, with delta
scores of two decimals.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spliceflow.errors import InputError
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene
from spliceflow.scores.run import ScoringRun
from spliceflow.scores.strongest import AlleleKey
from spliceflow.scores.table import SCORE_SCHEMA
from spliceflow.variants.file_contigs import FileContigs
from spliceflow.variants.vcf import Records, VariantFile

_NUMBERS = 8
_LETTERS = frozenset("ACGT")


@dataclass(slots=True)
class ImportCounts:
    """What became of the entries of a file.

    Attributes:
        records: records read.
        entries: entries of the tag, one per allele × gene.
        rows: entries that became rows.
        no_score: entries with a dot instead of a score.
        other_gene: entries whose gene is not in the gene table, or does not overlap the position.
        ambiguous_gene: entries whose gene can't be told: several genes or transcripts of that name
            overlap the position, or the allele has several entries of that name.
        other_reference: entries of records on contigs the FASTA lacks, or whose REF differs.
        other_allele: entries of alleles that are not A, C, G and T, that the record lacks, or whose
            REF and ALT both have several bases: programs differ in how they score those.
    """

    records: int = 0
    entries: int = 0
    rows: int = 0
    no_score: int = 0
    other_gene: int = 0
    ambiguous_gene: int = 0
    other_reference: int = 0
    other_allele: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry that can be read.

    Attributes:
        allele: contig, 1-based position, REF and ALT.
        symbol: name of the gene, as written.
        genes: genes of that name that overlap the position.
        scores: four delta scores, four positions.
    """

    allele: AlleleKey
    symbol: str
    genes: tuple[Gene, ...]
    scores: tuple[float, ...]


def read_precomputed(
    vcf: str | os.PathLike[str],
    tag: str,
    run: ScoringRun,
    genes: Sequence[Gene],
    genome: Genome,
    counts: ImportCounts,
) -> Iterator[pa.Table]:
    """Yield tables of schema ``SCORE_SCHEMA``, a block of the file each.

    Args:
        vcf: VCF or BCF file.
        tag: INFO key, ``SpliceAI`` for example.
        run: what the scores are said to have been made with.
        genes: gene table; an entry belongs to the gene of that name that overlaps its position. An
            entry that may belong to several is left out, so that its allele is scored.
        genome: the reference; a record whose REF differs from it is left out.
        counts: is added to.

    Raises:
        InputError: the file can't be read, is of another assembly, has no such tag, or an entry is
            not of that form or reaches further than ``run.distance``.
    """
    by_name: dict[tuple[str, str], list[Gene]] = {}
    for gene in genes:
        by_name.setdefault((gene.contig, gene.name), []).append(gene)
    source = VariantFile(vcf)
    names = FileContigs(os.fspath(vcf), source.header, genome.contigs)
    prefix = f"{tag}=".encode()
    # The entries of a position may be in several records.
    pending: list[_Entry] = []
    for block in source.blocks():
        counts.records += len(block)
        rows: list[tuple[object, ...]] = []
        for entry in _entries(block, prefix, run, by_name, names, genome, counts):
            if pending and pending[-1].allele[:2] != entry.allele[:2]:
                rows += _rows(pending, run, counts)
                pending.clear()
            pending.append(entry)
        yield _table(rows)
    yield _table(_rows(pending, run, counts))
    if not counts.entries and counts.records:
        raise InputError(f"{vcf} has no INFO entry {tag}; name the entry with --tag.")


def _rows(
    entries: Sequence[_Entry], run: ScoringRun, counts: ImportCounts
) -> list[tuple[object, ...]]:
    """Rows of the entries of one position."""
    times = Counter((entry.allele, entry.symbol) for entry in entries)
    rows = []
    for entry in entries:
        if not entry.genes:
            counts.other_gene += 1
        elif len(entry.genes) > 1 or times[entry.allele, entry.symbol] > 1:
            counts.ambiguous_gene += 1
        else:
            (gene,) = entry.genes
            named = (gene.name, gene.gene_id, gene.transcript_id, gene.strand)
            rows.append((*entry.allele, *named, *entry.scores, "scored", *run.columns.values()))
    counts.rows += len(rows)
    return rows


def _table(rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [()] * len(SCORE_SCHEMA)
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, SCORE_SCHEMA, strict=True)],
        schema=SCORE_SCHEMA,
    )


def _entries(
    block: Records,
    prefix: bytes,
    run: ScoringRun,
    by_name: dict[tuple[str, str], list[Gene]],
    names: FileContigs,
    genome: Genome,
    counts: ImportCounts,
) -> Iterator[_Entry]:
    info_starts = block.tabs[:, 6] + 1
    for number, (name, pos, ref, alt, start, end) in enumerate(
        zip(
            block.contig.to_pylist(),
            block.pos.tolist(),
            block.ref.to_pylist(),
            block.alt.to_pylist(),
            info_starts.tolist(),
            block.info_ends.tolist(),
            strict=True,
        )
    ):
        fields = block.text[start:end].split(b";")
        value = next((field for field in fields if field.startswith(prefix)), None)
        if value is None:
            continue
        where = f"{block.source}, line {block.first_line + number}"
        entries = value[len(prefix) :].decode("utf-8", "replace").split(",")
        counts.entries += len(entries)
        contig = names.resolve(name)
        if contig is None or not _agrees(genome, contig, pos, ref):
            counts.other_reference += len(entries)
            continue
        alts = {allele.upper() for allele in alt.split(",")}
        for entry in entries:
            parts = entry.split("|")
            if len(parts) != 2 + _NUMBERS:
                raise InputError(f"{where}: {entry[:80]!r} does not have 10 fields divided by '|'.")
            allele = parts[0].upper()
            if "." in parts[2:]:
                counts.no_score += 1
                continue
            several = len(ref) > 1 and len(allele) > 1
            if several or not allele or not _LETTERS.issuperset(allele) or allele not in alts:
                counts.other_allele += 1
                continue
            deltas, positions = _numbers(parts[2:], where, run.distance)
            found = tuple(
                gene
                for gene in by_name.get((contig, parts[1]), ())
                if gene.tx_start < pos <= gene.tx_end
            )
            yield _Entry((contig, pos, ref, allele), parts[1], found, (*deltas, *positions))


def _agrees(genome: Genome, contig: str, pos: int, ref: str) -> bool:
    if not _LETTERS.issuperset(ref) or not 1 <= pos <= genome.contigs[contig]:
        return False
    return genome.sequence(contig, pos - 1, pos - 1 + len(ref)).upper() == ref


def _numbers(fields: Sequence[str], where: str, distance: int) -> tuple[list[float], list[int]]:
    try:
        deltas = [float(np.float32(field)) for field in fields[:4]]
        positions = [int(field) for field in fields[4:]]
    except ValueError as error:
        raise InputError(f"{where}: {'|'.join(fields)[:80]!r} are not scores.") from error
    if not all(math.isfinite(delta) and 0 <= delta <= 1 for delta in deltas):
        raise InputError(f"{where}: {'|'.join(fields)[:80]!r} has a delta score beyond 0 to 1.")
    if max(map(abs, positions)) > distance:
        raise InputError(
            f"{where}: a site lies {max(map(abs, positions))} bases away, so these scores were not "
            f"made with --distance {distance}; give theirs."
        )
    return deltas, positions
