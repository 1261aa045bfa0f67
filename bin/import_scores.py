#!/usr/bin/env python3
"""Put the scores of an annotated VCF, such as SpliceAI's precomputed files, into a score store.

The VCF does not say what its scores were made with, so the command line does: a run with the same
model, genes, FASTA, distance and mask then takes them instead of scoring. They have two decimals;
scores that this pipeline made itself are preferred to them. Prints one line of JSON: records,
entries (of the tag, one per allele × gene), rows stored, and entries left out by reason.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from spliceflow.errors import InputError, run_entrypoint  # isort: split

import pyarrow as pa

from spliceflow.genome.assembly import assembly_fingerprint
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, annotation_fingerprint, read_genes
from spliceflow.models.bundle import Bundle
from spliceflow.scores.precomputed import ImportCounts, read_precomputed
from spliceflow.scores.run import ScoringRun
from spliceflow.scores.store import ScoreStore


def main() -> None:
    """Parse the command line and import."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--score-store", required=True, help="folder or URI (s3://…) of the store")
    parser.add_argument(
        "--vcf", type=Path, nargs="+", required=True, help="VCF or BCF files with scores in INFO"
    )
    parser.add_argument("--tag", default="SpliceAI", help="INFO key of the scores [%(default)s]")
    parser.add_argument("--bundle", type=Path, required=True, help="model bundle they stand for")
    parser.add_argument("--genes", type=Path, required=True, help="gene table (genes.parquet)")
    parser.add_argument("--fasta", type=Path, required=True, help="FASTA they were made on")
    parser.add_argument("--distance", type=int, default=50, help="distance they stand for [50]")
    parser.add_argument("--mask", action="store_true", help="the scores are masked")
    arguments = parser.parse_args()
    if not 0 <= arguments.distance <= 4999:
        raise InputError(f"--distance {arguments.distance} is not between 0 and 4999.")
    genes = read_genes(arguments.genes)
    counts = ImportCounts()
    with Genome(arguments.fasta) as genome:
        run = ScoringRun(
            model=Bundle.load(arguments.bundle).fingerprint,
            annotation=annotation_fingerprint(genes),
            assembly=assembly_fingerprint(genome),
            distance=arguments.distance,
            masked=arguments.mask,
        )
        # All files are read before anything is stored: a bad one leaves the store as it was.
        tables = _tables(arguments, run, genes, genome, counts)
        ScoreStore(arguments.score_store).append(run, tables, imported=True)
    print(json.dumps(asdict(counts)))


def _tables(
    arguments: argparse.Namespace,
    run: ScoringRun,
    genes: list[Gene],
    genome: Genome,
    counts: ImportCounts,
) -> Iterator[pa.Table]:
    for vcf in arguments.vcf:
        yield from read_precomputed(vcf, arguments.tag, run, genes, genome, counts)


if __name__ == "__main__":
    run_entrypoint(main)
