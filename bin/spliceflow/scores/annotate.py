"""Scores and statuses back into a VCF: a streaming join that changes nothing but INFO.

A record's alleles are looked up in the form in which they were scored; the entry keeps the record's
spelling, and its positions count from the record's POS.

The input is read in blocks of lines. Each block needs the scores of its own positions; the scores
table is sorted, so those are a few row groups when the input is sorted too. An unsorted input, or
one whose contigs alternate, is joined just as rightly, only with more reading; it gets no index.

A large file's blocks are joined and compressed by several processes and written in order; what is
written depends on the blocks alone, not on the number of processes.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pysam

from spliceflow import __version__
from spliceflow.atomic import atomic_path
from spliceflow.bgzf import BgzipWriter, deflate, read_blocks
from spliceflow.errors import InputError
from spliceflow.parallel import in_order
from spliceflow.scores.run import RUN_COLUMNS, ScoringRun
from spliceflow.scores.strongest import (
    AlleleKey,
    CarriedAllele,
    EffectsPart,
    Floor,
    StrongestAlleles,
)
from spliceflow.scores.table import SCORE_SCHEMA
from spliceflow.variants.allele_tables import SPELLING_SCHEMA
from spliceflow.variants.alleles import lengths
from spliceflow.variants.file_contigs import FileContigs
from spliceflow.variants.spelling import Spelling, minimal_form
from spliceflow.variants.vcf import Records, VariantFile

FORMAT = "ALLELE|SYMBOL|DS_AG|DS_AL|DS_DG|DS_DL|DP_AG|DP_AL|DP_DG|DP_DL"
"""Fields of one entry of the INFO tag, as SpliceAI writes them."""

_BLOCK_BYTES = 2 << 20
_LARGE_FILE = 8 << 20
"""Size in bytes from which on a file is worth the start of more processes."""

_TABIX_LONGEST = 1 << 29
_DELTAS = ("ds_ag", "ds_al", "ds_dg", "ds_dl")
_POSITIONS = ("dp_ag", "dp_al", "dp_dg", "dp_dl")
_COLUMNS = ("contig", "pos", "ref", "alt", "gene", *_DELTAS, *_POSITIONS, "status")

# What would end or split an INFO value, and the field separator of the tag itself.
_ESCAPES = {ord(letter): f"%{ord(letter):02X}" for letter in '%;=,|\t\r\n" '}


@dataclass(frozen=True, slots=True)
class ScoringLabel:
    """What the header says about the scores, and what the scores table has to agree with.

    Attributes:
        tag: INFO key of the scores; the statuses get ``<tag>_STATUS``.
        model: name of the model.
        run: what the scores were made with.
        decimals: decimals of the delta scores.
    """

    tag: str
    model: str
    run: ScoringRun
    decimals: int = 2


@dataclass(slots=True)
class AnnotatedFile:
    """Counts of one annotated file.

    Attributes:
        records: records read, and written.
        records_scored: records with at least one scored allele.
        alleles: alleles by status; an allele counts once per record and ALT.
        sorted: whether contigs are in one piece each and positions ascend in them.
        index: ``tbi``, ``csi``, or empty if none could be written.
        effects: alleles by the delta score they have at least: 0.2, 0.5, 0.8.
        strongest: the alleles with the largest delta scores and who carries them.
    """

    records: int = 0
    records_scored: int = 0
    alleles: dict[str, int] = field(default_factory=dict)
    sorted: bool = True
    index: str = ""
    effects: dict[str, int] = field(default_factory=dict)
    strongest: list[CarriedAllele] = field(default_factory=list)


def annotate(
    vcf: str | os.PathLike[str],
    scores: str | os.PathLike[str],
    spellings: str | os.PathLike[str],
    contigs: Mapping[str, int],
    label: ScoringLabel,
    output: str | os.PathLike[str],
    threads: int = 1,
) -> AnnotatedFile:
    """Write ``vcf`` with scores as bgzip VCF, and its index if it is sorted.

    Every record is written once, in order; nothing but INFO changes. An INFO entry or header line
    with the same tag as the new one is replaced.

    Args:
        vcf: VCF (plain, gzip, bgzip) or BCF file.
        scores: scores table that holds every allele of the file.
        spellings: table of schema ``SPELLING_SCHEMA``: alleles that ``scores`` has in another form
            than their minimal one.
        contigs: the FASTA's contigs and their lengths in bases.
        label: what the header is to say; the scores table has to agree with it.
        output: file to write, ``.vcf.gz``; the index is written beside it.
        threads: processes that annotate a large file.

    Raises:
        InputError: a file can't be read or is of another assembly, an allele has no row in the
            scores table, the table was made with other options, or the output does not have the
            records of the input.
    """
    output = Path(output)
    counts = AnnotatedFile()
    source = VariantFile(vcf)
    names = FileContigs(os.fspath(vcf), source.header, contigs)
    columns = source.header[-1].rstrip(b"\r\n").decode("utf-8", "replace").split("\t")
    samples = tuple(columns[9:])
    strongest, order = StrongestAlleles(samples), _Order()
    processes = threads if Path(vcf).stat().st_size >= _LARGE_FILE else 1
    with atomic_path(output) as temporary:
        with BgzipWriter(temporary) as file:
            header = _header(source, label)
            file.write(header)
            settings = (scores, spellings, label, names, samples)
            blocks = ((block, strongest.floor) for block in source.blocks(_BLOCK_BYTES))
            for part in _parts(blocks, settings, processes):
                file.write_packed(part.packed)
                counts.records += part.records
                counts.records_scored += part.records_scored
                for status, alleles in part.alleles.items():
                    counts.alleles[status] = counts.alleles.get(status, 0) + alleles
                strongest.add_part(part.effects)
                order.add(part.extent)
        counts.sorted = order.sorted
        counts.effects, counts.strongest = strongest.counts, strongest.kept()
        # The file is read again, to count, and indexed at the same time: both take long.
        with ThreadPoolExecutor(1) as pool:
            lines = pool.submit(_count_lines, temporary)
            index = _make_index(temporary, order.longest) if order.sorted else None
            written = lines.result() - header.count(b"\n")
        if written != counts.records:
            if index:
                index.unlink()
            raise InputError(
                f"{written} records were written for {counts.records} of {vcf}; the disk may be "
                "full or faulty, run again."
            )
        for old in (".tbi", ".csi"):
            output.with_name(output.name + old).unlink(missing_ok=True)
        if index:
            index.replace(output.with_name(output.name + index.suffix))
            counts.index = index.suffix[1:]
    return counts


def _count_lines(path: Path) -> int:
    return sum(text.count(b"\n") for text in read_blocks(path))


_Settings = tuple[
    str | os.PathLike[str], str | os.PathLike[str], ScoringLabel, FileContigs, tuple[str, ...]
]
"""Scores table, table of spellings, label, contigs of the file, names of the samples."""


@dataclass(frozen=True, slots=True)
class _Extent:
    """Where the records of a block lie.

    Attributes:
        runs: contig, first and last position of each run of records on one contig.
        ascending: whether positions ascend in every run.
        longest: largest end of REF, 1-based.
    """

    runs: tuple[tuple[str, int, int], ...]
    ascending: bool
    longest: int


@dataclass(frozen=True, slots=True)
class _Part:
    """An annotated block: its lines in BGZF blocks, and its share of :class:`AnnotatedFile`."""

    packed: bytes
    records: int
    records_scored: int
    alleles: dict[str, int]
    effects: EffectsPart
    extent: _Extent


def _parts(
    blocks: Iterable[tuple[Records, Floor | None]], settings: _Settings, processes: int
) -> Iterator[_Part]:
    """Annotate ``blocks``, in order."""
    if processes == 1:
        annotator = _BlockAnnotator(*settings)
        for block, floor in blocks:
            yield annotator(block, floor)
        return
    # Started afresh, not forked: Arrow has threads, which a fork would lose.
    pool = ProcessPoolExecutor(processes, get_context("spawn"), _start_process, settings)
    try:
        submitted = ((None, [pool.submit(_annotate_in_process, *block)]) for block in blocks)
        for _, parts in in_order(submitted, ahead=3 * processes):
            yield from parts
    finally:
        pool.shutdown(cancel_futures=True)


_annotator: _BlockAnnotator | None = None


def _start_process(*settings: object) -> None:
    global _annotator
    pa.set_cpu_count(1)
    _annotator = _BlockAnnotator(*settings)


def _annotate_in_process(block: Records, floor: Floor | None) -> _Part:
    assert _annotator is not None
    return _annotator(block, floor)


class _BlockAnnotator:
    """Turns a block of records into annotated lines."""

    def __init__(
        self,
        scores: str | os.PathLike[str],
        spellings: str | os.PathLike[str],
        label: ScoringLabel,
        names: FileContigs,
        samples: tuple[str, ...],
    ) -> None:
        self._reader = _ScoreReader(scores, label)
        self._forms = _ScoredForms(spellings)
        self._names = names
        self._label = label
        self._samples = samples

    def __call__(self, block: Records, floor: Floor | None) -> _Part:
        counts, strongest = AnnotatedFile(), StrongestAlleles(self._samples, floor)
        text = _annotated(
            block, self._reader, self._forms, self._names, self._label, counts, strongest
        )
        return _Part(
            packed=deflate(text),
            records=len(block),
            records_scored=counts.records_scored,
            alleles=counts.alleles,
            effects=strongest.part,
            extent=_extent(block),
        )


def _extent(block: Records) -> _Extent:
    pos = block.pos
    names = block.contig.dictionary_encode()
    codes = names.indices.to_numpy()
    changes = np.flatnonzero(np.diff(codes)) + 1
    edges = np.concatenate(([0], changes, [len(codes)])).tolist()
    steps = np.diff(pos) < 0
    steps[changes - 1] = False
    return _Extent(
        runs=tuple(
            (names.dictionary[int(codes[first])].as_py(), int(pos[first]), int(pos[last - 1]))
            for first, last in pairwise(edges)
        ),
        ascending=not steps.any(),
        longest=int((pos + lengths(block.ref)).max()),
    )


class _Order:
    """Whether a stream of records is sorted well enough for an index."""

    def __init__(self) -> None:
        self.sorted = True
        self.longest = 0
        self._seen: set[str] = set()
        self._contig = ""
        self._pos = 0

    def add(self, extent: _Extent) -> None:
        self.longest = max(self.longest, extent.longest)
        self.sorted = self.sorted and extent.ascending
        if not self.sorted:
            return
        for name, first, last in extent.runs:
            if name != self._contig:
                if name in self._seen:
                    self.sorted = False
                    return
                self._seen.add(name)
            elif first < self._pos:
                self.sorted = False
                return
            self._contig, self._pos = name, last


class _ScoreReader:
    """Finds the rows of given positions in a scores table, whatever the order of asking."""

    def __init__(self, path: str | os.PathLike[str], label: ScoringLabel) -> None:
        self._path = Path(path)
        self._cache: OrderedDict[int, pa.Table] = OrderedDict()
        # For each contig, the row groups that have rows of it, and their range of positions.
        self._groups: dict[str, list[tuple[int, int, int]]] = {}
        try:
            self._file = pq.ParquetFile(self._path, memory_map=True)
            missing = set(SCORE_SCHEMA.names) - set(self._file.schema_arrow.names)
            if missing:
                raise KeyError(missing)
            for group in range(self._file.num_row_groups):
                self._add_group(group, label)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise self._unreadable() from error

    def rows(self, wanted: dict[str, np.ndarray]) -> Iterator[tuple[object, ...]]:
        """Rows (``_COLUMNS``) of all positions in ``wanted`` (contig → ascending positions)."""
        groups: dict[int, None] = {}
        for contig, pos in wanted.items():
            for group, first, last in self._groups.get(contig, ()):
                near = np.searchsorted(pos, first)
                if near < len(pos) and pos[near] <= last:
                    groups[group] = None
        for group in sorted(groups):
            table = self._load(group)
            contig_codes = table.column("contig").combine_chunks().dictionary_encode()
            pos = table.column("pos").to_numpy()
            keep = np.zeros(len(pos), dtype=bool)
            codes = contig_codes.indices.to_numpy()
            for code, name in enumerate(contig_codes.dictionary.to_pylist()):
                if name in wanted:
                    rows = np.flatnonzero(codes == code)
                    ask = wanted[name]
                    at = np.minimum(np.searchsorted(ask, pos[rows]), len(ask) - 1)
                    keep[rows[ask[at] == pos[rows]]] = True
            if keep.any():
                rows = table.filter(pa.array(keep))
                yield from zip(*(rows.column(name).to_pylist() for name in _COLUMNS), strict=True)

    def _add_group(self, group: int, label: ScoringLabel) -> None:
        table = self._file.read_row_group(group, columns=["contig", "pos", *RUN_COLUMNS])
        extents = table.group_by("contig").aggregate([("pos", "min"), ("pos", "max")])
        for row in extents.to_pylist():
            self._groups.setdefault(row["contig"], []).append(
                (group, row["pos_min"], row["pos_max"])
            )
        if difference := label.run.difference(table):
            name, value = difference
            raise InputError(
                f"The scores in {self._path} were made with {name} {value}, not "
                f"{getattr(label.run, name)}; give the model, genes and options of that run."
            )

    def _load(self, group: int) -> pa.Table:
        if group in self._cache:
            self._cache.move_to_end(group)
            return self._cache[group]
        try:
            table = self._file.read_row_group(group, columns=list(_COLUMNS))
        except (OSError, ValueError, pa.ArrowException) as error:
            raise self._unreadable() from error
        self._cache[group] = table
        if len(self._cache) > 4:
            self._cache.popitem(last=False)
        return table

    def _unreadable(self) -> InputError:
        return InputError(
            f"{self._path} is not a table of scores, or is damaged; make it with merge_scores.py."
        )


class _ScoredForms:
    """Finds the form in which the scores table has the allele of a record."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            table = pq.read_table(path, columns=SPELLING_SCHEMA.names)
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise InputError(
                f"{path} is not a table of spellings, or is damaged; make it with "
                "shard_variants.py."
            ) from error
        self._forms: dict[AlleleKey, Spelling] = {
            (contig, pos, ref, alt): form
            for contig, pos, ref, alt, *form in zip(
                *(column.to_pylist() for column in table.columns), strict=True
            )
        }

    def key(self, contig: str, pos: int, ref: str, alt: str) -> AlleleKey:
        """Key of the allele in the scores table."""
        alt = _key_allele(alt)
        form = self._forms.get((contig, pos, ref, alt)) if self._forms else None
        return (contig, *(form or minimal_form(pos, ref, alt)))


