#!/usr/bin/env python3
"""Join the tracks of all tasks into browser tracks and one table.

Writes to the output folder: ``NAME.acceptor.plus.bw``, ``NAME.acceptor.minus.bw`` and the same for
donor (bigWig; bases below the threshold of PREDICT are absent; where genes overlap on a strand the
larger value); ``NAME.acceptor.bed`` and ``NAME.donor.bed`` (BED6; one base a row, score = 1000 ×
probability, from ``--bed-probability`` on); ``NAME.tracks.parquet``, the rows of PREDICT.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from spliceflow.errors import run_entrypoint
from spliceflow.genome.fasta import Genome
from spliceflow.scoring.track_table import merge_tracks


def main() -> None:
    """Parse the command line and merge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", required=True, nargs="+", type=Path, help="of PREDICT")
    parser.add_argument("--fasta", required=True)
    parser.add_argument("--name", default="sites")
    parser.add_argument("--bed-probability", type=float, default=0.1)
    parser.add_argument("--output-dir", required=True, type=Path)
    arguments = parser.parse_args()
    with Genome(arguments.fasta) as genome:
        contigs = genome.contigs
    merge_tracks(
        sorted(arguments.tracks, key=lambda path: path.name),
        contigs,
        arguments.output_dir,
        arguments.name,
        arguments.bed_probability,
    )


if __name__ == "__main__":
    run_entrypoint(main)
