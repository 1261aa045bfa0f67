#!/usr/bin/env python3
"""Cut a genome, regions of it or its genes into tasks for PREDICT.

Writes ``regions_00001.tsv`` … with the columns contig, start (0-based), end (half-open), strand
and gene_row (empty unless gene-wise), each of at most ``--bases-per-task`` bases where a region or
gene allows it. Regions come from a BED file or as ``contig:start-end`` (1-based, inclusive).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from spliceflow.errors import InputError, run_entrypoint
from spliceflow.genome.contigs import ContigNames
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import read_genes
from spliceflow.genome.regions import read_bed
from spliceflow.scoring.regions import TILE

Row = tuple[str, int, int, str, str]


def main() -> None:
    """Parse the command line and write the region files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fasta", required=True)
    parser.add_argument("--genes", help="genes.parquet: predict gene by gene, on its strand")
    parser.add_argument("--regions", help="BED file or contig:start-end; default: everything")
    parser.add_argument("--strand", choices=("both", "+", "-"), default="both")
    parser.add_argument("--bases-per-task", type=int, default=20_000_000)
    parser.add_argument("--output-dir", required=True, type=Path)
    arguments = parser.parse_args()

    # Cuts on the grid of the tiles, so that no tile is computed by two tasks.
    step = max(arguments.bases_per_task // TILE, 1) * TILE
    with Genome(arguments.fasta) as genome:
        contigs = genome.contigs
    if arguments.genes and arguments.regions:
        raise InputError("--genes and --regions can't be combined; predict genes or regions.")
    if arguments.genes:
        rows = _genes(arguments.genes)
    else:
        strands = "+-" if arguments.strand == "both" else arguments.strand
        rows = (
            (contig, start, min(start - start % step + step, high), strand, "")
            for contig, low, high in _regions(arguments.regions, contigs)
            for start in [low, *range(low - low % step + step, high, step)]
            for strand in strands
        )
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    tasks: list[list[Row]] = []
    bases = 0
    for row in rows:
        length = row[2] - row[1]
        if not tasks or bases + length > arguments.bases_per_task:
            tasks.append([])
            bases = 0
        tasks[-1].append(row)
        bases += length
    if not tasks:
        raise InputError("there is nothing to predict; check --fasta, --genes and --regions.")
    for number, task in enumerate(tasks, 1):
        text = "".join("\t".join(map(str, row)) + "\n" for row in task)
        (arguments.output_dir / f"regions_{number:05d}.tsv").write_text(text)


def _genes(path: str) -> Iterator[Row]:
    for row, gene in enumerate(read_genes(path)):
        yield gene.contig, gene.tx_start, gene.tx_end, gene.strand, str(row)


def _regions(given: str | None, contigs: dict[str, int]) -> list[tuple[str, int, int]]:
    """Regions in the order of the FASTA, overlapping ones joined."""
    if given is None:
        return [(contig, 0, length) for contig, length in contigs.items() if length]
    match = re.fullmatch(r"(.+):([\d,]+)-([\d,]+)", given)
    if match:
        start, end = (int(match[group].replace(",", "")) for group in (2, 3))
        found = [(match[1], start - 1, end)]
    else:
        if not Path(given).is_file():
            raise InputError(f"--regions {given} is neither contig:start-end nor a BED file.")
        found = read_bed(given)
    names = ContigNames(contigs)
    found = [(names.resolve(contig) or contig, start, end) for contig, start, end in found]
    order = {contig: number for number, contig in enumerate(contigs)}
    joined: list[tuple[str, int, int]] = []
    for contig, start, end in found:
        if contig not in contigs:
            raise InputError(f"region {contig}:{start + 1}-{end}: the FASTA has no such contig.")
        if not 0 <= start < end <= contigs[contig]:
            raise InputError(
                f"region {contig}:{start + 1}-{end} is not within 1 and {contigs[contig]}, the "
                "length of the contig."
            )
    for contig, start, end in sorted(found, key=lambda region: (order[region[0]], region[1])):
        if joined and joined[-1][0] == contig and start <= joined[-1][2]:
            joined[-1] = (contig, joined[-1][1], max(end, joined[-1][2]))
        else:
            joined.append((contig, start, end))
    return joined


if __name__ == "__main__":
    run_entrypoint(main)
