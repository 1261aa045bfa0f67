#!/usr/bin/env python3
"""Find the unique alleles of a cohort and cut them into shards of equal predicted cost.

``--output-dir`` receives ``shard_00001.parquet`` and so on, ``--unscored`` the alleles that can't
be scored with the reason, ``--spellings`` the alleles that are scored in another form than their
minimal one (schemas in ``spliceflow.scores.table``). ``--summary`` is JSON:

- ``files``: number of input files; ``records``, ``alleles``: in all of them together;
- ``unique_alleles``: alleles that differ from each other in the form in which they are scored;
- ``status``: unique alleles by status (``scored`` means: in the shards, or known);
- ``classes``: unique alleles by variant class; ``class_status``: by class, then status;
- ``unmatched_contigs``: unique alleles by contig the FASTA does not have;
- ``shards``, ``shard_rows`` (alleles × genes), ``cost``, ``largest_shard_cost`` (multiply-adds);
- ``estimated_cpu_hours``: what scoring the shards should take on CPUs;
- ``known``: null without ``--score-store``; else ``rows`` (alleles × genes found there, not in
  the shards), ``alleles`` and ``imported`` (rows with rounded scores of another program);
- ``inputs``: list of ``sample``, ``records`` and ``alleles`` of each file.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError, run_entrypoint
from spliceflow.genome.assembly import assembly_fingerprint
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, annotation_fingerprint, read_genes
from spliceflow.models.bundle import Bundle
from spliceflow.scores.run import PRECISIONS, ScoringRun
from spliceflow.scores.store import Lookup, ScoreStore
from spliceflow.scoring.planner import cost_function, cpu_seconds
from spliceflow.variants.jobs import CohortShards, TakeKnown, shard_cohort
from spliceflow.variants.samplesheet import InputFile, read_samplesheet


def main() -> None:
    """Parse the command line and write the shards."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--samplesheet", type=Path, required=True, help="CSV with the columns sample and vcf"
    )
    parser.add_argument("--fasta", type=Path, required=True, help="FASTA the calls were made on")
    parser.add_argument("--genes", type=Path, required=True, help="gene table (genes.parquet)")
    parser.add_argument(
        "--distance", type=int, default=50, help="bases searched either side (default: %(default)s)"
    )
    parser.add_argument("--bundle", type=Path, required=True, help="model bundle, for the costs")
    parser.add_argument(
        "--max-shard-cost",
        type=float,
        default=2e13,
        help="predicted cost of a shard, multiply-adds (default: %(default)g, some ten minutes of "
        "one core)",
    )
    parser.add_argument(
        "--memory-gb", type=float, default=1.0, help="memory to sort alleles in (default: 1)"
    )
    parser.add_argument("--output-dir", type=Path, required=True, help="folder for the shards")
    parser.add_argument("--unscored", type=Path, required=True, help="table of unscored alleles")
    parser.add_argument(
        "--spellings", type=Path, required=True, help="table of alleles scored in another form"
    )
    parser.add_argument(
        "--left-align",
        action="store_true",
        help="score each insertion and deletion at its leftmost place",
    )
    parser.add_argument("--summary", type=Path, required=True, help="summary to write (JSON)")
    store = parser.add_argument_group("score store", "scores that are known are not made again")
    store.add_argument("--score-store", help="folder or URI (s3://…) of the store")
    store.add_argument("--known", type=Path, help="table to write with the known scores")
    store.add_argument("--mask", action="store_true", help="look for masked scores")
    store.add_argument("--calibrated", action="store_true", help="look for calibrated scores")
    store.add_argument("--precision", choices=PRECISIONS, default="fp32", help="[fp32]")
    arguments = parser.parse_args()
    if not 0 <= arguments.distance <= 4999:
        raise InputError(f"--distance {arguments.distance} is not between 0 and 4999.")
    if not arguments.max_shard_cost > 0:
        raise InputError("--max-shard-cost has to be a number above 0.")
    if bool(arguments.score_store) != bool(arguments.known):
        raise InputError("--score-store and --known belong together: give both or neither.")
    bundle = Bundle.load(arguments.bundle)
    genes = read_genes(arguments.genes)
    inputs = read_samplesheet(arguments.samplesheet)
    with Genome(arguments.fasta) as genome:
        cohort = shard_cohort(
            [entry.vcf for entry in inputs],
            genome,
            genes,
            arguments.distance,
            arguments.output_dir,
            arguments.unscored,
            arguments.spellings,
            arguments.max_shard_cost,
            cost_function(bundle, arguments.distance),
            memory_gb=arguments.memory_gb,
            take_known=_known_scores(arguments, bundle, genes, genome),
            left_align=arguments.left_align,
        )
    with atomic_path(arguments.summary) as temporary:
        temporary.write_text(
            json.dumps(summarise(cohort, inputs), indent=2) + "\n", encoding="utf-8"
        )


def _known_scores(
    arguments: argparse.Namespace, bundle: Bundle, genes: list[Gene], genome: Genome
) -> TakeKnown | None:
    if not arguments.score_store:
        return None
    run = ScoringRun(
        model=bundle.score_fingerprint(arguments.calibrated),
        annotation=annotation_fingerprint(genes),
        assembly=assembly_fingerprint(genome),
        distance=arguments.distance,
        masked=arguments.mask,
        calibrated=arguments.calibrated,
        precision=arguments.precision,
    )
    store = ScoreStore(arguments.score_store)
    return partial(store.take_known, Lookup(run, arguments.known))


def summarise(cohort: CohortShards, inputs: list[InputFile]) -> dict[str, object]:
    """The summary, as described at the top of this file."""
    status: dict[str, int] = {}
    classes: dict[str, int] = {}
    class_status: dict[str, dict[str, int]] = {}
    for (kind, word), count in sorted(cohort.counts.items()):
        status[word] = status.get(word, 0) + count
        classes[kind] = classes.get(kind, 0) + count
        class_status.setdefault(kind, {})[word] = count
    return {
        "files": len(cohort.files),
        "records": sum(counts.records for counts in cohort.files),
        "alleles": sum(counts.alleles for counts in cohort.files),
        "unique_alleles": cohort.unique_alleles,
        "status": status,
        "classes": classes,
        "class_status": class_status,
        "unmatched_contigs": cohort.foreign,
        "shards": len(cohort.shards),
        "shard_rows": sum(shard.rows for shard in cohort.shards),
        "cost": sum(shard.cost for shard in cohort.shards),
        "largest_shard_cost": max((shard.cost for shard in cohort.shards), default=0.0),
        "estimated_cpu_hours": cpu_seconds(sum(shard.cost for shard in cohort.shards)) / 3600,
        "known": asdict(cohort.known) if cohort.known else None,
        "inputs": [
            {"sample": entry.sample, "records": counts.records, "alleles": counts.alleles}
            for entry, counts in zip(inputs, cohort.files, strict=True)
        ],
    }


if __name__ == "__main__":
    run_entrypoint(main)
