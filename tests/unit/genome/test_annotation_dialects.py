"""Spellings of GTF and GFF3 that programs write: one gene model, the same transcripts from each.

Gene A (+) has the transcripts A.1 and A.2, gene B (-) has B.1; coordinates are 1-based here, as in
the files.
"""

# ruff: noqa: E501 - a line of an annotation is long

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from spliceflow.bgzf import BgzipWriter
from spliceflow.errors import InputError
from spliceflow.genome.genes import Annotation, read_annotation

ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not here")


@dataclass(frozen=True)
class Model:
    gene: str
    name: str
    strand: str
    exons: tuple[tuple[int, int], ...]
    coding: tuple[tuple[int, int], ...]


A1 = Model(
    "A", "A.1", "+", ((101, 200), (301, 400), (801, 900)), ((151, 200), (301, 400), (801, 850))
)
A2 = Model("A", "A.2", "+", ((101, 200), (801, 900)), ((151, 200), (801, 850)))
B1 = Model("B", "B.1", "-", ((1101, 1200), (1301, 1400)), ((1151, 1200), (1301, 1350)))
MODELS = (A1, A2, B1)
LENGTH = {"chr1": 5000}


def row(model: Model, feature: str, place: tuple[int, int], attributes: str) -> str:
    start, end = place
    return f"chr1\tprogram\t{feature}\t{start}\t{end}\t.\t{model.strand}\t.\t{attributes}"


def whole(model: Model) -> tuple[int, int]:
    return model.exons[0][0], model.exons[-1][1]


def parts(model: Model, kinds: Iterable[str], attributes: Callable[[Model], str]) -> list[str]:
    rows = []
    for kind in kinds:
        places = model.exons if kind.lower() == "exon" else model.coding
        rows += [row(model, kind, place, attributes(model)) for place in places]
    return rows


def dialect(
    gene: Callable[[Model], str] | None,
    transcript: Callable[[Model], str] | None,
    part: Callable[[Model], str],
    *,
    gene_word: str = "gene",
    transcript_word: str = "transcript",
    kinds: Iterable[str] = ("exon", "CDS"),
) -> list[str]:
    """Lines of the gene model; None leaves lines of genes or transcripts out."""
    lines: list[str] = []
    for model in MODELS:
        if gene and model is not A2:
            lines.append(row(model, gene_word, whole(model), gene(model)))
        if transcript:
            lines.append(row(model, transcript_word, whole(model), transcript(model)))
        lines += parts(model, kinds, part)
    return lines


def gtf(model: Model) -> str:
    return f'transcript_id "{model.name}"; gene_id "{model.gene}";'


def ensembl(model: Model) -> str:
    return f'gene_id "{model.gene}"; gene_version "3"; transcript_id "{model.name}"; exon_number "1"; gene_source "x; y"; gene_biotype "protein_coding";'


