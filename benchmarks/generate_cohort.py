#!/usr/bin/env python3
"""Make a cohort of any size: sites × samples, as one VCF or as one file for each sample.

Sites are drawn over the whole genome (the bundled example's, --fasta, or an artificial one of
--megabases, which can be larger than its VCF is useful): mostly SNVs, some insertions, deletions
and sites with two alternate alleles, and a few alleles that can't be scored. Allele frequencies are
skewed as in populations. The same --seed gives the same cohort. Writes about 100 MB of text a
second and core; --artificial writes genome.fa and genes.tsv (SpliceAI's table) too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))

from spliceflow.bgzf import BgzipWriter  # noqa: E402
from spliceflow.errors import InputError, run_entrypoint  # noqa: E402
from spliceflow.genome.fasta import Genome  # noqa: E402

_BLOCK_TEXT = 4 << 20
_GENE, _GAP = 40_000, 20_000
_CONTIG = 50_000_000


@dataclass(frozen=True)
class Site:
    """One record without its samples; ``pos`` is 1-based."""

    contig: str
    pos: int
    ref: str
    alt: str

    def line(self, count: int) -> bytes:
        """CHROM to INFO, and FORMAT, without a line end."""
        alleles = f"{self.contig}\t{self.pos}\t.\t{self.ref}\t{self.alt}"
        return f"{alleles}\t50\tPASS\tAC={count}\tGT".encode()


def main() -> None:
    """Parse the command line and write the cohort."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, required=True, help="records")
    parser.add_argument("--samples", type=int, default=1, help="samples [1]")
    parser.add_argument(
        "--separate", action="store_true", help="a file for each sample with the sites it carries"
    )
    parser.add_argument("--fasta", type=Path, help="genome [the bundled example's]")
    parser.add_argument("--artificial", type=float, metavar="MB", help="make a genome of this size")
    parser.add_argument("--seed", type=int, default=1, help="[1]")
    parser.add_argument("--threads", type=int, default=1, help="threads that compress [1]")
    parser.add_argument("--output-dir", type=Path, required=True, help="folder for the cohort")
    arguments = parser.parse_args()
    if arguments.sites < 0 or arguments.samples < 1:
        raise InputError("--sites has to be at least 0, --samples at least 1.")
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    fasta = arguments.fasta or ROOT / "assets" / "example" / "genome.fa.gz"
    if arguments.artificial:
        fasta = artificial_genome(arguments.output_dir, int(arguments.artificial * 1e6))
    with Genome(fasta) as genome:
        made = write_cohort(
            genome,
            arguments.output_dir,
            arguments.sites,
            arguments.samples,
            arguments.seed,
            arguments.separate,
            arguments.threads,
        )
    print(json.dumps(made))


