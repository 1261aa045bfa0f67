#!/usr/bin/env python3
"""Propose variants in genes that were kept from a student: a shard for SCORE_VARIANTS.

Substitutions, insertions and deletions near splice sites and anywhere, the same ones every time.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from spliceflow.errors import InputError, run_entrypoint  # isort: split

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import read_genes
from spliceflow.training.holdout import held_out_names
from spliceflow.variants.allele_tables import JOB_SCHEMA
from spliceflow.variants.proposals import Proposals, propose


def main() -> None:
    """Parse the command line and write the shard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fasta", required=True)
    parser.add_argument("--genes", required=True, help="genes.parquet")
    parser.add_argument("--held-out-one-in", type=int, default=5, metavar="N", help="0: all genes")
    parser.add_argument("--per-site", type=int, default=5)
    parser.add_argument("--anywhere", type=int, default=40, help="variants a gene")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()

    genes = read_genes(arguments.genes)
    kept = held_out_names(genes, arguments.held_out_one_in)
    rows: list[tuple[str, int, str, str, int]] = []
    proposals = Proposals(per_site=arguments.per_site, anywhere=arguments.anywhere)
    with Genome(arguments.fasta) as genome:
        for row, gene in enumerate(genes):
            if gene.name in kept:
                rng = np.random.default_rng([arguments.seed, row])
                rows += [
                    (gene.contig, variant.pos, variant.ref, variant.alt, row)
                    for variant in propose(genome, gene, proposals, rng)
                ]
    if not rows:
        raise InputError(
            f"no gene of {arguments.genes} is held out; give more genes or a smaller "
            "--held-out-one-in."
        )
    columns = zip(*rows, strict=True)
    table = pa.table(dict(zip(JOB_SCHEMA.names, columns, strict=True)), schema=JOB_SCHEMA)
    with atomic_path(arguments.output) as temporary:
        pq.write_table(table, temporary)


if __name__ == "__main__":
    run_entrypoint(main)