DIALECTS: dict[str, list[str]] = {
    "AUGUSTUS, BRAKER": dialect(lambda m: m.gene, lambda m: m.name, gtf),
    "AUGUSTUS with its comments": [
        "# This output was generated with AUGUSTUS (version 3.4.0).",
        "# start gene A",
        *dialect(lambda m: m.gene, lambda m: m.name, gtf),
        "# protein sequence = [MDSSTWSPKTTAV",
        "# TRPVETHELIRN]",
        "# end gene B",
        "###",
    ],
    "AUGUSTUS with quoted identifiers": dialect(
        lambda m: f'"{m.gene}";', lambda m: f'"{m.name}";', gtf
    ),
    "TSEBRA, mRNA lines": dialect(lambda m: m.gene, lambda m: m.name, gtf, transcript_word="mRNA"),
    "GeneMark": dialect(
        lambda m: f'gene_id "{m.gene}"; transcript_id "{m.gene}";',
        lambda m: gtf(m) + " anchored 1;",
        lambda m: gtf(m) + ' cds_type "Internal"; count "1_3";',
        transcript_word="mRNA",
    ),
    "StringTie": dialect(
        None,
        lambda m: gtf(m) + ' cov "7.5"; FPKM "1.0"; TPM "2";',
        lambda m: gtf(m) + ' exon_number "1";',
    ),
    "Cufflinks, no transcript lines": dialect(None, None, gtf),
    "Ensembl GTF": dialect(ensembl, ensembl, ensembl),
    "values without quotes": dialect(
        None, None, lambda m: f"gene_id {m.gene}; transcript_id {m.name}"
    ),
    "no blank behind semicolons": dialect(
        None, None, lambda m: f'gene_id "{m.gene}";transcript_id "{m.name}";note "a;b c"'
    ),
    "upper case": dialect(
        gtf, gtf, gtf, gene_word="GENE", transcript_word="mRNA", kinds=("EXON", "CDS")
    ),
    "lower case": dialect(gtf, gtf, gtf, kinds=("exon", "cds")),
    "track lines": ["browser position chr1:1-900", 'track name="genes"', *dialect(None, None, gtf)],
    "a tenth column that is empty": [line + "\t" for line in dialect(None, None, gtf)],
    "gffread GTF": dialect(
        None,
        lambda m: gtf(m) + f' gene_name "{m.gene}"',
        lambda m: gtf(m) + f' gene_name "{m.gene}"',
    ),
    "UCSC, where the gene is the transcript": dialect(
        None,
        None,
        lambda m: f'gene_id "{m.name}"; transcript_id "{m.name}"; gene_name "{m.gene}";',
    ),
    "no gene but its name": dialect(
        None, None, lambda m: f'transcript_id "{m.name}"; gene_name "{m.gene}";'
    ),
    "gffread GFF3": [
        "##gff-version 3",
        *dialect(
            None,
            lambda m: f"ID={m.name};geneID={m.gene};gene_name={m.gene}",
            lambda m: f"Parent={m.name}",
        ),
    ],
    "gffread GFF3 of RefSeq": dialect(
        None, lambda m: f"ID=rna-{m.name};gene={m.gene}", lambda m: f"Parent=rna-{m.name}"
    ),
    "gffread GFF3 with loci": dialect(
        None,
        lambda m: f"ID={m.name};locus={m.gene}",
        lambda m: f"Parent={m.name}",
        transcript_word="mRNA",
    ),
    "gene lines taken out": dialect(
        None, lambda m: f"ID=rna-{m.name};Parent=gene-{m.gene}", lambda m: f"Parent=rna-{m.name}"
    ),
    "clusters above the genes": [
        row(A1, "locus", (101, 1400), "ID=RLOC_1"),
        *dialect(
            lambda m: f"ID={m.gene};Parent=RLOC_1",
            lambda m: f"ID={m.name};Parent={m.gene}",
            lambda m: f"Parent={m.name}",
        ),
    ],
    "Ensembl GFF3": dialect(
        lambda m: (
            f"ID=gene:{m.gene};Name={m.gene};biotype=protein_coding;gene_id={m.gene};logic_name=x"
        ),
        lambda m: (
            f"ID=transcript:{m.name};Parent=gene:{m.gene};biotype=protein_coding;transcript_id={m.name}"
        ),
        lambda m: f"Parent=transcript:{m.name};Name=ENSE0001;rank=1",
        transcript_word="mRNA",
    ),
    "NCBI": dialect(
        lambda m: (
            f"ID=gene-{m.gene};Dbxref=GeneID:1;Name={m.gene};gbkey=Gene;gene={m.gene};gene_biotype=protein_coding"
        ),
        lambda m: (
            f"ID=rna-{m.name};Parent=gene-{m.gene};Name={m.name};gbkey=mRNA;gene={m.gene};transcript_id={m.name}"
        ),
        lambda m: f"Parent=rna-{m.name};gbkey=mRNA;gene={m.gene}",
        transcript_word="mRNA",
    ),
    "Phytozome": dialect(
        lambda m: f"ID={m.gene}.v3.1;Name={m.gene}",
        lambda m: (
            f"ID={m.name};Name={m.name};pacid=123;longest={int(m is not A2)};Parent={m.gene}.v3.1"
        ),
        lambda m: f"Parent={m.name};pacid=123",
        transcript_word="mRNA",
    ),
    "FlyBase": dialect(
        lambda m: f"ID={m.gene};Name={m.gene};Alias=a,b;Ontology_term=SO:0000010",
        lambda m: f"ID={m.name};Name={m.gene}-RA;Parent={m.gene}",
        lambda m: f"Parent={m.name};parent_type=mRNA",
        transcript_word="mRNA",
    ),
    "WormBase": dialect(
        lambda m: f"ID=Gene:{m.gene};Name={m.gene};sequence_name=x;biotype=protein_coding",
        lambda m: f"ID=Transcript:{m.name};Parent=Gene:{m.gene};Name={m.name}",
        lambda m: f"Parent=Transcript:{m.name}",
        transcript_word="mRNA",
    ),
    "VectorBase": dialect(
        lambda m: f"ID={m.gene};description=x [Source:VB];ebi_biotype=protein_coding",
        lambda m: f"ID={m.name};Parent={m.gene};gene_ebi_biotype=protein_coding",
        lambda m: f"ID=exon_{m.name};Parent={m.name};gene_id={m.gene}",
        gene_word="protein_coding_gene",
        transcript_word="mRNA",
    ),
    "MAKER": [
        *dialect(
            lambda m: f"ID={m.gene};Name={m.gene}",
            lambda m: f"ID={m.name};Parent={m.gene};_AED=0.1;_QI=0|1|1|1",
            lambda m: f"ID={m.name}:part;Parent={m.name}",
            transcript_word="mRNA",
        ),
        row(A1, "match", (101, 900), "ID=m1;Name=x"),
        row(A1, "match_part", (101, 200), "ID=p1;Parent=m1;Target=x 1 100"),
        "##FASTA",
        ">chr1",
        "ACGT\tACGT",
    ],
    "PASA": dialect(
        lambda m: f"ID={m.gene};Name=novel%20gene%3B {m.gene}",
        lambda m: f"ID={m.name};Parent={m.gene};Name=x%2Cy",
        lambda m: f"ID={m.name}.exon1;Parent={m.name}",
        transcript_word="mRNA",
    ),
    "Liftoff": dialect(
        lambda m: f"ID={m.gene};coverage=1.0;sequence_ID=0.99;extra_copy_number=0;copy_num_ID=x_0",
        lambda m: f"ID={m.name};Parent={m.gene};matches_ref_protein=True;extra_copy_number=0",
        lambda m: f"ID=exon_1;Parent={m.name};extra_copy_number=0",
    ),
    "its own parent": [
        line
        for model in (A1, B1)
        for line in [
            row(
                model,
                "transcript",
                whole(model),
                f"ID={model.gene};Parent={model.gene};geneID={model.gene}",
            ),
            *parts(model, ("exon", "CDS"), lambda m: f"Parent={m.gene};gene_biotype="),
        ]
    ],
    "names in lower case, blanks around": dialect(
        lambda m: f" id={m.gene} ; name=x",
        lambda m: f"id={m.name}; parent={m.gene}",
        lambda m: f"parent={m.name} ; x=1",
    ),
    "quoted values": dialect(
        lambda m: f'ID="{m.gene}"',
        lambda m: f'ID="{m.name}";Parent="{m.gene}"',
        lambda m: f'Parent="{m.name}"',
    ),
    "attributes of GTF written with =": dialect(
        None, None, lambda m: f"gene_id={m.gene};transcript_id={m.name}"
    ),
    "coding parts and nothing else": [
        line
        for model in (A1, B1)
        for line in parts(
            model, ("exon",), lambda m: f"ID={m.gene};locus_tag={m.gene};product=hypothetical"
        )
        for line in [line.replace("\texon\t", "\tCDS\t")]
    ],
}


