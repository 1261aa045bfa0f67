#!/usr/bin/env python3
"""Write one report of a run: ``multiqc_report.html`` and the tables behind it.

Reads what the other entrypoints wrote (keys of their summaries are documented there); each part
may be left out, its sections then stay out. The page is self-contained.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from spliceflow.errors import run_entrypoint
from spliceflow.models.bundle import Bundle
from spliceflow.report.findings import Findings, digest_scores, parse_versions, read_summary
from spliceflow.report.multiqc import write_report


def main() -> None:
    """Parse the command line and write the report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output-dir", type=Path, required=True, help="folder to write")
    parser.add_argument("--scores", type=Path, help="merged scores (Parquet)")
    parser.add_argument("--genes-summary", type=Path, help="summary of prepare_genes.py")
    parser.add_argument("--variants-summary", type=Path, help="summary of shard_variants.py")
    parser.add_argument(
        "--runs", type=Path, nargs="*", default=[], help="summaries of score_variants.py"
    )
    parser.add_argument(
        "--annotated", type=Path, nargs="*", default=[], help="summaries of annotate_vcf.py"
    )
    parser.add_argument("--bundle", type=Path, help="model bundle that scored")
    parser.add_argument("--params", type=Path, help="the run's parameters (JSON)")
    parser.add_argument("--versions", type=Path, help="versions of the software (YAML)")
    parser.add_argument("--title", default="spliceflow", help="title (default: %(default)s)")
    arguments = parser.parse_args()
    annotated = sorted(map(read_summary, arguments.annotated), key=lambda summary: summary["name"])
    runs = sorted(map(read_summary, arguments.runs), key=lambda summary: summary["shard"])
    findings = Findings(
        scores=digest_scores(arguments.scores) if arguments.scores else None,
        genes=read_summary(arguments.genes_summary) if arguments.genes_summary else None,
        variants=read_summary(arguments.variants_summary) if arguments.variants_summary else None,
        annotated=tuple(annotated),
        runs=tuple(runs),
        bundle=Bundle.load(arguments.bundle) if arguments.bundle else None,
        params=read_summary(arguments.params) if arguments.params else None,
        versions=parse_versions(arguments.versions) if arguments.versions else {},
    )
    write_report(findings, arguments.output_dir, arguments.title)


if __name__ == "__main__":
    run_entrypoint(main)
