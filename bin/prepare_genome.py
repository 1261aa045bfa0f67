#!/usr/bin/env python3
"""Put a reference sequence into the form the other steps read: one folder, indexed.

Writes to ``--output-dir``:

- ``genome.fa`` or ``genome.fa.gz``: the sequence, unchanged; a gzip file is packed again as bgzip,
- its ``.fai`` (and ``.gzi``) index,
- ``contigs.tsv``: columns ``contig`` and ``length`` (bases), in the order of the file,
- ``assembly.sha256``: digest of the sequence, by which a score store knows it.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from spliceflow.atomic import atomic_path
from spliceflow.bgzf import BgzipWriter, is_bgzip, is_gzip, read_blocks
from spliceflow.errors import InputError, run_entrypoint
from spliceflow.genome.assembly import DIGEST_FILE, AssemblyDigest
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
    if not next(read_blocks(fasta), b"").startswith(b">"):
        raise InputError(f"{fasta} is not FASTA: it does not start with '>'.")
    with atomic_path(output_dir) as folder:
        folder.mkdir()
        target = folder / ("genome.fa.gz" if is_gzip(fasta) else "genome.fa")
        if is_gzip(fasta) and not is_bgzip(fasta):
            with BgzipWriter(target, threads) as packed:
                digest = _read_all(fasta, packed)
        else:
            # Reading it all finds a damaged or cut off file now, not in the middle of a run.
            digest = _read_all(fasta)
            _place(fasta, target)
        with Genome(target) as genome:
            rows = [f"{contig}\t{length}\n" for contig, length in genome.contigs.items()]
        checksum = digest.finish()
        if len(rows) != digest.contigs:
            raise InputError(
                f"{fasta} has {digest.contigs} sequences but {len(rows)} names; give each its "
                "own name."
            )
        (folder / "contigs.tsv").write_text("contig\tlength\n" + "".join(rows), encoding="utf-8")
        (folder / DIGEST_FILE).write_text(f"{checksum}\n", encoding="utf-8")


def _read_all(fasta: Path, packed: BgzipWriter | None = None) -> AssemblyDigest:
    """Digest ``fasta``; copy it to ``packed`` on the way."""
    digest = AssemblyDigest()
    for block in read_blocks(fasta):
        digest.add(block)
        if packed:
            packed.write(block)
    return digest


def _place(source: Path, target: Path) -> None:
    # A link to the name would be broken inside the next step's container, where only this folder
    # is visible; a second name for the same data is not, and costs nothing.
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


if __name__ == "__main__":
    run_entrypoint(main)
