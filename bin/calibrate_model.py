#!/usr/bin/env python3
"""Find a bundle's temperature on the validation split.

Writes a JSON: temperature, NLL, Brier score and calibration errors before and after, and the
reliability curves of acceptor and donor.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from spliceflow.errors import run_entrypoint  # isort: split

import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.models.bundle import Bundle
from spliceflow.scoring.sessions import DEVICES, choose_device
from spliceflow.scoring.tracks import TrackPredictor
from spliceflow.training.calibration import calibrate, sample_logits
from spliceflow.training.evaluation import sequences_of
from spliceflow.training.shards import shard_paths

BACKGROUND = 1_000_000
"""Bases far from any site that are looked at, at most; bounds the memory."""


def main() -> None:
    """Parse the command line and calibrate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, nargs="+", help="folders with shards")
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()

    shards = [path for folder in arguments.dataset for path in shard_paths(folder)]
    bases = sum(
        sum(pq.read_table(path, columns=["length"]).column("length").to_pylist()) for path in shards
    )
    predictor = TrackPredictor(
        Bundle.load(arguments.bundle),
        choose_device(arguments.device),
        threads=arguments.threads,
    )
    every = max(1, -(-bases // BACKGROUND))
    result = calibrate(sample_logits(predictor, sequences_of(shards), every))
    with atomic_path(arguments.output) as temporary:
        temporary.write_text(json.dumps(asdict(result), indent=2) + "\n")


if __name__ == "__main__":
    run_entrypoint(main)