def genes(annotation: Annotation) -> dict[str, tuple[str, tuple[tuple[int, int], ...]]]:
    """Strand and exons (1-based) by gene."""
    return {
        gene.gene_id.removesuffix(".v3.1"): (
            gene.strand,
            tuple(
                (start + 1, end)
                for start, end in zip(gene.exon_starts, gene.exon_ends, strict=True)
            ),
        )
        for gene in annotation.genes
    }


TRUTH = {"A": ("+", A1.exons), "B": ("-", B1.exons)}


@pytest.mark.parametrize("order", ["as written", "backwards"])
@pytest.mark.parametrize("lines", DIALECTS.values(), ids=DIALECTS)
def test_every_dialect_holds_the_same_genes(tmp_path: Path, lines: list[str], order: str) -> None:
    end = next((at for at, line in enumerate(lines) if line.startswith("##FASTA")), len(lines))
    body = lines[:end] if order == "as written" else lines[:end][::-1]
    path = tmp_path / "genes"
    path.write_text("\n".join([*body, *lines[end:], ""]))
    annotation = read_annotation(path, "mane", LENGTH)
    assert genes(annotation) == TRUTH
    assert len(annotation.genes) == annotation.genes_read == 2
    assert (annotation.transcripts_unusable, annotation.without_gene) == (0, 0)
    assert len({(gene.gene_id, gene.name) for gene in annotation.genes}) == 2
    several = read_annotation(path, "all", LENGTH)
    assert len(several.genes) == (3 if any("A.2" in line for line in lines) else 2)


