#!/usr/bin/env python3
"""Score the alleles of one shard with a model bundle.

The summary (JSON) has: alleles, tiles, tile_bases, multiply_adds (all members), start_up_seconds
(opening the sessions), wall_seconds and cpu_seconds (scoring alone), peak_memory_bytes, device,
precision, threads, engine, shard, model (fingerprint).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from spliceflow.errors import InputError, run_entrypoint  # isort: split

import pyarrow as pa
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import annotation_fingerprint, read_genes
from spliceflow.models.bundle import Bundle
from spliceflow.scores.run import PRECISIONS
from spliceflow.scoring.sessions import DEVICES, available_threads, choose_device
from spliceflow.scoring.variants import ENGINES, ScoringOptions, VariantScorer
from spliceflow.variants.allele_tables import JOB_SCHEMA


def main() -> None:
    """Parse the command line and score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shard", required=True, type=Path, help="Parquet made by SHARD_VARIANTS")
    parser.add_argument("--fasta", required=True, type=Path, help="indexed reference FASTA")
    parser.add_argument("--genes", required=True, type=Path, help="genes.parquet")
    parser.add_argument("--bundle", required=True, type=Path, help="model bundle directory")
    parser.add_argument("--distance", type=int, default=50, help="bases searched around POS [50]")
    parser.add_argument("--mask", action="store_true", help="mask gains at known sites, and losses")
    parser.add_argument(
        "--calibrated", action="store_true", help="apply the bundle's calibration temperature"
    )
    parser.add_argument("--device", choices=DEVICES, default="auto", help="[auto]")
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32", help="[fp32]")
    parser.add_argument("--engine", choices=ENGINES, default="incremental", help="[incremental]")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores [0]")
    parser.add_argument("--batch-size", type=int, default=0, help="0: chosen from width [0]")
    parser.add_argument("--output", required=True, type=Path, help="scores, Parquet")
    parser.add_argument("--summary", type=Path, help="what the run cost, JSON")
    arguments = parser.parse_args()

    options = ScoringOptions(
        distance=arguments.distance,
        mask=arguments.mask,
        engine=arguments.engine,
        calibrated=arguments.calibrated,
        threads=arguments.threads,
        batch_size=arguments.batch_size,
    )
    shard = _read_shard(arguments.shard)
    genes = read_genes(arguments.genes)
    bundle = Bundle.load(arguments.bundle)
    device = choose_device(arguments.device, arguments.precision)
    scorer = VariantScorer(bundle, device, options)
    with Genome(arguments.fasta) as genome:
        scores = scorer.score(shard, genes, genome, annotation_fingerprint(genes))
    with atomic_path(arguments.output) as partial:
        pq.write_table(scores, partial, compression="zstd")
    if arguments.summary:
        summary = asdict(scorer.statistics) | {
            "device": device.kind,
            "precision": device.precision,
            "threads": options.threads or available_threads(),
            "engine": options.engine,
            "shard": arguments.shard.name,
            "model": bundle.score_fingerprint(options.calibrated),
        }
        with atomic_path(arguments.summary) as partial:
            partial.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def _read_shard(path: Path) -> pa.Table:
    try:
        return pq.read_table(path, columns=JOB_SCHEMA.names).cast(JOB_SCHEMA)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} can't be read as a shard: make it with shard_variants.py") from (
            error
        )


if __name__ == "__main__":
    run_entrypoint(main)
