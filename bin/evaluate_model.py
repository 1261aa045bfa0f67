#!/usr/bin/env python3
"""Evaluate a bundle on a dataset: top-k accuracy, AUPRC, precision, recall and F1.

Writes a CSV with one row for each contig (and ``all``) and kind of site (acceptor, donor, and
``both`` for their mean); columns as in ``spliceflow.training.evaluation.SiteMetrics``.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import asdict, fields
from pathlib import Path

from spliceflow.atomic import atomic_path
from spliceflow.errors import run_entrypoint
from spliceflow.models.bundle import Bundle
from spliceflow.scores.run import PRECISIONS
from spliceflow.scoring.sessions import DEVICES, choose_device
from spliceflow.scoring.tracks import TrackPredictor
from spliceflow.training.evaluation import SiteMetrics, evaluate, sequences_of
from spliceflow.training.shards import shard_paths


def main() -> None:
    """Parse the command line and evaluate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, nargs="+", help="folders with shards")
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--name", help="of the model in the table [the bundle's]")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()

    bundle = Bundle.load(arguments.bundle)
    predictor = TrackPredictor(
        bundle,
        choose_device(arguments.device, arguments.precision),
        threads=arguments.threads,
    )
    shards = [path for folder in arguments.dataset for path in shard_paths(folder)]
    rows = evaluate(predictor, sequences_of(shards), arguments.name or bundle.card.name)
    with atomic_path(arguments.output) as temporary, temporary.open("w", newline="") as out:
        writer = csv.DictWriter(out, [field.name for field in fields(SiteMetrics)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


if __name__ == "__main__":
    run_entrypoint(main)