WRITTEN: dict[str, Callable[[str], bytes]] = {
    "byte-order mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR alone": lambda text: text.replace("\n", "\r").encode(),
    "no newline at the end": lambda text: text.rstrip("\n").encode(),
    "empty lines": lambda text: text.replace("\n", "\n\n").encode(),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "bgzip"])
@pytest.mark.parametrize("name", ["AUGUSTUS, BRAKER", "gffread GFF3", "Ensembl GTF", "NCBI"])
@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
def test_how_editors_leave_a_file(tmp_path: Path, name: str, write, packed: bool) -> None:
    path = tmp_path / "genes"
    content = write("\n".join([*DIALECTS[name], ""]))
    if packed:
        with BgzipWriter(path) as file:
            file.write(content)
    else:
        path.write_bytes(content)
    assert genes(read_annotation(path, "mane", LENGTH)) == TRUTH


CODING = {"A": ("+", A1.coding), "B": ("-", B1.coding)}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (dialect(lambda m: m.gene, lambda m: m.name, gtf, kinds=("CDS",)), CODING),
        (dialect(None, None, gtf, kinds=("initial",)), CODING),
        (
            dialect(
                lambda m: f"ID={m.gene}",
                lambda m: f"ID={m.name};Parent={m.gene}",
                lambda m: f"ID=cds;Parent={m.name}",
                transcript_word="mRNA",
                kinds=("CDS",),
            ),
            CODING,
        ),
    ],
    ids=["AUGUSTUS", "names of AUGUSTUS", "GFF3"],
)
def test_exons_of_coding_parts_are_counted(tmp_path: Path, lines, expected) -> None:
    path = tmp_path / "genes"
    path.write_text("\n".join(lines))
    annotation = read_annotation(path, "mane", LENGTH)
    assert genes(annotation) == expected
    assert annotation.without_exons == annotation.transcripts_read == 3


def test_a_stop_codon_across_an_intron_is_no_part_of_the_cds(tmp_path: Path) -> None:
    lines = [
        row(A1, "start_codon", (101, 103), gtf(A1)),
        row(A1, "CDS", (101, 200), gtf(A1)),
        row(A1, "intron", (203, 300), gtf(A1)),
        row(A1, "stop_codon", (201, 202), gtf(A1)),
        row(A1, "stop_codon", (301, 301), gtf(A1)),
        # says nothing of exons by itself
        row(B1, "start_codon", (1348, 1350), gtf(B1)),
    ]
    (tmp_path / "a.gtf").write_text("\n".join(lines))
    annotation = read_annotation(tmp_path / "a.gtf")
    assert genes(annotation) == {"A": ("+", ((101, 202), (301, 301)))}


def test_several_parents_and_encoded_names(tmp_path: Path) -> None:
    lines = [
        row(A1, "gene", (101, 900), "ID=g%2C1;Name=A%3BB"),
        row(A1, "mRNA", (101, 900), "ID=t%2C1;Parent=g%2C1"),
        row(A1, "mRNA", (101, 900), "ID=t2;Parent=g%2C1"),
        *(row(A1, "exon", place, "Parent=t%2C1,t2") for place in A2.exons),
        row(A1, "exon", (301, 400), "Parent=t2"),
    ]
    (tmp_path / "a.gff3").write_text("\n".join(lines).replace("chr1", "HLA%7Cchr1"))
    annotation = read_annotation(tmp_path / "a.gff3", "all", {"HLA|chr1": 5000})
    assert [(g.name, g.transcript_id, len(g.exon_starts)) for g in annotation.genes] == [
        ("A;B", "t,1", 2),
        ("A;B", "t2", 3),
    ]


def test_genes_without_lines_are_one_at_each_locus(tmp_path: Path) -> None:
    lines = [
        row(A1, "transcript", (start, start + 99), f"ID=t{start};geneID=A\n")
        + row(A1, "exon", (start, start + 99), f"Parent=t{start}")
        for start in (101, 151, 3001)
    ]
    (tmp_path / "a.gff3").write_text("\n".join(lines))
    annotation = read_annotation(tmp_path / "a.gff3")
    assert [(g.gene_id, g.transcript_id) for g in annotation.genes] == [
        ("A", "t101"),
        ("A", "t3001"),
    ]
    assert annotation.genes_read == 2


