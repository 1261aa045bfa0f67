#!/usr/bin/env python3
"""Ask a big ensemble about genes and mutated copies of them; the answers teach a small network.

Writes a dataset (shards and manifest.json) of the genes that are not held out, or with
``--held-out`` of those that are. ``--part 2/4`` does the second quarter of the genes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from spliceflow.errors import InputError, run_entrypoint  # isort: split

import torch

from spliceflow.atomic import atomic_path
from spliceflow.genome.fasta import UNKNOWN, Genome
from spliceflow.genome.genes import Gene, read_genes
from spliceflow.models.published import check_sums
from spliceflow.training.distillation import Lessons, lessons_of_gene
from spliceflow.training.holdout import held_out_names
from spliceflow.training.loop import choose_device
from spliceflow.training.members import load_members
from spliceflow.training.shards import write_shards


def main() -> None:
    """Parse the command line and write the dataset."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", required=True, help="directory of state dicts (.pt)")
    parser.add_argument(
        "--sha256", type=Path, help="file of 'SHA256  NAME' lines that the teacher's files match"
    )
    parser.add_argument("--fasta", required=True)
    parser.add_argument("--genes", required=True, help="genes.parquet")
    parser.add_argument("--copies", type=int, default=3, help="mutated copies of each gene")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations")
    parser.add_argument("--held-out", action="store_true", help="the held-out genes, not the rest")
    parser.add_argument("--held-out-one-in", type=int, default=5, metavar="N")
    parser.add_argument("--part", default="1/1", metavar="I/N")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 for all")
    parser.add_argument("--output-dir", required=True)
    arguments = parser.parse_args()

    if arguments.sha256:
        check_sums(Path(arguments.teacher), arguments.sha256)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    part, parts = _part(arguments.part)
    device = choose_device(arguments.device)
    # a GPU answers as a CPU does, and as the exported teacher that the student is compared with
    torch.backends.cudnn.allow_tf32 = False
    teacher = [member.to(device) for member in load_members(arguments.teacher)]
    lessons = Lessons(copies=arguments.copies, seed=arguments.seed)
    genome = Genome(arguments.fasta)
    genes = read_genes(arguments.genes)
    held_out = held_out_names(genes, arguments.held_out_one_in)
    chosen = [gene for gene in genes if (gene.name in held_out) == arguments.held_out]
    left_out = [gene for gene in genes if (gene.name in held_out) != arguments.held_out]
    known = [_known_share(genome, gene) >= 0.5 for gene in chosen]
    unknown = [gene for gene, read in zip(chosen, known, strict=True) if not read]
    chosen = [gene for gene, read in zip(chosen, known, strict=True) if read]
    # Longest first and dealt out in turns: parts of like size.
    chosen.sort(key=lambda gene: gene.tx_start - gene.tx_end)
    chosen = chosen[part - 1 :: parts]

    def sequences():
        began = time.monotonic()
        for number, gene in enumerate(chosen, 1):
            yield from lessons_of_gene(teacher, genome, gene, lessons, device=device)
            print(
                f"gene {number}/{len(chosen)} {gene.name}  {time.monotonic() - began:.0f} s",
                file=sys.stderr,
                flush=True,
            )

    output = Path(arguments.output_dir)
    paths = write_shards(sequences(), output)
    manifest = {
        "genes": [gene.name for gene in chosen],
        "left_out": {
            "on_the_other_side": [gene.name for gene in left_out],
            "mostly_without_sequence": [gene.name for gene in unknown],
        },
        "copies": arguments.copies,
        "seed": arguments.seed,
        "shards": [path.name for path in paths],
    }
    with atomic_path(output / "manifest.json") as temporary:
        temporary.write_text(json.dumps(manifest, indent=2) + "\n")


def _known_share(genome: Genome, gene: Gene) -> float:
    return float((genome.codes(gene.contig, gene.tx_start, gene.tx_end) < UNKNOWN).mean())


def _part(text: str) -> tuple[int, int]:
    try:
        part, parts = (int(value) for value in text.split("/"))
    except ValueError:
        part, parts = 0, 0
    if not 1 <= part <= parts:
        raise InputError(f"--part {text} is not of the form I/N with I from 1 to N.")
    return part, parts


if __name__ == "__main__":
    run_entrypoint(main)
