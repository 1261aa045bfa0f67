"""From the records of a cohort to its unique alleles, each with a status and its genes.

Alleles are collected in the form in which they are scored (see :mod:`spliceflow.variants.spelling`)
and sorted out of core (DuckDB, in a bounded amount of memory), so that a cohort may be thousands of
files, or one file of millions of sites and thousands of samples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spliceflow.database import open_database
from spliceflow.errors import InputError
from spliceflow.genome.contigs import ContigNames
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene
from spliceflow.variants.file_contigs import FileContigs
from spliceflow.variants.spelling import Spelling, leftmost_form, minimal_form, minimal_forms
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
    """Unique alleles in the form in which they are scored, sorted by contig, position, REF and ALT.

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
class Spellings:
    """Alleles of records that are scored in another form than their minimal one.

    Attributes:
        contig: int32 (n,), index into :attr:`CohortAlleles.contigs`; ascending.
        records: position, REF and ALT of the record.
        scored: position, REF and ALT that are scored, or that the status belongs to.
    """

    contig: np.ndarray
    records: list[Spelling]
    scored: list[Spelling]


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
    """Collects alleles from files and gives them back unique, sorted, in the form that is scored.

    An allele is scored in its minimal form; with ``left_align`` an insertion or deletion at the
    leftmost place that gives the same sequence. An allele whose REF, with all its padding, does not
    agree with the reference keeps the spelling of its record.

    Use as a context manager: :meth:`add` every file, then read :meth:`spellings`, then
    :meth:`unique`.

    Args:
        genome: the reference; contigs that it lacks are kept too, after its own.
        folder: where a temporary database is written; it is not removed.
        memory_gb: memory the database may use before it writes to ``folder``.
        left_align: whether insertions and deletions are moved to their leftmost place.

    Attributes:
        contigs: names by index: the FASTA's, then the inputs' names the FASTA does not have.
    """

    def __init__(
        self,
        genome: Genome,
        folder: str | os.PathLike[str],
        memory_gb: float = 1.0,
        left_align: bool = False,
    ) -> None:
        self._genome = genome
        self._left_align = left_align
        self.contigs: list[str] = list(genome.contigs)
        self._known = len(self.contigs)
        self._names = ContigNames(self.contigs)
        self._index: dict[str, int] = {name: row for row, name in enumerate(self.contigs)}
        self._database = open_database(folder, memory_gb)
        for table in ("allele", "spelling"):
            self._database.execute(
                f"CREATE TABLE {table} (contig INTEGER, pos BIGINT, ref VARCHAR, alt VARCHAR)"
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
        contigs = FileContigs(os.fspath(path), source.header, self._genome.contigs, self._names)
        for block in source.blocks():
            table = self._table(block, contigs)
            self._insert(table)
            records += len(block)
            alleles += len(table)
        return FileCounts(records, alleles)

    def spellings(self, rows: int = _BATCH_ROWS) -> Iterator[Spellings]:
        """Compare padded alleles with the reference and settle the form in which each is scored.

        To be read to its end after the last file and before :meth:`unique`.

        Yields:
            the alleles whose scored form is not the minimal one: moved to the left, or kept as
            written because REF differs from the reference.
        """
        # A cursor of its own: rows are inserted while it is read.
        with self._database.cursor() as cursor:
            reader = cursor.sql(
                "SELECT DISTINCT contig, pos, ref, alt FROM spelling ORDER BY contig, pos, ref, alt"
            ).to_arrow_reader(rows)
            for batch in reader:
                alleles = _alleles(batch)
                edges = np.flatnonzero(np.diff(alleles.contig)) + 1
                for part in np.split(np.arange(len(alleles)), edges):
                    if len(part):
                        yield self._settle(
                            int(alleles.contig[part[0]]),
                            alleles.pos[part],
                            alleles.ref.take(pa.array(part)),
                            alleles.alt.take(pa.array(part)),
                        )
        self._database.execute("DROP TABLE spelling")

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
                yield _alleles(batch)

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

    def _insert(self, table: pa.Table) -> None:
        """Alleles that the reference has a say in wait in ``spelling``; the others are settled."""
        contig = table.column("contig").to_numpy()
        ref = table.column("ref").combine_chunks().cast(pa.string())
        alt = table.column("alt").combine_chunks().cast(pa.string())
        pos, short_ref, short_alt, changed = minimal_forms(table.column("pos").to_numpy(), ref, alt)
        waiting = changed
        if self._left_align:
            waiting = waiting | (
                (lengths(short_ref) != lengths(short_alt))
                & (_shape(short_ref, short_alt) == _CODE[Status.SCORED])
            )
        waiting &= contig < self._known
        if waiting.any():
            rows = table.filter(pa.array(waiting))
            self._database.from_arrow(rows).insert_into("spelling")
        settled = pa.table({"contig": contig, "pos": pos, "ref": short_ref, "alt": short_alt})
        if waiting.any():
            settled = settled.filter(pa.array(~waiting))
        self._database.from_arrow(settled).insert_into("allele")

    def _settle(
        self, contig: int, pos: np.ndarray, ref: pa.StringArray, alt: pa.StringArray
    ) -> Spellings:
        """Add the scored forms of alleles of one contig of the FASTA (``pos`` ascending)."""
        name = self.contigs[contig]
        length = self._genome.contigs[name]
        differs = (pos < 1) | (pos + lengths(ref) - 1 > length)
        inside = np.flatnonzero(~differs)
        if len(inside):
            wrong = mismatches(self._genome, name, pos[inside], ref.take(pa.array(inside)))
            differs[inside[wrong]] = True
        bases = _Bases(self._genome, name)
        records = list(zip(pos.tolist(), ref.to_pylist(), alt.to_pylist(), strict=True))
        minimal = [minimal_form(*record) for record in records]
        scored = [
            record if differs[row] else leftmost_form(*form, bases) if self._left_align else form
            for row, (record, form) in enumerate(zip(records, minimal, strict=True))
        ]
        positions, refs, alts = zip(*scored, strict=True)
        self._database.from_arrow(
            pa.table(
                {
                    "contig": pa.repeat(pa.scalar(contig, pa.int32()), len(scored)),
                    "pos": pa.array(positions, pa.int64()),
                    "ref": pa.array(refs, pa.string()),
                    "alt": pa.array(alts, pa.string()),
                }
            )
        ).insert_into("allele")
        other = [row for row in range(len(scored)) if scored[row] != minimal[row]]
        return Spellings(
            contig=np.full(len(other), contig, np.int32),
            records=[records[row] for row in other],
            scored=[scored[row] for row in other],
        )

    def _contig_index(self, name: str) -> int:
        if name not in self._index:
            self._index[name] = len(self.contigs)
            self.contigs.append(name)
        return self._index[name]


class _Bases:
    """Letters of a contig by 1-based position, upper case, read a stretch at a time."""

    def __init__(self, genome: Genome, contig: str) -> None:
        self._genome = genome
        self._contig = contig
        self._first = 0
        self._letters = ""

    def __call__(self, pos: int) -> str:
        if not self._first < pos <= self._first + len(self._letters):
            # Alleles come in ascending order and are moved to the left.
            self._first = max(pos - _REFERENCE_GAP, 0)
            end = self._first + 2 * _REFERENCE_GAP
            self._letters = self._genome.sequence(self._contig, self._first, end).upper()
        return self._letters[pos - 1 - self._first]


def _alleles(batch: pa.RecordBatch) -> Alleles:
    return Alleles(
        batch.column("contig").to_numpy(),
        batch.column("pos").to_numpy(),
        batch.column("ref").cast(pa.string()),
        batch.column("alt").cast(pa.string()),
    )


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
            members.sort(key=lambda row: genes[row].tx_start)
            self._genes[contig] = (
                np.array([genes[row].tx_start + 1 for row in members], dtype=np.int64),
                np.array([genes[row].tx_end for row in members], dtype=np.int64),
                np.array(members, dtype=np.int32),
            )

    def classify(self, alleles: Alleles, contigs: Sequence[str]) -> AlleleGenes:
        """Status and genes of ``alleles``; a gene has to overlap REF of the scored form.

        Args:
            alleles: sorted alleles.
            contigs: names of the indices in ``alleles.contig``.
        """
        status = _shape(alleles.ref, alleles.alt)
        open_ = status == _CODE[Status.SCORED]
        pairs: list[tuple[np.ndarray, np.ndarray]] = []
        ref_length, alt_length = lengths(alleles.ref), lengths(alleles.alt)
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
            row, gene_row = self._overlaps(contig, pos, ref_length[part])
            in_gene = np.zeros(len(pos), dtype=bool)
            in_gene[row] = True
            here_status[here & ~outside & ~in_gene] = _CODE[Status.NOT_IN_GENE]
            to_check = np.flatnonzero(here & ~outside & in_gene)
            if len(to_check):
                ref = alleles.ref.take(pa.array(to_check + first))
                wrong = mismatches(self._genome, contig, pos[to_check], ref)
                here_status[to_check[wrong]] = _CODE[Status.REF_MISMATCH]
            pairs.append((row + first, gene_row))
        open_ = status == _CODE[Status.SCORED]
        status[open_ & (ref_length > 2 * self._distance)] = _CODE[Status.REF_TOO_LONG]
        open_ = status == _CODE[Status.SCORED]
        status[open_ & (alt_length > MAX_ALT_LENGTH)] = _CODE[Status.ALT_TOO_LONG]
        allele = np.concatenate([row for row, _ in pairs])
        gene_row = np.concatenate([row for _, row in pairs])
        scored = status[allele] == _CODE[Status.SCORED]
        return AlleleGenes(status, allele[scored], gene_row[scored])

    def _overlaps(
        self, contig: str, pos: np.ndarray, ref_length: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of (row of ``pos``, gene_row) where the gene overlaps REF.

        ``pos`` is ascending, so the first bases of REF in a gene are one run of rows. Alleles that
        begin before a gene and reach into it are those that its first base lies behind.
        """
        if contig not in self._genes:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int32)
        starts, ends, rows = self._genes[contig]
        first = np.searchsorted(pos, starts, "left")
        count = np.searchsorted(pos, ends, "right") - first
        first, count, within = first[count > 0], count[count > 0], rows[count > 0]
        long = np.flatnonzero(ref_length > 1)
        first_gene = np.searchsorted(starts, pos[long], "right")
        genes = np.searchsorted(starts, pos[long] + ref_length[long] - 1, "right") - first_gene
        return (
            np.concatenate([_ranges(first, count), np.repeat(long, genes)]),
            np.concatenate([np.repeat(within, count), rows[_ranges(first_gene, genes)]]),
        )


def mismatches(genome: Genome, contig: str, pos: np.ndarray, ref: pa.StringArray) -> np.ndarray:
    """Whether each REF differs from the reference: bool (n,).

    A base agrees with an ambiguous letter of the reference that stands for it; any letter agrees
    with itself.

    Args:
        genome: the reference.
        contig: contig of all alleles.
        pos: int64 (n,), 1-based, ascending, within the contig.
        ref: REF of each, upper case letters.
    """
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
            genome.sequence(contig, start, end).upper().encode("ascii", "replace"), dtype=np.uint8
        )[_ranges(pos[first:last] - 1 - start, size)]
        own = letters[offsets[first] : offsets[last]]
        same = ((_BASES[reference] & _BASES[own]) != 0) | (reference == own)
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
