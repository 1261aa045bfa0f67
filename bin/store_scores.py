#!/usr/bin/env python3
"""Add the scores of a run to a score store.

``--summary`` is JSON: ``rows`` (alleles × genes added) and the run they were added under.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

from spliceflow.errors import InputError, run_entrypoint  # isort: split

import pyarrow as pa
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.genome.assembly import assembly_fingerprint
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import annotation_fingerprint, read_genes
from spliceflow.models.bundle import Bundle
from spliceflow.scores.run import PRECISIONS, ScoringRun
from spliceflow.scores.store import ScoreStore
from spliceflow.scores.table import SCORE_SCHEMA


def main() -> None:
    """Parse the command line and add the scores."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--score-store", required=True, help="folder or URI (s3://…) of the store")
    parser.add_argument(
        "--scores", type=Path, nargs="*", default=[], help="scores of the shards; may be none"
    )
    parser.add_argument("--fasta", type=Path, required=True, help="FASTA the scores were made on")
    parser.add_argument("--genes", type=Path, required=True, help="gene table (genes.parquet)")
    parser.add_argument("--bundle", type=Path, required=True, help="model bundle that scored")
    parser.add_argument("--distance", type=int, default=50, help="distance used to score [50]")
    parser.add_argument("--mask", action="store_true", help="the scores are masked")
    parser.add_argument("--calibrated", action="store_true", help="the scores are calibrated")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="[fp32]")
    parser.add_argument("--summary", type=Path, required=True, help="summary to write (JSON)")
    arguments = parser.parse_args()
    with Genome(arguments.fasta) as genome:
        assembly = assembly_fingerprint(genome)
    run = ScoringRun(
        model=Bundle.load(arguments.bundle).score_fingerprint(arguments.calibrated),
        annotation=annotation_fingerprint(read_genes(arguments.genes)),
        assembly=assembly,
        distance=arguments.distance,
        masked=arguments.mask,
        calibrated=arguments.calibrated,
        precision=arguments.precision,
    )
    rows = ScoreStore(arguments.score_store).append(run, _tables(arguments.scores))
    summary = {"rows": rows, **dataclasses.asdict(run)}
    with atomic_path(arguments.summary) as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def _tables(paths: list[Path]) -> Iterator[pa.Table]:
    for path in paths:
        try:
            yield pq.read_table(path, columns=SCORE_SCHEMA.names).cast(SCORE_SCHEMA)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"{path} is not a table of scores, or is damaged; delete it and run again."
            ) from error


if __name__ == "__main__":
    run_entrypoint(main)
