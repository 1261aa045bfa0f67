"""Genes, headers and records for tests of variants."""

from __future__ import annotations

from spliceflow.genome.genes import Gene

HEADER = [
    "##fileformat=VCFv4.2",
    '##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count">',
    "##contig=<ID=1,length=4000>",
    "##contig=<ID=2,length=1500>",
    "##contig=<ID=MT,length=300>",
    "##contig=<ID=GL9,length=500>",
]
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"

GENES = [
    Gene("ONE", "G1", "T1", "chr1", "+", 100, 900, (100, 800), (200, 900), "protein_coding"),
    Gene("IN;ONE", "G2", "T2", "chr1", "-", 300, 600, (300,), (600,), "protein_coding"),
    Gene("END", "G3", "T3", "chr1", "+", 3500, 4000, (3500,), (4000,), "protein_coding"),
    Gene("TWO", "G4", "T4", "chr2", "-", 0, 1500, (0, 1000), (50, 1500), "protein_coding"),
]


def vcf_text(records: list[str], samples: tuple[str, ...] = ()) -> str:
    """A VCF of ``records`` (whole lines without line ends)."""
    columns = COLUMNS + ("\tFORMAT\t" + "\t".join(samples) if samples else "")
    return "\n".join([*HEADER, columns, *records]) + "\n"


def record(contig: str, pos: int, ref: str, alt: str, info: str = "AC=1") -> str:
    """One line of a VCF without samples."""
    return f"{contig}\t{pos}\t.\t{ref}\t{alt}\t.\tPASS\t{info}"
