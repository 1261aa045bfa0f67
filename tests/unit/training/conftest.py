from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spliceflow.genome.genes import Gene, write_genes

LETTERS = "ACGT"


def site_rich_gene(rng: np.random.Generator, exons: int) -> tuple[str, list[tuple[int, int]]]:
    """A gene with consensus sites: its sequence and its exons, 0-based, half-open."""
    text, spans = "", []
    for number in range(exons):
        start = len(text)
        text += "".join(rng.choice(list(LETTERS), 90)) + ("CAG" if number < exons - 1 else "TAA")
        spans.append((start, len(text)))
        if number < exons - 1:
            text += "GTAAGT" + "".join(rng.choice(list("AATTTC"), 120))
            text += "TACTAAC" + "".join(rng.choice(list("CTTT"), 22)) + "CAG"
    return text, spans


@pytest.fixture(scope="session")
def small_genome(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """FASTA of three contigs with genes on both strands, and its gene table."""
    folder = tmp_path_factory.mktemp("genome")
    rng = np.random.default_rng(5)
    complement = str.maketrans("ACGT", "TGCA")
    genes, contigs = [], []
    for contig in ("chr1", "chr2", "chr3"):
        sequence = "".join(rng.choice(list(LETTERS), 300))
        for number in range(6):
            text, spans = site_rich_gene(rng, int(rng.integers(2, 5)))
            strand = "+-"[number % 2]
            if strand == "-":
                text = text[::-1].translate(complement)
                spans = [(len(text) - end, len(text) - start) for start, end in reversed(spans)]
            offset = len(sequence)
            name = f"{contig}g{number}"
            genes.append(
                Gene(
                    name,
                    name,
                    f"{name}.1",
                    contig,
                    strand,
                    offset,
                    offset + len(text),
                    tuple(offset + start for start, _ in spans),
                    tuple(offset + end for _, end in spans),
                    "protein_coding",
                )
            )
            sequence += text + "".join(rng.choice(list(LETTERS), 200))
        contigs.append((contig, sequence))
    fasta = folder / "genome.fa"
    with fasta.open("w") as out:
        for contig, sequence in contigs:
            out.write(f">{contig}\n")
            for start in range(0, len(sequence), 60):
                out.write(sequence[start : start + 60] + "\n")
    write_genes(genes, folder / "genes.parquet")
    return fasta, folder / "genes.parquet"
