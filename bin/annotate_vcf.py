#!/usr/bin/env python3
"""Write one input file with scores and statuses in INFO, as bgzip VCF with an index.

The index (``.tbi``; ``.csi`` where a contig is longer than tabix allows) is left out if the records
are not sorted. ``--summary`` is JSON: ``name``; ``records``, ``records_scored``; ``alleles`` (by
status, once per record and ALT); ``sorted``; ``index`` (tbi, csi or empty); ``effects``
(alleles by the delta score they reach: 0.2, 0.5, 0.8); ``strongest`` (the 200 alleles with the
largest delta scores, with the samples that carry them); ``output``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError, run_entrypoint
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import annotation_fingerprint, read_genes
from spliceflow.models.bundle import Bundle
from spliceflow.scores.annotate import ScoringLabel, annotate
from spliceflow.scores.run import ScoringRun
from spliceflow.variants.samplesheet import check_name


def main() -> None:
    """Parse the command line and annotate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vcf", type=Path, required=True, help="VCF or BCF file")
    parser.add_argument("--name", required=True, help="name of the file in the report")
    parser.add_argument("--scores", type=Path, required=True, help="merged scores (Parquet)")
    parser.add_argument(
        "--spellings", type=Path, required=True, help="alleles scored in another form (Parquet)"
    )
    parser.add_argument("--genes", type=Path, required=True, help="gene table (genes.parquet)")
    parser.add_argument(
        "--fasta", type=Path, required=True, help="FASTA, for names and lengths of contigs"
    )
    parser.add_argument("--bundle", type=Path, required=True, help="model bundle that scored")
    parser.add_argument(
        "--distance", type=int, default=50, help="distance used to score (default: %(default)s)"
    )
    parser.add_argument("--mask", action="store_true", help="scores are masked")
    parser.add_argument("--calibrated", action="store_true", help="scores are calibrated")
    parser.add_argument(
        "--decimals", type=int, default=2, help="decimals of delta scores (default: %(default)s)"
    )
    parser.add_argument("--threads", type=int, default=1, help="processes for a large file [1]")
    parser.add_argument("--output", type=Path, required=True, help="VCF to write (.vcf.gz)")
    parser.add_argument("--summary", type=Path, required=True, help="summary to write (JSON)")
    arguments = parser.parse_args()
    check_name(arguments.name, "--name")
    if not 1 <= arguments.decimals <= 9:
        raise InputError(f"--decimals {arguments.decimals} is not between 1 and 9.")
    bundle = Bundle.load(arguments.bundle)
    with Genome(arguments.fasta) as genome:
        contigs = genome.contigs
    label = ScoringLabel(
        tag=bundle.card.info_tag,
        model=bundle.card.name,
        run=ScoringRun(
            model=bundle.score_fingerprint(arguments.calibrated),
            annotation=annotation_fingerprint(read_genes(arguments.genes)),
            distance=arguments.distance,
            masked=arguments.mask,
            calibrated=arguments.calibrated,
        ),
        decimals=arguments.decimals,
    )
    try:
        counts = annotate(
            arguments.vcf,
            arguments.scores,
            arguments.spellings,
            contigs,
            label,
            arguments.output,
            arguments.threads,
        )
    except BrokenProcessPool:
        # As if the system had ended the whole task: the pipeline tries again with more memory.
        print("error: a process was killed, most likely for want of memory.", file=sys.stderr)
        sys.exit(137)
    summary = {
        "name": arguments.name,
        **dataclasses.asdict(counts),
        "output": arguments.output.name,
    }
    with atomic_path(arguments.summary) as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_entrypoint(main)
