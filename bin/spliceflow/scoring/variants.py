"""Delta scores of a shard of alleles, with a bundle of dilated CNNs.

Two engines give the same scores. ``full`` runs the whole window for REF and for ALT, as the
original tools do; it is the reference that the other is tested against. ``incremental`` scores
tiles of the reference once and computes of every ALT only what the exchange changes (see
:mod:`spliceflow.scoring.planner`).

Work is cut into tasks of one ensemble member each, which run side by side on the threads of the
process, every session using one; so all cores are kept busy whatever the batch.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import onnxruntime
import pyarrow as pa

from spliceflow.errors import InputError
from spliceflow.genome.fasta import Genome, encode, reverse_complement
from spliceflow.genome.genes import Gene
from spliceflow.models.bundle import Bundle
from spliceflow.models.graphs import (
    OUTPUTS,
    member_graph,
    reference_graph,
    variant_graph,
)
from spliceflow.models.kept_activations import kept_margins, kept_names
from spliceflow.parallel import in_order
from spliceflow.scores.table import SCORE_SCHEMA
from spliceflow.scoring.deltas import (
    Deltas,
    align_to_reference,
    delta_scores,
    mask_known_sites,
    nearest_boundary,
)
from spliceflow.scoring.ensemble import mean_probabilities
from spliceflow.scoring.planner import (
    Geometry,
    Widths,
    merge_spans,
    plan_variants,
    reference_margin,
    variant_taps,
    window_taps,
)
from spliceflow.scoring.sessions import Device, available_threads, free_memory, open_session
from spliceflow.scoring.windows import window_codes
from spliceflow.variants.status import Status

ENGINES = ("incremental", "full")
MAX_DISTANCE = 4_999
CPU_MEMORY = 1_000_000_000
"""Bytes for activations on a CPU, so that a scoring task stays below 2 GB."""


@dataclass(frozen=True)
class ScoringOptions:
    """How to score.

    Attributes:
        distance: D, bases on either side of POS that are searched (0 to 4999).
        mask: set gains at known sites and losses elsewhere to zero.
        engine: ``incremental`` or ``full``.
        calibrated: divide logits by the bundle's temperature.
        threads: sessions that run at a time; 0 takes all cores of the process.
        batch_size: alleles in a batch; 0 chooses from their width.
        memory: bytes that activations may take, all threads together; 0 takes
            :data:`CPU_MEMORY`, or most of what is free on a GPU.
    """

    distance: int = 50
    mask: bool = False
    engine: str = "incremental"
    calibrated: bool = False
    threads: int = 0
    batch_size: int = 0
    memory: int = 0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: one is out of its range.
        """
        if not 0 <= self.distance <= MAX_DISTANCE:
            raise InputError(f"--distance {self.distance} is not within 0 and {MAX_DISTANCE}")
        if self.engine not in ENGINES:
            raise InputError(f"--engine {self.engine} is not one of {', '.join(ENGINES)}")


@dataclass
class RunStatistics:
    """What a run cost: counts, seconds and multiply-adds, for the report."""

    alleles: int = 0
    tiles: int = 0
    tile_bases: int = 0
    multiply_adds: int = 0
    start_up_seconds: float = 0.0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0


@dataclass(frozen=True)
class Allele:
    """One allele in one gene. ``start``: 0-based position of the first base of REF."""

    start: int
    ref: str
    alt: str


@dataclass(frozen=True)
class Tile:
    """A stretch of one gene and the alleles scored in it.

    Attributes:
        gene: the gene; sequence outside it is N.
        start: first output, 0-based genomic.
        end: one past the last output.
        codes: uint8 (end - start + context,), on the gene's strand.
        alleles: the alleles.
        rows: their rows in the shard.
    """

    gene: Gene
    start: int
    end: int
    codes: np.ndarray
    alleles: tuple[Allele, ...]
    rows: np.ndarray


@dataclass(frozen=True)
class Batch:
    """Alleles of a tile that are computed together.

    Attributes:
        geometry: the geometry they share.
        members: indices into the tile's alleles.
        codes: int32 (alleles, len ALT), on the gene's strand.
        anchors: int64 (alleles,), first base of REF in the tile's codes.
    """

    geometry: Geometry
    members: np.ndarray
    codes: np.ndarray
    anchors: np.ndarray


@dataclass(frozen=True)
class MemberScores:
    """Probabilities by one member, on the gene's strand.

    Attributes:
        reference: float32 (tile outputs, 3).
        alts: for each batch float32 (alleles, outputs of the geometry, 3).
    """

    reference: np.ndarray
    alts: list[np.ndarray]