def _annotated(
    block: Records,
    reader: _ScoreReader,
    forms: _ScoredForms,
    names: FileContigs,
    label: ScoringLabel,
    counts: AnnotatedFile,
    strongest: StrongestAlleles,
) -> bytes:
    """The lines of ``block`` with new INFO."""
    text = block.text
    contig_codes = block.contig.dictionary_encode()
    contigs = [names.table_name(name) for name in contig_codes.dictionary.to_pylist()]
    positions = block.pos.tolist()
    spelt = [alt.split(",") for alt in block.alt.to_pylist()]
    keys = [
        [forms.key(contigs[code], pos, ref, allele) for allele in alleles]
        for code, pos, ref, alleles in zip(
            contig_codes.indices.to_pylist(), positions, block.ref.to_pylist(), spelt, strict=True
        )
    ]
    entries, largest, statuses = _entries(reader.rows(_places(keys)), label.decimals)
    scores_key, status_key = f"{label.tag}=".encode(), f"{label.tag}_STATUS=".encode()
    tag = label.tag.encode()
    pieces: list[bytes] = []
    for pos, alleles, record_keys, start, info_start, info_end, end in zip(
        positions,
        spelt,
        keys,
        block.starts.tolist(),
        (block.tabs[:, 6] + 1).tolist(),
        block.info_ends.tolist(),
        block.ends.tolist(),
        strict=True,
    ):
        scored: list[str] = []
        words: list[str] = []
        any_unscored = False
        for number, (allele, key) in enumerate(zip(alleles, record_keys, strict=True), 1):
            status = statuses.get(key)
            if status is None:
                contig, at, ref, _ = key
                raise InputError(
                    f"{block.source}: allele {contig}:{at} {ref[:40]}>{allele[:40]} has no "
                    "row in the scores table; give the scores of this cohort."
                )
            words.append(status)
            counts.alleles[status] = counts.alleles.get(status, 0) + 1
            if status == "scored":
                scored += [allele + entry.text(key[1] - pos) for entry in entries[key]]
                strongest.add(key, number, largest[key], text[info_end:end])
            else:
                any_unscored = True
        info = text[info_start:info_end]
        if tag in info:
            info = b";".join(
                item
                for item in info.split(b";")
                if not item.startswith((scores_key, status_key))
                and item not in (scores_key[:-1], status_key[:-1])
            )
        info = info.rstrip(b";")
        parts = [] if info in (b".", b"") else [info]
        if scored:
            counts.records_scored += 1
            parts.append(scores_key + ",".join(scored).encode())
        if any_unscored:
            parts.append(status_key + ",".join(words).encode())
        pieces += (text[start:info_start], b";".join(parts) or b".", text[info_end:end])
    return b"".join(pieces)


