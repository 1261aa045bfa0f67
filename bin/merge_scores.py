#!/usr/bin/env python3
"""Merge the scores of all shards, and the alleles without a score, into one sorted table.

``--output`` is ``scores.parquet`` (schema in ``spliceflow.scores.table``), sorted by contig
in the order of the FASTA, position, REF, ALT and gene. ``--summary`` is JSON: ``rows``,
``scored_rows`` (alleles × genes), ``scored_alleles``, ``unscored`` (alleles by status), ``model``
and ``annotation`` (fingerprints; empty if nothing was scored).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from spliceflow.atomic import atomic_path
from spliceflow.errors import run_entrypoint
from spliceflow.genome.fasta import Genome
from spliceflow.scores.merge import merge_scores


def main() -> None:
    """Parse the command line and merge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--scores", type=Path, nargs="*", default=[], help="scores of the shards; may be none"
    )
    parser.add_argument("--unscored", type=Path, required=True, help="table of unscored alleles")
    parser.add_argument("--fasta", type=Path, required=True, help="FASTA, for the contigs' order")
    parser.add_argument(
        "--memory-gb", type=float, default=1.0, help="memory to sort in (default: 1)"
    )
    parser.add_argument("--output", type=Path, required=True, help="scores table to write")
    parser.add_argument("--summary", type=Path, required=True, help="summary to write (JSON)")
    arguments = parser.parse_args()
    with Genome(arguments.fasta) as genome:
        contigs = list(genome.contigs)
    merged = merge_scores(
        arguments.scores, arguments.unscored, contigs, arguments.output, arguments.memory_gb
    )
    with atomic_path(arguments.summary) as temporary:
        temporary.write_text(
            json.dumps(dataclasses.asdict(merged), indent=2) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    run_entrypoint(main)
