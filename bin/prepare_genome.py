#!/usr/bin/env python3
"""Put a reference sequence into the form the other steps read: one folder, indexed.

Writes to ``--output-dir``:

- ``genome.fa`` or ``genome.fa.gz``: the sequence, unchanged; a gzip file is packed again as bgzip,
- its ``.fai`` (and ``.gzi``) index,
- ``contigs.tsv``: columns ``contig`` and ``length`` (bases), in the order of the file.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from spliceflow.atomic import atomic_path
from spliceflow.bgzf import BgzipWriter, is_bgzip, is_gzip, read_blocks
from spliceflow.errors import InputError, run_entrypoint
from spliceflow.genome.fasta import Genome


def main() -> None:
    """Parse the command line and prepare the genome."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasta", type=Path, required=True, help="FASTA: plain, gzip or bgzip")
    parser.add_argument("--output-dir", type=Path, required=True, help="folder to write")
    parser.add_argument("--threads", type=int, default=1, help="threads to pack gzip as bgzip")
    arguments = parser.parse_args()
    prepare_genome(arguments.fasta, arguments.output_dir, arguments.threads)


def prepare_genome(fasta: Path, output_dir: Path, threads: int = 1) -> None:
    """Copy or pack ``fasta`` into ``output_dir`` and index it there.

    Raises:
        InputError: the file is missing, damaged, or not FASTA.
    """
    if not fasta.is_file():
        raise InputError(f"FASTA file {fasta} does not exist; check --fasta.")
    first = next(read_blocks(fasta), b"")
    if not first.startswith(b">"):
        raise InputError(f"{fasta} is not FASTA: it does not start with '>'.")
    with atomic_path(output_dir) as folder:
        folder.mkdir()
        if is_bgzip(fasta):
            target = folder / "genome.fa.gz"
            for _ in read_blocks(fasta):
                pass  # A damaged or cut off file is found here, not in the middle of a run.
            _place(fasta, target)
        elif is_gzip(fasta):
            target = folder / "genome.fa.gz"
            with BgzipWriter(target, threads) as packed:
                for block in read_blocks(fasta):
                    packed.write(block)
        else:
            target = folder / "genome.fa"
            _place(fasta, target)
        with Genome(target) as genome:
            rows = [f"{contig}\t{length}\n" for contig, length in genome.contigs.items()]
        (folder / "contigs.tsv").write_text("contig\tlength\n" + "".join(rows), encoding="utf-8")


def _place(source: Path, target: Path) -> None:
    # A link to the name would be broken inside the next step's container, where only this folder
    # is visible; a second name for the same data is not, and costs nothing.
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    run_entrypoint(main)