def test_repeated_identifiers_of_augustus_are_genes_at_each_locus(tmp_path: Path) -> None:
    """Predictions of pieces of a contig that were put together begin with g1 again."""
    here = dialect(lambda m: m.gene, lambda m: m.name, gtf)
    there = [
        "\t".join(
            [*columns[:3], str(int(columns[3]) + 3000), str(int(columns[4]) + 3000), *columns[5:]]
        )
        for columns in (line.split("\t") for line in here)
    ]
    (tmp_path / "a.gtf").write_text("\n".join(here + there))
    annotation = read_annotation(tmp_path / "a.gtf", "mane", LENGTH)
    assert [(g.gene_id, g.tx_start + 1, g.tx_end) for g in annotation.genes] == [
        ("A", 101, 900),
        ("B", 1101, 1400),
        ("A", 3101, 3900),
        ("B", 4101, 4400),
    ]


@pytest.mark.parametrize(
    "lines",
    [
        [row(A1, "exon", (101, 200), 'transcript_id "t1";')],
        [row(A1, "mRNA", (101, 200), "ID=t1"), row(A1, "exon", (101, 200), "Parent=t1")],
        [row(A1, "exon", (101, 200), "Parent=t1")],
    ],
    ids=["GTF", "GFF3", "GFF3, parts only"],
)
def test_transcripts_that_name_no_gene_are_counted(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "a").write_text("\n".join(lines))
    annotation = read_annotation(tmp_path / "a")
    assert [gene.gene_id for gene in annotation.genes] == ["t1"]
    assert annotation.without_gene == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (row(A1, "gene", (1, 9), "g1").encode(), "neither GTF nor GFF3: no line has attributes"),
        ("\n".join(DIALECTS["NCBI"]).encode("utf-16"), "UTF-16"),
        (b"chr1 x exon 1 9 . + . gene_id A", "has to be GTF, GFF3 or SpliceAI's table"),
        (b"LOCUS  NC_1 100 bp\n", "has to be GTF, GFF3 or SpliceAI's table"),
        (b">chr1\nACGT\n", "has to be GTF, GFF3 or SpliceAI's table"),
        (b"", "has to be GTF, GFF3 or SpliceAI's table"),
    ],
)
def test_what_is_no_annotation_is_said(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_annotation(tmp_path / "a")


def prepared(annotation: Path, folder: Path) -> tuple[dict[str, object], list]:
    """Summary and genes, as prepare_genes.py writes them for the slice of chr22."""
    from spliceflow.genome.genes import read_genes

    subprocess.run(
        [
            *(sys.executable, ROOT / "bin/prepare_genes.py", "--annotation", annotation),
            *("--fasta", SHARED / "data/grch38/GRCh38.chr22_slice.fa.gz"),
            *("--output", folder / "genes.parquet", "--summary", folder / "genes.json"),
        ],
        check=True,
    )
    summary = json.loads((folder / "genes.json").read_text())
    return summary, read_genes(folder / "genes.parquet")


@needs_shared
@pytest.mark.parametrize(
    ("file", "identifiers", "read"),
    [
        (
            "01_augustus_gtf/augustus.gtf",
            [(f"g{number}", f"g{number}.t1") for number in (1, 2, 3, 4)],
            4,
        ),
        (
            "02_gffread_gff3_isoforms/gffread_iso.gff3",
            [(name, f"{name}.1") for name in ("SLC5A1", "C22orf42", "RFPL2", "SLC5A4")],
            12,
        ),
        (
            "08_gff3_self_parent/selfparent.gff3",
            [(name, name) for name in ("SLC5A1", "C22orf42", "RFPL2", "SLC5A4")],
            4,
        ),
    ],
    ids=["01", "02", "08"],
)
def test_field_cases(tmp_path: Path, file: str, identifiers, read: int) -> None:
    _, expected = prepared(SHARED / "data/grch38/genes.gtf", tmp_path)
    summary, found = prepared(SHARED / "cases" / file, tmp_path)
    assert [(gene.gene_id, gene.transcript_id) for gene in found] == identifiers
    assert [(g.exon_starts, g.exon_ends, g.strand) for g in found] == [
        (g.exon_starts, g.exon_ends, g.strand) for g in expected
    ]
    assert [len(gene.exon_starts) for gene in found] == [15, 9, 4, 15]
    assert (summary["genes_read"], summary["genes_kept"]) == (4, 4)
    assert (summary["transcripts_read"], summary["chosen"]) == (read, {"longest": 4})
