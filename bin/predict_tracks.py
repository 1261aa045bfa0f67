#!/usr/bin/env python3
"""Predict acceptor and donor probabilities at every base of regions or genes.

Reads a region file of plan_regions.py and writes Parquet with one row a base and strand (and gene,
if gene-wise) whose acceptor or donor probability is at least ``--min-probability``: contig, pos
(1-based), strand, gene, acceptor, donor. An acceptor is the first, a donor the last exonic base.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from spliceflow.errors import InputError, run_entrypoint
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, read_genes
from spliceflow.models.bundle import Bundle
from spliceflow.scores.run import PRECISIONS
from spliceflow.scoring.regions import TILE, Region
from spliceflow.scoring.sessions import DEVICES, choose_device
from spliceflow.scoring.track_table import write_tracks
from spliceflow.scoring.tracks import TrackPredictor


def main() -> None:
    """Parse the command line and predict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--regions", required=True, type=Path, help="file of plan_regions.py")
    parser.add_argument("--fasta", required=True)
    parser.add_argument("--genes", help="genes.parquet, if the regions are genes")
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--min-probability", type=float, default=0.001)
    parser.add_argument("--calibrated", action="store_true")
    parser.add_argument("--tile", type=int, default=TILE)
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()

    genes = read_genes(arguments.genes) if arguments.genes else []
    predictor = TrackPredictor(
        Bundle.load(arguments.bundle),
        choose_device(arguments.device, arguments.precision),
        threads=arguments.threads,
        calibrated=arguments.calibrated,
        tile=arguments.tile,
    )
    with Genome(arguments.fasta) as genome:
        tracks = predictor.tracks(genome, _regions(arguments.regions, genes))
        write_tracks(tracks, arguments.output, arguments.min_probability)


def _regions(path: Path, genes: list[Gene]) -> Iterator[Region]:
    try:
        lines = path.read_text().splitlines()
        for line in lines:
            contig, start, end, strand, row = line.split("\t")
            gene = genes[int(row)] if row else None
            yield Region(contig, int(start), int(end), strand, gene)
    except (OSError, ValueError, IndexError) as error:
        raise InputError(
            f"{path} is not a region file for these genes; make it with plan_regions.py."
        ) from error


if __name__ == "__main__":
    run_entrypoint(main)
