"""From the records of a cohort to its unique alleles, each with a status and its genes.

Alleles are collected and sorted out of core (DuckDB, in a bounded amount of memory), so that a
cohort may be thousands of files, or one file of millions of sites and thousands of samples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spliceflow.errors import InputError
from spliceflow.genome.contigs import ContigNames
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene
from spliceflow.variants.file_contigs import FileContigs
from spliceflow.variants.status import MAX_ALT_LENGTH, Status
from spliceflow.variants.vcf import Records, VariantFile, upper_bases

STATUSES: tuple[Status, ...] = tuple(Status)
"""Statuses by the code used in arrays."""

VARIANT_CLASSES = ("snv", "insertion", "deletion", "mnv", "delins", "other")
"""Classes of alleles by length: insertion 1 → n, deletion n → 1, MNV n → n, delins n → m; other has
no sequence (symbolic, breakend, star, missing)."""

_CODE = {status: np.uint8(code) for code, status in enumerate(STATUSES)}

_BATCH_ROWS = 1 << 17
_REFERENCE_GAP = 1 << 14
_REFERENCE_SPAN = 1 << 20

# Letters of a reference, as sets of bases (A 1, C 2, G 4, T 8). VCF writes one base of an ambiguous
# letter of the reference; N stands for no known base, so nothing agrees with it.
_BASES = np.zeros(256, dtype=np.uint8)
for _letter, _set in zip(
    "ACGTRYSWKMBDHV", (1, 2, 4, 8, 5, 10, 6, 9, 12, 3, 14, 13, 11, 7), strict=True
):
    _BASES[ord(_letter)] = _BASES[ord(_letter.lower())] = _set


@dataclass(frozen=True)
class Alleles:
    """Unique alleles, sorted by contig, position, REF and ALT.

    Attributes:
        contig: int32 (n,), index into :attr:`CohortAlleles.contigs`; ascending.
        pos: int64 (n,), 1-based.
        ref: REF in upper case.
        alt: one ALT, in upper case unless symbolic or a breakend.
    """

    contig: np.ndarray
    pos: np.ndarray
    ref: pa.StringArray
    alt: pa.StringArray

    def __len__(self) -> int:
        return len(self.pos)


@dataclass(frozen=True)
class AlleleGenes:
    """What :meth:`Classifier.classify` found for ``n`` alleles.

    Attributes:
        status: uint8 (n,), index into :data:`STATUSES`.
        allele: int64 (m,), row of an allele that is to be scored, once per gene it lies in.
        gene_row: int32 (m,), row of that gene in the gene table.
    """

    status: np.ndarray
    allele: np.ndarray
    gene_row: np.ndarray


@dataclass(frozen=True)
class FileCounts:
    """Records and alleles (one per ALT) of one input file."""

    records: int
    alleles: int


class CohortAlleles:
    """Collects alleles from files and gives them back unique and sorted.

    Use as a context manager.

    Args:
        contigs: the FASTA's contigs and their lengths; others are kept too, after these.
        folder: where a temporary database is written; it is not removed.
        memory_gb: memory the database may use before it writes to ``folder``.

    Attributes:
        contigs: names by index: the FASTA's, then the inputs' names the FASTA does not have.
    """

    def __init__(
        self, contigs: Mapping[str, int], folder: str | os.PathLike[str], memory_gb: float = 1.0
    ) -> None:
        self.contigs: list[str] = list(contigs)
        self._known = len(self.contigs)
        self._lengths = dict(contigs)
        self._names = ContigNames(self.contigs)
        self._index: dict[str, int] = {name: row for row, name in enumerate(self.contigs)}
        self._database = open_database(folder, memory_gb)
        self._database.execute(
            "CREATE TABLE allele (contig INTEGER, pos BIGINT, ref VARCHAR, alt VARCHAR)"
        )

    def __enter__(self) -> CohortAlleles:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @property
    def foreign(self) -> list[str]:
        """Contigs of the inputs that the FASTA does not have, by name."""
        return sorted(self.contigs[self._known :])

    def add(self, path: str | os.PathLike[str]) -> FileCounts:
        """Add every allele of a VCF or BCF file.

        Raises:
            InputError: the file can't be read, or is of another assembly; nothing else is raised
                for what a file holds.
        """
        records = alleles = 0
        source = VariantFile(path, samples=False)
        contigs = FileContigs(os.fspath(path), source.header, self._lengths, self._names)
        for block in source.blocks():
            table = self._table(block, contigs)
            self._database.from_arrow(table).insert_into("allele")
            records += len(block)
            alleles += len(table)
        return FileCounts(records, alleles)

    def unique(self, rows: int = _BATCH_ROWS) -> Iterator[Alleles]:
        """Yield the unique alleles in order, ``rows`` at a time.

        Contigs the FASTA does not have come last, by name; their alleles never share a batch with
        others.
        """
        yield from self._query(
            f"SELECT DISTINCT contig, pos, ref, alt FROM allele WHERE contig < {self._known} "
            "ORDER BY contig, pos, ref, alt",
            rows,
        )
        if len(self.contigs) > self._known:
            foreign = pa.table(
                {
                    "contig": pa.array(range(self._known, len(self.contigs)), pa.int32()),
                    "name": self.contigs[self._known :],
                }
            )
            self._database.register("foreign_contig", foreign)
            yield from self._query(
                "SELECT DISTINCT contig, pos, ref, alt, name "
                "FROM allele JOIN foreign_contig USING (contig) ORDER BY name, pos, ref, alt",
                rows,
            )

    def _query(self, query: str, rows: int) -> Iterator[Alleles]:
        for batch in self._database.sql(query).to_arrow_reader(rows):
            if len(batch):
                yield Alleles(
                    batch.column("contig").to_numpy(),
                    batch.column("pos").to_numpy(),
                    batch.column("ref").cast(pa.string()),
                    batch.column("alt").cast(pa.string()),
                )

    def _table(self, block: Records, contigs: FileContigs) -> pa.Table:
        names = block.contig.dictionary_encode()
        codes = np.array(
            [self._contig_index(contigs.table_name(name)) for name in names.dictionary.to_pylist()]
        )
        contig = codes[names.indices.to_numpy()].astype(np.int32)
        pos, ref, alt = block.pos, block.ref, block.alt
        if pc.any(pc.match_substring(alt, ",")).as_py():
            alleles = pc.split_pattern(alt, ",")
            record = pc.list_parent_indices(alleles).to_numpy()
            contig, pos, ref, alt = contig[record], pos[record], ref.take(record), alleles.flatten()
            empty = pc.index(alt, "").as_py()
            if empty >= 0:
                raise InputError(
                    f"{block.source}, line {block.first_line + int(record[empty])}: one allele of "
                    "ALT is empty; repair the file."
                )
        return pa.table({"contig": contig, "pos": pos, "ref": ref, "alt": upper_bases(alt)})

    def _contig_index(self, name: str) -> int:
        if name not in self._index:
            self._index[name] = len(self.contigs)
            self.contigs.append(name)
        return self._index[name]


def open_database(
    folder: str | os.PathLike[str], memory_gb: float, threads: int = 0
) -> duckdb.DuckDBPyConnection:
    """Open a temporary database in ``folder`` that spills to disk beyond ``memory_gb``."""
    folder = Path(folder)
    database = duckdb.connect(
        os.fspath(folder / "alleles.duckdb"),
        config={
            "memory_limit": f"{int(memory_gb * 1024)}MiB",
            "temp_directory": os.fspath(folder / "spill"),
            "preserve_insertion_order": False,
            "threads": threads or min(4, len(os.sched_getaffinity(0))),
        },
    )
    database.execute("SET enable_progress_bar = false")
    return database


class Classifier:
    """Gives alleles their status and their genes.

    Args:
        genome: the reference.
        genes: gene table, in row order, with contigs named as in ``genome``.
        distance: largest distance from POS that is searched for sites, bases.
    """

    def __init__(self, genome: Genome, genes: Sequence[Gene], distance: int) -> None:
        self._genome = genome
        self._distance = distance
        self._genes: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
        rows: dict[str, list[int]] = {}
        for row, gene in enumerate(genes):
            rows.setdefault(gene.contig, []).append(row)
        for contig, members in rows.items():
            self._genes[contig] = (
                np.array([genes[row].tx_start + 1 for row in members], dtype=np.int64),
                np.array([genes[row].tx_end for row in members], dtype=np.int64),
                np.array(members, dtype=np.int32),
            )

    def classify(self, alleles: Alleles, contigs: Sequence[str]) -> AlleleGenes:
        """Status and genes of ``alleles``; a gene overlaps if it overlaps POS.

        Args:
            alleles: sorted alleles.
            contigs: names of the indices in ``alleles.contig``.
        """
        status = _shape(alleles.ref, alleles.alt)
        open_ = status == _CODE[Status.SCORED]
        pairs: list[tuple[np.ndarray, np.ndarray]] = []
        edges = np.flatnonzero(np.diff(alleles.contig)) + 1
        for first, last in zip(
            np.concatenate(([0], edges)), np.concatenate((edges, [len(alleles)])), strict=True
        ):
            part = slice(int(first), int(last))
            contig = contigs[int(alleles.contig[first])]
            length = self._genome.contigs.get(contig, 0)
            pos = alleles.pos[part]
            here = open_[part]
            here_status = status[part]
            outside = here & ((pos < 1) | (pos > length))
            here_status[outside] = _CODE[Status.NO_SEQUENCE]
            row, gene_row = self._overlaps(contig, pos)
            in_gene = np.zeros(len(pos), dtype=bool)
            in_gene[row] = True
            here_status[here & ~outside & ~in_gene] = _CODE[Status.NOT_IN_GENE]
            to_check = np.flatnonzero(here & ~outside & in_gene)
            if len(to_check):
                wrong = self._mismatches(contig, pos[to_check], alleles.ref.take(to_check + first))
                here_status[to_check[wrong]] = _CODE[Status.REF_MISMATCH]
            pairs.append((row + first, gene_row))
        open_ = status == _CODE[Status.SCORED]
        ref_length, alt_length = lengths(alleles.ref), lengths(alleles.alt)
        status[open_ & (ref_length > 2 * self._distance)] = _CODE[Status.REF_TOO_LONG]
        open_ = status == _CODE[Status.SCORED]
        status[open_ & (alt_length > MAX_ALT_LENGTH)] = _CODE[Status.ALT_TOO_LONG]
        allele = np.concatenate([row for row, _ in pairs])
        gene_row = np.concatenate([row for _, row in pairs])
        scored = status[allele] == _CODE[Status.SCORED]
        return AlleleGenes(status, allele[scored], gene_row[scored])

    def _overlaps(self, contig: str, pos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of (row of ``pos``, gene_row) where the gene overlaps the position.

        ``pos`` is ascending, so each gene overlaps one run of rows.
        """
        if contig not in self._genes:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
        starts, ends, rows = self._genes[contig]
        first = np.searchsorted(pos, starts, "left")
        count = np.searchsorted(pos, ends, "right") - first
        first, count, rows = first[count > 0], count[count > 0], rows[count > 0]
        return _ranges(first, count), np.repeat(rows, count)

    def _mismatches(self, contig: str, pos: np.ndarray, ref: pa.StringArray) -> np.ndarray:
        """Which of ``ref`` (A, C, G, T only; ``pos`` ascending and in the contig) differ."""
        letters = np.frombuffer(ref.buffers()[2], dtype=np.uint8)
        offsets = np.frombuffer(ref.buffers()[1], dtype=np.int32)[ref.offset :][: len(ref) + 1]
        offsets = offsets.astype(np.int64)
        length = np.diff(offsets)
        wrong = np.zeros(len(pos), dtype=bool)
        first = 0
        while first < len(pos):
            # As many as lie close together are compared with one piece of the reference.
            last = int(np.searchsorted(pos, pos[first] + _REFERENCE_SPAN, "right"))
            gaps = np.flatnonzero(np.diff(pos[first:last]) > _REFERENCE_GAP)
            last = first + int(gaps[0]) + 1 if len(gaps) else last
            start, size = int(pos[first]) - 1, length[first:last]
            end = int((pos[first:last] + size).max())
            reference = np.frombuffer(
                self._genome.sequence(contig, start, end).encode("ascii", "replace"), dtype=np.uint8
            )
            own = letters[offsets[first] : offsets[last]]
            at = _ranges(pos[first:last] - 1 - start, size)
            same = (_BASES[reference[at]] & _BASES[own]) != 0
            wrong[first:last] = ~np.logical_and.reduceat(same, offsets[first:last] - offsets[first])
            first = last
        return wrong


