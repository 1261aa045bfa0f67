"""Probabilities of acceptor and donor at every base of a sequence, a region or a gene.

Coordinates: an acceptor is the first, a donor the last exonic base in the direction of
transcription; both strands are reported in genome order, 0-based.

Regions of a contig are computed in tiles that lie on a grid of the contig's own coordinates, so a
base gets the same number, bit for bit, however the contig is cut into regions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from spliceflow.errors import InputError
from spliceflow.genome.fasta import UNKNOWN, Genome
from spliceflow.models.bundle import Bundle
from spliceflow.models.graphs import OUTPUTS, reference_graph
from spliceflow.parallel import in_order
from spliceflow.scoring.ensemble import mean_probabilities
from spliceflow.scoring.regions import TILE, Region, Track
from spliceflow.scoring.sessions import Device, available_threads, open_session
from spliceflow.scoring.windows import window_codes


class TrackPredictor:
    """A bundle ready to read sequence; sessions are opened once.

    Args:
        bundle: model.
        device: where to compute.
        threads: sessions that run at a time; 0 takes all cores of the process.
        calibrated: divide logits by the bundle's temperature.
        tile: bases a forward pass.
    """

    def __init__(
        self,
        bundle: Bundle,
        device: Device,
        *,
        threads: int = 0,
        calibrated: bool = False,
        tile: int = TILE,
    ) -> None:
        if tile < 1:
            raise InputError(f"--tile {tile} is below 1; give a number of bases.")
        device = device.for_channels(bundle.network.channels)
        self.context = bundle.context
        self.tile = tile
        self._temperature = bundle.card.temperature if calibrated else 1.0
        self._threads = 1 if device.kind == "cuda" else threads or available_threads()
        self._sessions = []
        for member in bundle.members:
            model = reference_graph(bundle.weights(member), device.block, device.half)
            # Only variants read the activations that this graph returns beside the logits.
            del model.graph.output[1:]
            self._sessions.append(open_session(model, device))

    def member_logits(self, codes: np.ndarray) -> np.ndarray:
        """Logits of every member for one window.

        Args:
            codes: uint8 (L + context,).

        Returns:
            float32 (members, L, 3).
        """
        feed = {"codes": codes.astype(np.int32)[None]}
        return np.stack(
            [session.run(["logits"], feed)[0][0, :, :OUTPUTS] for session in self._sessions]
        )

    def probabilities(self, codes: np.ndarray) -> np.ndarray:
        """Mean of the members' probabilities for one window.

        Args:
            codes: uint8 (L + context,).

        Returns:
            float32 (L, 3): neither, acceptor, donor.
        """
        return mean_probabilities(self.member_logits(codes), self._temperature)

    def windows(self, windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """:meth:`probabilities` of many windows in order, a few at a time on all threads."""
        return self._in_parallel(self.probabilities, windows)

    def logits_of_windows(self, windows: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """:meth:`member_logits` of many windows in order, a few at a time on all threads."""
        return self._in_parallel(self.member_logits, windows)

    def _in_parallel(
        self, compute: Callable[[np.ndarray], np.ndarray], windows: Iterable[np.ndarray]
    ) -> Iterator[np.ndarray]:
        with ThreadPoolExecutor(self._threads) as pool:
            submitted = ((None, [pool.submit(compute, window)]) for window in windows)
            for _, results in in_order(submitted, ahead=2 * self._threads):
                yield from results

    def sequence(self, codes: np.ndarray) -> np.ndarray:
        """Probabilities of a whole sequence with N around it: uint8 (L,) → float32 (L, 3)."""
        half = self.context // 2
        padded = np.pad(codes, half, constant_values=UNKNOWN)
        spans = [
            (start, min(start + self.tile, codes.size)) for start in range(0, codes.size, self.tile)
        ]
        pieces = self.windows(padded[start : end + 2 * half] for start, end in spans)
        return np.concatenate([np.zeros((0, OUTPUTS), np.float32), *pieces])

    def tracks(self, genome: Genome, regions: Iterable[Region]) -> Iterator[Track]:
        """Tracks of regions in order, each in one or more pieces of at most a tile."""
        half = self.context // 2
        pieces: deque[tuple[Region, int]] = deque()

        def windows() -> Iterator[np.ndarray]:
            for region in regions:
                low, high = _bounds(genome, region)
                for piece, start, end in _pieces(region, self.tile, low, high):
                    pieces.append((piece, start))
                    yield window_codes(
                        *(genome, region.contig, start - half, end + half),
                        *(region.strand, region.gene),
                    )

        for probability in self.windows(windows()):
            piece, start = pieces.popleft()
            if piece.strand == "-":
                probability = probability[::-1]
            kept = probability[piece.start - start : piece.end - start]
            yield Track(piece, kept[:, 1].copy(), kept[:, 2].copy())


def _bounds(genome: Genome, region: Region) -> tuple[int, int]:
    """Bases that have something to predict: those of the gene, or of the contig."""
    if region.gene is not None:
        return region.gene.tx_start, region.gene.tx_end
    try:
        return 0, genome.contigs[region.contig]
    except KeyError:
        raise InputError(
            f"FASTA file {genome.path} has no contig {region.contig!r}; check the regions."
        ) from None


def _pieces(region: Region, tile: int, low: int, high: int) -> Iterator[tuple[Region, int, int]]:
    """Parts of a region within [low, high) with the bounds of the tiles they are cut from.

    The tiles depend on ``low``, ``high`` and the grid alone, not on the region.
    """
    begin, stop = max(region.start, low), min(region.end, high)
    for first in range(begin // tile * tile, stop, tile):
        yield (
            Region(
                region.contig,
                max(begin, first),
                min(stop, first + tile),
                region.strand,
                region.gene,
            ),
            max(first, low),
            min(first + tile, high),
        )