def artificial_genome(folder: Path, bases: int, seed: int = 1) -> Path:
    """Random contigs, and genes of 40 kb every 60 kb, two exons each.

    Returns:
        ``genome.fa`` in ``folder``; ``genes.tsv`` is beside it.
    """
    generator = np.random.default_rng(seed)
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    columns = ["#NAME", "CHROM", "STRAND", "TX_START", "TX_END", "EXON_START", "EXON_END"]
    rows = ["\t".join(columns)]
    with (folder / "genome.fa").open("wb") as fasta:
        for number, first in enumerate(range(0, bases, _CONTIG), start=1):
            length = min(_CONTIG, bases - first)
            sequence = letters[generator.integers(0, 4, length)].tobytes()
            fasta.write(f">chr{number}\n".encode())
            for start in range(0, length, 100):
                fasta.write(sequence[start : start + 100] + b"\n")
            for start in range(_GAP, length - _GENE, _GENE + _GAP):
                end, strand = start + _GENE, "+-"[start // _GENE % 2]
                exons = (f"{start},{end - 500},", f"{start + 500},{end},")
                name = f"GENE{len(rows)}"
                rows.append("\t".join((name, f"chr{number}", strand, str(start), str(end), *exons)))
    (folder / "genes.tsv").write_text("\n".join(rows) + "\n")
    (folder / "genome.fa.fai").unlink(missing_ok=True)
    return folder / "genome.fa"


def write_cohort(
    genome: Genome,
    folder: Path,
    sites: int,
    samples: int,
    seed: int = 1,
    separate: bool = False,
    threads: int = 1,
) -> dict[str, int]:
    """Write ``cohort.vcf.gz``, or ``sample_00001.vcf.gz`` and so on, and ``samplesheet.csv``.

    Returns:
        records, samples, alleles and genotypes that were written.
    """
    generator = np.random.default_rng(seed)
    names = [f"sample_{number:05d}" for number in range(1, samples + 1)]
    contigs = "".join(f"##contig=<ID={name},length={n}>\n" for name, n in genome.contigs.items())
    head = (
        "##fileformat=VCFv4.2\n"
        '##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count">\n'
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">\n'
        f"{contigs}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t"
    )
    files = [[name] for name in names] if separate else [names]
    stems = names if separate else ["cohort"]
    sheet = "".join(f"{stem},{(folder / stem).resolve()}.vcf.gz\n" for stem in stems)
    (folder / "samplesheet.csv").write_text(f"sample,vcf\n{sheet}")
    counts = {"records": 0, "samples": samples, "alleles": 0, "genotypes": 0}
    rows = max(1, min(1 << 14, _BLOCK_TEXT // (4 * samples)))
    with ExitStack() as stack:
        # Many open files would reach the system's limit, so separate ones are gathered in memory.
        writers = []
        if not separate:
            writer = stack.enter_context(BgzipWriter(folder / "cohort.vcf.gz", threads))
            writer.write((head + "\t".join(files[0]) + "\n").encode())
            writers.append(writer)
        texts: list[list[bytes]] = [[] for _ in names] if separate else []
        block: list[Site] = []
        for site in draw_sites(genome, sites, generator):
            block.append(site)
            if len(block) == rows:
                _write_block(block, samples, generator, writers, texts, counts)
                block.clear()
        _write_block(block, samples, generator, writers, texts, counts)
    for name, lines in zip(names, texts, strict=False):
        with BgzipWriter(folder / f"{name}.vcf.gz", threads) as writer:
            writer.write((head + name + "\n").encode())
            writer.write(b"".join(lines))
    return counts


def draw_sites(genome: Genome, sites: int, generator: np.random.Generator) -> Iterator[Site]:
    """Sites in order, none twice; positions without a known base are passed over.

    Raises:
        InputError: the genome is too small.
    """
    total = sum(genome.contigs.values())
    if sites > total // 2:
        raise InputError(f"{sites} sites don't fit well into {total} bases; give a larger genome.")
    left, bases = sites, total
    for contig, length in genome.contigs.items():
        here = (
            left
            if length == bases
            else int(generator.hypergeometric(length, bases - length, left))
            if left
            else 0
        )
        left, bases = left - here, bases - length
        positions = np.sort(generator.choice(length, here, replace=False))
        kinds = generator.random(here)
        for start in range(0, length, 1 << 20):
            text = genome.sequence(contig, start, min(start + (1 << 20) + 40, length)).upper()
            first, last = np.searchsorted(positions, [start, start + (1 << 20)])
            for at, kind in zip(positions[first:last].tolist(), kinds[first:last], strict=True):
                ref = text[at - start]
                # An unknown base is kept, and can't be scored, so the number of records is right.
                others = "ACGT".replace(ref, "")
                alt = others[int(kind * 1e6) % 3]
                size = 1 + int(kind * 1e7) % 12
                if kind > 0.995:
                    alt = "<DEL>" if kind > 0.998 else "*"
                elif kind > 0.95:
                    ref = text[at - start : at - start + 1 + size]
                    alt = ref[0]
                elif kind > 0.91:
                    alt = ref + (others * 4)[:size]
                elif kind > 0.88:
                    alt = f"{alt},{others[(int(kind * 1e6) + 1) % 3]}"
                yield Site(contig, at + 1, ref, alt)


def _write_block(
    block: list[Site],
    samples: int,
    generator: np.random.Generator,
    writers: list[BgzipWriter],
    texts: list[list[bytes]],
    counts: dict[str, int],
) -> None:
    if not block:
        return
    # Frequencies as 1/x from one allele in the cohort to all of them.
    frequency = (1 / (2 * samples)) ** generator.random(len(block)) if samples > 1 else None
    size = (len(block), samples, 2)
    if frequency is None:
        carried = np.broadcast_to([[[False, True]]], size)
    else:
        carried = generator.random(size, dtype=np.float32) < frequency[:, None, None]
    genotypes = np.tile(np.frombuffer(b"\t0/0", dtype=np.uint8), (len(block), samples, 1))
    genotypes[:, :, 1::2] += carried
    totals = carried.sum(axis=(1, 2))
    counts["records"] += len(block)
    counts["alleles"] += sum(1 + site.alt.count(",") for site in block)
    counts["genotypes"] += len(block) * samples
    if writers:
        rows = genotypes.reshape(len(block), -1)
        writers[0].write(
            b"".join(
                site.line(int(total)) + row.tobytes() + b"\n"
                for site, total, row in zip(block, totals, rows, strict=True)
            )
        )
        return
    for site, total, row, carriers in zip(
        block, totals, genotypes, carried.any(axis=2), strict=True
    ):
        line = site.line(int(total))
        for sample in np.flatnonzero(carriers).tolist():
            texts[sample].append(line + row[sample].tobytes() + b"\n")


if __name__ == "__main__":
    run_entrypoint(main)