def lengths(alleles: pa.StringArray) -> np.ndarray:
    """Length of each allele in bytes: int64 (n,)."""
    return pc.binary_length(alleles).to_numpy(zero_copy_only=False).astype(np.int64)


def variant_classes(ref: pa.StringArray, alt: pa.StringArray, status: np.ndarray) -> np.ndarray:
    """Class of each allele: uint8 (n,), index into :data:`VARIANT_CLASSES`.

    Args:
        ref: REF of each allele.
        alt: ALT of each allele.
        status: uint8 (n,), index into :data:`STATUSES`.
    """
    before, after = lengths(ref), lengths(alt)
    shape = np.select(
        [
            (before == 1) & (after == 1),
            before == 1,
            after == 1,
            before == after,
        ],
        [0, 1, 2, 3],
        default=4,
    ).astype(np.uint8)
    without = [Status.MISSING_ALT, Status.STAR, Status.SYMBOLIC, Status.BREAKEND]
    shape[np.isin(status, [_CODE[word] for word in without])] = len(VARIANT_CLASSES) - 1
    return shape


def _shape(ref: pa.StringArray, alt: pa.StringArray) -> np.ndarray:
    """Status by the shape of the alleles alone: uint8 (n,)."""

    def matches(alleles: pa.StringArray, pattern: str) -> np.ndarray:
        return pc.match_substring_regex(alleles, pattern).to_numpy(zero_copy_only=False)

    plain = matches(alt, "^[ACGT]+$")
    status = np.full(len(alt), _CODE[Status.SCORED], dtype=np.uint8)
    status[~(plain & matches(ref, "^[ACGT]+$"))] = _CODE[Status.NON_ACGT]
    other = np.flatnonzero(~plain)
    if len(other):
        rest = alt.take(other)
        starts_symbolic = matches(rest, "^<")
        breakend = matches(rest, r"[\[\]]") | matches(rest, r"^\.[^.]|[^.]\.$")
        status[other[matches(rest, "[<>]")]] = _CODE[Status.SYMBOLIC]
        status[other[breakend & ~starts_symbolic]] = _CODE[Status.BREAKEND]
        status[other[matches(rest, r"^\*$")]] = _CODE[Status.STAR]
        status[other[matches(rest, r"^\.$")]] = _CODE[Status.MISSING_ALT]
    return status


def _ranges(first: np.ndarray, count: np.ndarray) -> np.ndarray:
    """``first[0], first[0] + 1, …`` for ``count[0]`` numbers, then the same from ``first[1]``."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(first - (ends - count), count) + np.arange(total)
