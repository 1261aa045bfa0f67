#!/usr/bin/env python3
"""Make the training, validation and test splits of one species.

Writes the folders ``train``, ``validation`` and ``test`` with shards, ``left_out.tsv`` (gene,
contig, reason) and ``manifest.json``: settings, and for each split genes, bases, acceptors,
donors, the share of GT-AG introns among them, contigs and names.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from spliceflow.errors import run_entrypoint  # isort: split

import numpy as np

from spliceflow.atomic import atomic_path
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import read_genes
from spliceflow.training.dataset import (
    SPLIT_METHODS,
    SPLITS,
    GeneModel,
    SplitSettings,
    divide,
    gene_models,
    taught_sequences,
)
from spliceflow.training.holdout import held_out_names
from spliceflow.training.shards import SHARD_BASES, TaughtSequence, write_shards


def main() -> None:
    """Parse the command line and write the dataset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fasta", required=True)
    parser.add_argument("--genes", required=True, help="genes.parquet, one or all transcripts")
    parser.add_argument("--name", default="dataset", help="of the species, for the manifest")
    parser.add_argument("--split", choices=SPLIT_METHODS, default="genes")
    parser.add_argument("--test-share", type=float, default=0.2)
    parser.add_argument("--validation-share", type=float, default=0.1)
    parser.add_argument("--keep-intronless", action="store_true")
    parser.add_argument("--keep-paralogs", action="store_true", help="of other splits, in the test")
    parser.add_argument("--min-identity", type=float, default=0.8)
    parser.add_argument("--min-coverage", type=float, default=0.5)
    parser.add_argument(
        "--held-out-one-in", type=int, default=0, metavar="N", help="only genes kept from a student"
    )
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--shard-bases", type=int, default=SHARD_BASES)
    parser.add_argument("--output-dir", required=True, type=Path)
    arguments = parser.parse_args()

    settings = SplitSettings(
        method=arguments.split,
        test_share=arguments.test_share,
        validation_share=arguments.validation_share,
        keep_intronless=arguments.keep_intronless,
        remove_paralogs=not arguments.keep_paralogs,
        min_identity=arguments.min_identity,
        min_coverage=arguments.min_coverage,
        seed=arguments.seed,
    )
    manifest: dict[str, object] = {"name": arguments.name, "settings": asdict(settings)}
    with Genome(arguments.fasta) as genome, atomic_path(arguments.output_dir) as output:
        genes = read_genes(arguments.genes)
        kept = held_out_names(genes, arguments.held_out_one_in)
        genes = [gene for gene in genes if gene.name in kept]
        division = divide(gene_models(genes), genome, settings)
        output.mkdir()
        for split in SPLITS:
            models = division.splits[split]
            counted = _Counts()
            sequences = taught_sequences(models, genome, settings.seed)
            write_shards(counted.of(sequences), output / split, shard_bases=arguments.shard_bases)
            manifest[split] = counted.summary(models)
        (output / "left_out.tsv").write_text(
            "gene\tcontig\treason\n"
            + "".join(f"{one.name}\t{one.contig}\t{one.reason}\n" for one in division.left_out)
        )
        reasons = Counter(
            "paralog" if one.reason.startswith("paralog_of_") else one.reason
            for one in division.left_out
        )
        manifest["left_out"] = dict(sorted(reasons.items()))
        (output / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


class _Counts:
    """Counts what passes through, for the manifest."""

    def __init__(self) -> None:
        self.bases = self.acceptors = self.donors = self.canonical = 0

    def of(self, sequences: Iterator[TaughtSequence]) -> Iterator[TaughtSequence]:
        for sequence in sequences:
            self.bases += sequence.acceptor.size
            acceptors = np.flatnonzero(sequence.acceptor)
            donors = np.flatnonzero(sequence.donor)
            self.acceptors += acceptors.size
            self.donors += donors.size
            codes = np.pad(sequence.codes, 2, constant_values=4)
            # AG right before an acceptor, GT right after a donor, as codes 0 2 and 2 3.
            self.canonical += int(((codes[acceptors] == 0) & (codes[acceptors + 1] == 2)).sum())
            self.canonical += int(((codes[donors + 3] == 2) & (codes[donors + 4] == 3)).sum())
            yield sequence

    def summary(self, models: list[GeneModel]) -> dict[str, object]:
        sites = self.acceptors + self.donors
        return {
            "genes": len(models),
            "bases": self.bases,
            "acceptors": self.acceptors,
            "donors": self.donors,
            "canonical_share": round(self.canonical / sites, 4) if sites else None,
            "contigs": sorted({model.gene.contig for model in models}),
            "names": sorted(model.gene.name for model in models),
        }


if __name__ == "__main__":
    run_entrypoint(main)
