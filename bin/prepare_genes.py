#!/usr/bin/env python3
"""Read an annotation and write the genes that variants are scored in.

``--output`` is ``genes.parquet`` (schema in ``spliceflow.genome.genes``). ``--summary`` is JSON:

- ``format``: GTF, GFF3 or SpliceAI; ``transcripts_choice``: the choice asked for;
- ``fingerprint``: of the kept genes, as in the scores table;
- ``genes_read``, ``transcripts_read``, ``transcripts_unusable``: what the file holds;
- ``genes_kept``, ``transcripts_kept``;
- ``chosen``: kept transcripts by reason (mane, canonical, longest, all, table);
- ``other_biotypes``: genes left out, by biotype;
- ``unmatched_contigs``: genes left out, by contig the FASTA does not have;
- ``outside_contig``: genes left out because they start beyond the end of their contig;
- ``duplicates``: transcripts left out because the file has them twice;
- ``without_exons``: transcripts read whose exons were put together from coding, untranslated and
  codon parts, as there are no ``exon`` lines for them;
- ``without_gene``: transcripts read that name no gene, each counted as a gene of its own.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError, run_entrypoint
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import (
    TranscriptChoice,
    annotation_fingerprint,
    read_annotation,
    write_genes,
)


def main() -> None:
    """Parse the command line and write the gene table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--annotation", type=Path, required=True, help="GTF, GFF3 or SpliceAI's table; may be gzip"
    )
    parser.add_argument("--fasta", type=Path, required=True, help="FASTA of the same assembly")
    parser.add_argument(
        "--transcripts",
        choices=[choice.value for choice in TranscriptChoice],
        default=TranscriptChoice.MANE.value,
        help="transcript kept of each gene (default: %(default)s)",
    )
    parser.add_argument(
        "--biotypes",
        default="protein_coding",
        help="gene biotypes to keep, separated by commas, or 'any' (default: %(default)s)",
    )
    parser.add_argument("--output", type=Path, required=True, help="gene table to write (Parquet)")
    parser.add_argument("--summary", type=Path, required=True, help="summary to write (JSON)")
    arguments = parser.parse_args()
    with Genome(arguments.fasta) as genome:
        contigs = genome.contigs
    biotypes = _words(arguments.biotypes)
    annotation = read_annotation(arguments.annotation, arguments.transcripts, contigs, biotypes)
    write_genes(annotation.genes, arguments.output)
    summary = {
        "format": annotation.format,
        "transcripts_choice": arguments.transcripts,
        "fingerprint": annotation_fingerprint(annotation.genes),
        "genes_read": annotation.genes_read,
        "transcripts_read": annotation.transcripts_read,
        "transcripts_unusable": annotation.transcripts_unusable,
        "genes_kept": annotation.genes_kept,
        "transcripts_kept": len(annotation.genes),
        "chosen": annotation.chosen,
        "other_biotypes": annotation.other_biotypes,
        "unmatched_contigs": annotation.unmatched,
        "outside_contig": annotation.outside,
        "duplicates": annotation.duplicates,
        "without_exons": annotation.without_exons,
        "without_gene": annotation.without_gene,
    }
    with atomic_path(arguments.summary) as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def _words(text: str) -> list[str]:
    """Biotypes of a list divided by commas; none for ``any``."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise InputError(f"--biotypes {text!r} names no biotype; 'any' keeps all.")
    return [] if "any" in words else words


if __name__ == "__main__":
    run_entrypoint(main)