def _places(keys: Iterable[Iterable[AlleleKey]]) -> dict[str, np.ndarray]:
    """Contig → positions, ascending and each once."""
    places: dict[str, set[int]] = {}
    for record_keys in keys:
        for contig, pos, _, _ in record_keys:
            places.setdefault(contig, set()).add(pos)
    return {contig: np.array(sorted(found)) for contig, found in places.items()}


class _Entry(NamedTuple):
    """What an INFO entry says of an allele in a gene: the gene and delta scores, four positions."""

    scores: str
    positions: tuple[int, int, int, int]

    def text(self, offset: int) -> str:
        """What follows the allele, with positions from ``offset`` bases before the scored one."""
        return "|".join([self.scores, *(str(at + offset) for at in self.positions)])


def _entries(
    rows: Iterable[tuple[object, ...]], decimals: int
) -> tuple[dict[AlleleKey, list[_Entry]], dict[AlleleKey, float], dict[AlleleKey, str]]:
    """Entries of each allele, its largest delta score, and its status."""
    entries: dict[AlleleKey, list[_Entry]] = {}
    largest: dict[AlleleKey, float] = {}
    statuses: dict[AlleleKey, str] = {}
    zero = f"{0:.{decimals}f}"
    form = "|%s" + f"|%.{decimals}f" * 4
    for row in rows:
        contig, pos, ref, alt, gene, *numbers, status = row
        key = (contig, pos, ref, alt)
        statuses[key] = status
        if status == "scored":
            deltas, positions = numbers[: len(_DELTAS)], tuple(numbers[len(_DELTAS) :])
            scores = form % (gene.translate(_ESCAPES), *deltas)
            entry = _Entry(scores.replace(f"|-{zero}", f"|{zero}"), positions)
            entries.setdefault(key, []).append(entry)
            largest[key] = max(largest.get(key, 0.0), *deltas)
    return entries, largest, statuses