@dataclass
class VariantScorer:
    """Scores shards; sessions are opened once and used for all of them."""

    bundle: Bundle
    device: Device
    options: ScoringOptions
    statistics: RunStatistics = field(default_factory=RunStatistics)

    def __post_init__(self) -> None:
        """Open the sessions of all members."""
        started = time.perf_counter()
        self.device = self.device.for_channels(self.bundle.network.channels)
        self._temperature = self.bundle.card.temperature if self.options.calibrated else 1.0
        self._threads = self.options.threads or available_threads()
        self._memory = self.options.memory or CPU_MEMORY
        # On a CPU a batch should stay in the cache of a core; a GPU has to be filled.
        self._batch_memory = 16_000_000
        if self.device.kind == "cuda":
            self._threads = 1
            free = free_memory(self.device)
            if free is not None and not self.options.memory:
                self._memory = free * 6 // 10
            # every member's sessions keep what their largest batch took
            self._batch_memory = self._memory // (4 * len(self.bundle.members))
        self._margin = reference_margin(self.bundle.network, self.device.block)
        kind = _FullPass if self.options.engine == "full" else _IncrementalPass
        self._passes = [kind(self.bundle, member, self.device) for member in self.bundle.members]
        self.statistics.start_up_seconds = time.perf_counter() - started

    def score(
        self, shard: pa.Table, genes: Sequence[Gene], genome: Genome, annotation: str
    ) -> pa.Table:
        """Score all alleles of a shard.

        Args:
            shard: rows of ``JOB_SCHEMA``; the result does not depend on their order.
            genes: rows of the gene table that ``gene_row`` points to.
            genome: the reference sequence.
            annotation: fingerprint of the gene table, written into every row.

        Returns:
            a table of ``SCORE_SCHEMA`` in the order of the shard.
        """
        started, cpu_started = time.perf_counter(), time.process_time()
        scores = np.zeros((shard.num_rows, 4), np.float32)
        positions = np.zeros((shard.num_rows, 4), np.int32)
        for rows, deltas in self._score_tiles(self._tiles(shard, genes, genome)):
            scores[rows], positions[rows] = deltas.scores, deltas.positions
        statistics = self.statistics
        statistics.alleles += shard.num_rows
        statistics.wall_seconds += time.perf_counter() - started
        statistics.cpu_seconds += time.process_time() - cpu_started
        statistics.peak_memory_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return self._table(shard, genes, annotation, scores, positions)

    def _tiles(self, shard: pa.Table, genes: Sequence[Gene], genome: Genome) -> Iterator[Tile]:
        half = self.bundle.context // 2
        gene_rows = shard.column("gene_row").to_numpy()
        starts = shard.column("pos").to_numpy() - 1
        refs, alts = shard.column("ref").to_pylist(), shard.column("alt").to_pylist()
        order = np.lexsort((starts, gene_rows))
        for gene_row, rows in groupby(order, key=lambda row: gene_rows[row]):
            gene = genes[gene_row]
            members = np.fromiter(rows, np.int64)
            alleles = [Allele(int(starts[row]), refs[row], alts[row]) for row in members]
            before = self.options.distance + self._margin
            firsts = [allele.start - before for allele in alleles]
            lasts = [
                allele.start + max(self.options.distance, len(allele.ref) - 1) + 1 + self._margin
                for allele in alleles
            ]
            for span in merge_spans(firsts, lasts, self.bundle.network, self._longest_tile()):
                chosen = list(span.alleles)
                yield Tile(
                    gene,
                    span.start,
                    span.end,
                    window_codes(
                        genome, gene.contig, span.start - half, span.end + half, gene.strand, gene
                    ),
                    tuple(alleles[index] for index in chosen),
                    members[chosen],
                )

    def _longest_tile(self) -> int:
        """Outputs of a tile whose kept activations stay within the memory of one thread."""
        network = self.bundle.network
        per_base = len(kept_names(network)) * network.channels * 4
        margins = kept_margins(network).values()
        fixed = sum(self.bundle.context - 2 * margin for margin in margins) * network.channels * 4
        # Besides what is kept, the runtime holds a few activations of the tile at a time.
        available = self._memory / self._threads / 1.5 - fixed
        return int(np.clip(available / per_base, 1_000, 50_000))

    def _score_tiles(self, tiles: Iterator[Tile]) -> Iterator[tuple[np.ndarray, Deltas]]:
        """Run every (tile, member) as a task, a bounded number of tiles at a time."""
        with ThreadPoolExecutor(self._threads) as pool:
            work = ((tile, *self._submit(pool, tile)) for tile in tiles)
            submitted = (((tile, batches), futures) for tile, batches, futures in work)
            for (tile, batches), results in in_order(submitted, ahead=self._threads):
                yield self._finish(tile, batches, results)

    def _submit(
        self, pool: ThreadPoolExecutor, tile: Tile
    ) -> tuple[list[Batch], list[Future[MemberScores]]]:
        batches = self._batches(tile)
        plans: dict = {}
        return batches, [pool.submit(one.run, tile, batches, plans) for one in self._passes]

    def _batches(self, tile: Tile) -> list[Batch]:
        distance, strand = self.options.distance, tile.gene.strand
        geometries = [
            Geometry.of_allele(len(allele.ref), len(allele.alt), distance, strand)
            for allele in tile.alleles
        ]
        by_geometry: dict[Geometry, list[int]] = {}
        for index, geometry in enumerate(geometries):
            by_geometry.setdefault(geometry, []).append(index)
        first = tile.start - self.bundle.context // 2
        batches = []
        for geometry, indices in by_geometry.items():
            size = self._batch_size(geometry)
            for begin in range(0, len(indices), size):
                chosen = indices[begin : begin + size]
                codes = np.stack([encode(tile.alleles[index].alt) for index in chosen])
                anchors = np.array([tile.alleles[index].start - first for index in chosen])
                if strand == "-":
                    codes = reverse_complement(codes)
                    anchors = len(tile.codes) - anchors - geometry.ref_length
                batches.append(Batch(geometry, np.array(chosen), codes.astype(np.int32), anchors))
        return batches

    def _batch_size(self, geometry: Geometry) -> int:
        if self.options.batch_size:
            return self.options.batch_size
        network = self.bundle.network
        widths = Widths.of(network, geometry, self.device.block)
        widest = geometry.alt_length + max(widths.left) + max(widths.right)
        held = 6 * network.channels * 4 * (widest + self.bundle.context // 4)
        return int(np.clip(self._batch_memory // held, 1, 1_024))

    def _finish(
        self, tile: Tile, batches: list[Batch], results: list[MemberScores]
    ) -> tuple[np.ndarray, Deltas]:
        """Mean over the members, in their order, then deltas in genome direction."""
        distance, strand = self.options.distance, tile.gene.strand
        reference = mean_probabilities([result.reference for result in results], self._temperature)
        if strand == "-":
            reference = reference[::-1]
        scores = np.zeros((len(tile.alleles), 4), np.float32)
        positions = np.zeros((len(tile.alleles), 4), np.int32)
        window = np.arange(2 * distance + 1)
        for number, batch in enumerate(batches):
            alt = mean_probabilities([result.alts[number] for result in results], self._temperature)
            if strand == "-":
                alt = alt[:, ::-1]
            alt = align_to_reference(
                alt, distance, batch.geometry.ref_length, batch.geometry.alt_length
            )
            starts = np.array([tile.alleles[index].start for index in batch.members])
            ref = reference[(starts - distance - tile.start)[:, None] + window]
            deltas = delta_scores(ref, alt)
            if self.options.mask:
                gene = tile.gene
                boundary = nearest_boundary(starts + 1, gene.exon_starts, gene.exon_ends)
                deltas = mask_known_sites(deltas, boundary)
            scores[batch.members], positions[batch.members] = deltas.scores, deltas.positions
        self._count(tile, batches)
        return tile.rows, Deltas(scores, positions)

    def _count(self, tile: Tile, batches: list[Batch]) -> None:
        network, statistics = self.bundle.network, self.statistics
        statistics.tiles += 1
        statistics.tile_bases += tile.end - tile.start
        if self.options.engine == "full":
            taps = sum(
                window_taps(network, 2 * self.options.distance + 1)
                + window_taps(network, batch.geometry.outputs)
                for batch in batches
                for _ in batch.members
            )
        else:
            taps = window_taps(network, tile.end - tile.start)
            taps += sum(
                variant_taps(network, batch.geometry, self.device.block) * len(batch.members)
                for batch in batches
            )
        statistics.multiply_adds += int(taps) * network.channels**2 * len(self._passes)

    def _table(
        self,
        shard: pa.Table,
        genes: Sequence[Gene],
        annotation: str,
        scores: np.ndarray,
        positions: np.ndarray,
    ) -> pa.Table:
        rows = shard.num_rows
        chosen = [genes[row] for row in shard.column("gene_row").to_pylist()]
        columns: dict[str, object] = {
            name: shard.column(name) for name in ("contig", "pos", "ref", "alt")
        }
        columns["gene"] = [gene.name for gene in chosen]
        columns["gene_id"] = [gene.gene_id for gene in chosen]
        columns["transcript_id"] = [gene.transcript_id for gene in chosen]
        columns["strand"] = [gene.strand for gene in chosen]
        for index, kind in enumerate(("ag", "al", "dg", "dl")):
            columns[f"ds_{kind}"] = scores[:, index]
            columns[f"dp_{kind}"] = positions[:, index]
        columns["status"] = [str(Status.SCORED)] * rows
        columns["model"] = [self.bundle.score_fingerprint(self.options.calibrated)] * rows
        columns["annotation"] = [annotation] * rows
        columns["distance"] = [self.options.distance] * rows
        columns["masked"] = [self.options.mask] * rows
        return pa.table({name: columns[name] for name in SCORE_SCHEMA.names}, schema=SCORE_SCHEMA)


class _FullPass:
    """One member, run on the whole window of every allele."""

    def __init__(self, bundle: Bundle, member: str, device: Device) -> None:
        self._context = bundle.context
        self._session = open_session(member_graph(bundle.weights(member), device.half), device)

    def run(self, tile: Tile, batches: list[Batch], shared: dict) -> MemberScores:
        """Logits of the tile's outputs that alleles read, and of every allele."""
        codes = tile.codes.astype(np.int32)
        reference = np.zeros((tile.end - tile.start, OUTPUTS), np.float32)
        alts = []
        done: set[tuple[int, int]] = set()
        half = self._context // 2
        for batch in batches:
            geometry = batch.geometry
            windows = []
            for anchor, allele in zip(batch.anchors, batch.codes, strict=True):
                first = anchor - geometry.left - half
                last = anchor + geometry.ref_length + geometry.right + half
                # The outputs of REF may reach beyond those of ALT: a deletion longer than D.
                ends = first, max(last, first + self._context + 1)
                if ends not in done:
                    done.add(ends)
                    window = codes[None, ends[0] : ends[1]]
                    outputs = self._session.run(["logits"], {"codes": window})[0][0]
                    reference[ends[0] : ends[0] + len(outputs)] = outputs
                windows.append(
                    np.concatenate(
                        [codes[first:anchor], allele, codes[anchor + geometry.ref_length : last]]
                    )
                )
            alts.append(self._session.run(["logits"], {"codes": np.stack(windows)})[0])
        return MemberScores(reference, alts)


class _IncrementalPass:
    """One member: the reference graph over the tile, the variant graph over its alleles."""

    def __init__(self, bundle: Bundle, member: str, device: Device) -> None:
        self._network = bundle.network
        self._device = device
        weights = bundle.weights(member)
        self._reference = open_session(reference_graph(weights, device.block, device.half), device)
        self._variant = open_session(variant_graph(weights, device.block, device.half), device)
        self._names = ["logits", *kept_names(bundle.network)]

    def run(self, tile: Tile, batches: list[Batch], shared: dict) -> MemberScores:
        """Logits of the tile and of every allele.

        ``shared`` holds the plans of the tile, which are the same for all members.
        """
        codes = self._value(tile.codes[None].astype(np.int32))
        outputs = self._run(self._reference, {"codes": codes}, self._names)
        kept = dict(zip(self._names[1:], outputs[1:], strict=True))
        reference = outputs[0].numpy()[0, :, :OUTPUTS]
        alts = []
        for batch in batches:
            plan = self._plan(batch.geometry, len(tile.codes), shared)
            inputs = kept | plan
            inputs["alleles"] = self._value(batch.codes)
            inputs["anchor"] = self._value(batch.anchors.astype(np.int32)[:, None, None])
            logits = self._run(self._variant, inputs, ["logits"])[0].numpy()
            alts.append(logits[:, :, :OUTPUTS].copy())
        return MemberScores(reference.copy(), alts)

    def _plan(
        self, geometry: Geometry, length: int, shared: dict
    ) -> dict[str, onnxruntime.OrtValue]:
        if geometry not in shared:
            plan = plan_variants(self._network, geometry, length, self._device.block)
            shared[geometry] = {
                name: self._value(array, on_device=name.endswith(".rows"))
                for name, array in plan.items()
            }
        return shared[geometry]

    def _value(self, array: np.ndarray, on_device: bool = True) -> onnxruntime.OrtValue:
        kind = self._device.kind if on_device else "cpu"
        return onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array), kind, 0)

    def _run(
        self,
        session: onnxruntime.InferenceSession,
        inputs: dict[str, onnxruntime.OrtValue],
        outputs: list[str],
    ) -> list[onnxruntime.OrtValue]:
        """Run on bound values: activations stay on the device, logits come to the host."""
        binding = session.io_binding()
        for name, value in inputs.items():
            binding.bind_ortvalue_input(name, value)
        for name in outputs:
            binding.bind_output(name, "cpu" if name == "logits" else self._device.kind, 0)
        session.run_with_iobinding(binding)
        return binding.get_outputs()
