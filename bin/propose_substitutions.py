#!/usr/bin/env python3
"""All substitutions of a region as a shard for SCORE_VARIANTS (in-silico mutagenesis)."""

from __future__ import annotations

import argparse
import re
from dataclasses import astuple
from pathlib import Path

from spliceflow.errors import InputError, run_entrypoint  # isort: split

import pyarrow as pa
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import read_genes
from spliceflow.variants.allele_tables import JOB_SCHEMA
from spliceflow.variants.mutagenesis import substitutions


def main() -> None:
    """Parse the command line and write the shard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fasta", required=True)
    parser.add_argument("--genes", required=True, help="genes.parquet")
    parser.add_argument("--region", required=True, help="contig:start-end, 1-based, inclusive")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()

    match = re.fullmatch(r"(.+):([\d,]+)-([\d,]+)", arguments.region)
    if not match:
        raise InputError(f"--region {arguments.region} is not of the form contig:start-end.")
    start, end = (int(match[group].replace(",", "")) for group in (2, 3))
    with Genome(arguments.fasta) as genome:
        rows = [
            astuple(one)
            for one in substitutions(genome, read_genes(arguments.genes), match[1], start - 1, end)
        ]
    if not rows:
        raise InputError(f"region {arguments.region} has no base A, C, G or T inside a gene.")
    columns = dict(zip(JOB_SCHEMA.names, zip(*rows, strict=True), strict=True))
    with atomic_path(arguments.output) as temporary:
        pq.write_table(pa.table(columns, schema=JOB_SCHEMA), temporary)


if __name__ == "__main__":
    run_entrypoint(main)