def _key_allele(allele: str) -> str:
    return allele.upper() if allele.isascii() and allele.isalpha() else allele


def _header(source: VariantFile, label: ScoringLabel) -> bytes:
    """The input's header with our lines in front of the ``#CHROM`` line."""
    own = [
        f"##INFO=<ID={label.tag},",
        f"##INFO=<ID={label.tag}_STATUS,",
        f"##spliceflow=<ID={label.tag},",
    ]
    mask = "masked" if label.run.masked else "not masked"
    new = [
        f'{own[0]}Number=.,Type=String,Description="Delta scores (DS) and positions (DP, bases '
        "from POS) of acceptor gain (AG), acceptor loss (AL), donor gain (DG) and donor loss (DL), "
        f"one entry per allele and gene, by {_quoted(label.model)} ({label.run.model}), distance "
        f'{label.run.distance}, {mask}. Format: {FORMAT}">',
        f'{own[1]}Number=.,Type=String,Description="One word per ALT, in order, in records with '
        'an allele that has no score: scored, or why not">',
        f'{own[2]}Version="{__version__}",Model="{_quoted(label.model)}",'
        f'Fingerprint="{label.run.model}",Annotation="{label.run.annotation}",'
        f"Distance={label.run.distance},Masked={int(label.run.masked)},Decimals={label.decimals}>",
    ]
    drop = tuple(line.encode() for line in own)
    kept = [line for line in source.header[:-1] if not line.startswith(drop)]
    lines = [*kept, *(line.encode() for line in new), source.header[-1]]
    return b"".join(line + source.line_end for line in lines)


def _quoted(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return printable.replace("\\", "\\\\").replace('"', '\\"')


def _make_index(path: Path, longest: int) -> Path | None:
    """Index a sorted bgzip VCF; None if htslib can't."""
    kind = "csi" if longest >= _TABIX_LONGEST else "tbi"
    index = Path(f"{path}.{kind}")
    verbosity = pysam.set_verbosity(0)
    try:
        pysam.tabix_index(
            os.fspath(path), preset="vcf", force=True, keep_original=True, csi=kind == "csi"
        )
    except (OSError, ValueError):
        # What htslib can't index (a position of 0 in an odd place) is still a right VCF.
        index.unlink(missing_ok=True)
        return None
    finally:
        pysam.set_verbosity(verbosity)
    return index
