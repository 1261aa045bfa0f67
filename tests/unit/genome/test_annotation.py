"""Annotations as GENCODE, Ensembl, RefSeq and others write them → one transcript a gene."""

# ruff: noqa: E501 - a line of an annotation is long

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spliceflow.errors import InputError
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import (
    Annotation,
    Gene,
    annotation_fingerprint,
    check_gene,
    read_annotation,
    read_genes,
    read_spliceai_table,
    write_genes,
)

DATA = Path(__file__).parents[4] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines))
    return path


def gtf(contig: str, feature: str, start: int, end: int, strand: str, attributes: str) -> str:
    return f"{contig}\ttest\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}"


gff = gtf

GENCODE = [
    "##description: evidence-based annotation",
    gtf("chr1", "gene", 101, 900, "+", 'gene_id "G.1"; gene_type "protein_coding"; gene_name "ABC"; level 2;'),
    *(
        line
        for transcript, tags, exons in [
            ("T1.1", 'tag "basic"; tag "Ensembl_canonical";', [(101, 200), (301, 400), (801, 900)]),
            ("T2.1", 'tag "basic"; tag "MANE_Select";', [(101, 200), (801, 900)]),
            ("T3.1", "", [(101, 250), (301, 450), (501, 700), (801, 900)]),
        ]
        for line in [
            gtf("chr1", "transcript", exons[0][0], exons[-1][1], "+", f'gene_id "G.1"; transcript_id "{transcript}"; gene_type "protein_coding"; gene_name "ABC"; transcript_type "protein_coding"; {tags}'),
            *(
                gtf("chr1", "exon", start, end, "+", f'gene_id "G.1"; transcript_id "{transcript}"; gene_type "protein_coding"; gene_name "ABC"; {tags}')
                for start, end in exons
            ),
        ]
    ),
    gtf("chr1", "gene", 2001, 2100, "-", 'gene_id "N.1"; gene_type "lncRNA"; gene_name "NC";'),
    gtf("chr1", "exon", 2001, 2100, "-", 'gene_id "N.1"; transcript_id "NT.1"; gene_type "lncRNA"; gene_name "NC";'),
]  # fmt: skip

T1 = ((100, 300, 800), (200, 400, 900))
T2 = ((100, 800), (200, 900))
T3 = ((100, 300, 500, 800), (250, 450, 700, 900))


@pytest.mark.parametrize(
    ("choice", "exons", "reason"),
    [("mane", T2, "mane"), ("canonical", T1, "canonical"), ("longest", T3, "longest")],
)
def test_choice_of_the_transcript(tmp_path: Path, choice, exons, reason) -> None:
    annotation = read_annotation(write(tmp_path / "a.gtf", *GENCODE), choice)
    (gene,) = annotation.genes
    assert (gene.exon_starts, gene.exon_ends) == exons
    assert (gene.name, gene.gene_id, gene.contig, gene.strand) == ("ABC", "G.1", "chr1", "+")
    assert (gene.tx_start, gene.tx_end, gene.biotype) == (100, 900, "protein_coding")
    assert annotation.chosen == {reason: 1}
    assert annotation.other_biotypes == {"lncRNA": 1}
    assert (annotation.genes_read, annotation.transcripts_read) == (2, 4)


def test_all_transcripts_and_all_biotypes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gtf", *GENCODE)
    assert [g.transcript_id for g in read_annotation(path, "all").genes] == ["T1.1", "T2.1", "T3.1"]
    assert [g.name for g in read_annotation(path, biotypes=()).genes] == ["ABC", "NC"]
    assert [g.name for g in read_annotation(path, biotypes=["lncRNA"]).genes] == ["NC"]


def test_mane_falls_back_to_canonical_then_to_longest(tmp_path: Path) -> None:
    without_mane = [line.replace('tag "MANE_Select";', "") for line in GENCODE]
    annotation = read_annotation(write(tmp_path / "a.gtf", *without_mane))
    assert annotation.chosen == {"canonical": 1}
    without_either = [line.replace('tag "Ensembl_canonical";', "") for line in without_mane]
    annotation = read_annotation(write(tmp_path / "b.gtf", *without_either))
    assert annotation.chosen == {"longest": 1}
    assert annotation.genes[0].transcript_id == "T3.1"


def test_longest_counts_coding_bases_first(tmp_path: Path) -> None:
    coding = gtf("chr1", "CDS", 101, 200, "+", 'gene_id "G.1"; transcript_id "T1.1";')
    annotation = read_annotation(write(tmp_path / "a.gtf", *GENCODE, coding), "longest")
    assert annotation.genes[0].transcript_id == "T1.1"


def test_ensembl_gtf(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gtf",
        "#!genome-build GRCh38",
        gtf("1", "gene", 11, 60, "-", 'gene_id "ENSG1"; gene_version "3"; gene_biotype "protein_coding";'),
        gtf("1", "transcript", 11, 60, "-", 'gene_id "ENSG1"; transcript_id "ENST1"; gene_biotype "protein_coding"; transcript_biotype "protein_coding"; tag "basic"; tag "Ensembl_canonical";'),
        gtf("1", "exon", 51, 60, "-", 'gene_id "ENSG1"; transcript_id "ENST1"; exon_number "1"; gene_biotype "protein_coding"; tag "Ensembl_canonical";'),
        gtf("1", "exon", 11, 20, "-", 'gene_id "ENSG1"; transcript_id "ENST1"; exon_number "2"; gene_biotype "protein_coding";'),
        gtf("1", "start_codon", 58, 60, "-", 'gene_id "ENSG1"; transcript_id "ENST1";'),
    )  # fmt: skip
    annotation = read_annotation(path, contigs={"chr1": 100})
    expected = Gene("ENSG1", "ENSG1", "ENST1", "chr1", "-", 10, 60, (10, 50), (20, 60), "protein_coding")  # fmt: skip
    assert annotation.genes == (expected,)
    assert annotation.chosen == {"canonical": 1}


def test_refseq_gtf_takes_biotype_and_symbol_from_the_gene_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gtf",
        gtf("NC_000001.11", "gene", 11, 60, "+", 'gene_id "OR4F5"; transcript_id ""; gene "OR4F5"; gene_biotype "protein_coding";'),
        gtf("NC_000001.11", "transcript", 11, 60, "+", 'gene_id "OR4F5"; transcript_id "NM_1.1"; gbkey "mRNA"; gene "OR4F5"; tag "MANE Select"; transcript_biotype "mRNA";'),
        gtf("NC_000001.11", "exon", 11, 60, "+", 'gene_id "OR4F5"; transcript_id "NM_1.1"; gene "OR4F5"; transcript_biotype "mRNA";'),
        gtf("NC_000001.11", "exon", 11, 20, "+", 'gene_id "OR4F5"; transcript_id "XM_1.1"; gene "OR4F5"; transcript_biotype "mRNA";'),
    )  # fmt: skip
    annotation = read_annotation(path, contigs={"1": 100})
    assert [(g.name, g.transcript_id, g.contig) for g in annotation.genes] == [
        ("OR4F5", "NM_1.1", "1")
    ]
    assert annotation.chosen == {"mane": 1}


def test_gencode_and_ensembl_gff3(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gff3",
        "##gff-version 3",
        gff("chr1", "gene", 11, 60, "+", "ID=ENSG1.1;gene_id=ENSG1.1;gene_type=protein_coding;gene_name=ABC"),
        gff("chr1", "transcript", 11, 60, "+", "ID=ENST1.1;Parent=ENSG1.1;gene_id=ENSG1.1;transcript_id=ENST1.1;gene_type=protein_coding;gene_name=ABC;tag=basic,MANE_Select,appris_principal_1"),
        gff("chr1", "exon", 11, 20, "+", "ID=exon:ENST1.1:1;Parent=ENST1.1;transcript_id=ENST1.1"),
        gff("chr1", "exon", 31, 60, "+", "ID=exon:ENST1.1:2;Parent=ENST1.1;transcript_id=ENST1.1"),
        gff("1", "gene", 111, 160, "-", "ID=gene:ENSG2;Name=DEF;biotype=protein_coding;gene_id=ENSG2"),
        gff("1", "mRNA", 111, 160, "-", "ID=transcript:ENST2;Parent=gene:ENSG2;biotype=protein_coding;tag=Ensembl_canonical;transcript_id=ENST2"),
        gff("1", "exon", 111, 160, "-", "Parent=transcript:ENST2;Name=ENSE2"),
        gff("1", "five_prime_UTR", 151, 160, "-", "Parent=transcript:ENST2"),
    )  # fmt: skip
    annotation = read_annotation(path, contigs={"1": 200})
    assert annotation.genes == (
        Gene("ABC", "ENSG1.1", "ENST1.1", "1", "+", 10, 60, (10, 30), (20, 60), "protein_coding"),
        Gene("DEF", "ENSG2", "ENST2", "1", "-", 110, 160, (110,), (160,), "protein_coding"),
    )
    assert annotation.chosen == {"mane": 1, "canonical": 1}


def test_gff3_without_exons_uses_coding_and_untranslated_parts(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gff",
        gff("I", "gene", 11, 99, "+", "ID=Gene:G1;"),
        gff("I", "mRNA", 11, 99, "+", "ID=Transcript:G1.1;Parent=Gene:G1;"),
        gff("I", "five_prime_UTR", 11, 20, "+", "Parent=Transcript:G1.1;"),
        gff("I", "CDS", 21, 30, "+", "ID=1;Parent=Transcript:G1.1;"),
        gff("I", "CDS", 51, 90, "+", "ID=2;Parent=Transcript:G1.1;"),
    )
    (gene,) = read_annotation(path).genes
    assert (gene.exon_starts, gene.exon_ends, gene.tx_end) == ((10, 50), (30, 90), 99)
    assert (gene.name, gene.transcript_id, gene.biotype) == ("G1", "G1.1", "")


def test_gff3_region_lines_name_the_chromosome(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gff3",
        gff("BK1.2", "region", 1, 500, "+", "ID=r;Name=I;chromosome=I;genome=chromosome"),
        gff("BK1.2", "gene", 11, 60, "+", "ID=gene-A;gene=A;gene_biotype=protein_coding"),
        gff("BK1.2", "exon", 11, 60, "+", "ID=x;Parent=gene-A"),
        "##FASTA",
        ">BK1.2",
        "ACGT",
    )
    (gene,) = read_annotation(path, contigs={"chrI": 500}).genes
    assert (gene.contig, gene.name, gene.gene_id, gene.transcript_id) == ("chrI", "A", "A", "A")


def test_what_can_not_be_used_is_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gtf",
        gtf("1", "transcript", 11, 60, "+", 'gene_id "A"; transcript_id "A1";'),
        gtf("1", "exon", 11, 60, ".", 'gene_id "B"; transcript_id "B1";'),
        gtf("1", "exon", 11, 60, "+", 'gene_id "C"; transcript_id "C1";'),
        gtf("7", "exon", 11, 60, "+", 'gene_id "D"; transcript_id "D1";'),
        gtf("1", "exon", 9011, 9060, "+", 'gene_id "E"; transcript_id "E1";'),
    )
    annotation = read_annotation(path, contigs={"1": 100})
    assert [gene.name for gene in annotation.genes] == ["C"]
    assert annotation.transcripts_unusable == 2
    assert annotation.unmatched == {"7": 1}
    assert annotation.outside == 1


def test_genes_are_in_the_order_of_the_fasta(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gtf",
        *(
            gtf(contig, "exon", start, start + 9, "+", f'gene_id "{name}"; transcript_id "{name}";')
            for contig, start, name in [
                ("2", 50, "c"),
                ("1", 90, "b"),
                ("10", 1, "d"),
                ("1", 5, "a"),
            ]
        ),
    )
    annotation = read_annotation(path, contigs={"1": 100, "2": 100, "10": 100})
    assert [gene.name for gene in annotation.genes] == ["a", "b", "c", "d"]


def test_touching_exons_are_one_exon(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gtf",
        gtf("1", "exon", 11, 20, "+", 'gene_id "A"; transcript_id "A";'),
        gtf("1", "exon", 21, 30, "+", 'gene_id "A"; transcript_id "A";'),
        gtf("1", "exon", 41, 50, "+", 'gene_id "A"; transcript_id "A";'),
    )
    (gene,) = read_annotation(path).genes
    assert (gene.exon_starts, gene.exon_ends) == ((10, 40), (30, 50))


def test_no_shared_contig_is_said_with_both_names(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'chr1'.*FASTA 'scaffold_1'"):
        read_annotation(write(tmp_path / "a.gtf", *GENCODE), contigs={"scaffold_1": 10})


@pytest.mark.parametrize("comma", ["", ","], ids=["plain", "comma at the end"])
def test_spliceai_table(tmp_path: Path, comma: str) -> None:
    path = write(
        tmp_path / "t.tsv",
        "#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END",
        f"ABC\t1\t-\t100\t900\t100,800{comma}\t200,900{comma}",
    )
    annotation = read_annotation(path, contigs={"chr1": 1000})
    assert annotation.genes == (Gene("ABC", "ABC", "ABC", "chr1", "-", 100, 900, (100, 800), (200, 900)),)  # fmt: skip
    assert annotation.chosen == {"table": 1}


@pytest.mark.parametrize(
    "line",
    [
        "ABC\t1\t-\t100\t900\t100,800\t200",
        "ABC\t1\t*\t100\t900\t100,\t200,",
        "ABC\t1\t-\t100\tend\t100,\t200,",
        "ABC\t1\t-\t100\t900\t800,100,\t900,200,",
        "ABC\t1\t-\t300\t900\t100,\t200,",
        "ABC\t1\t-\t300",
    ],
)
def test_wrong_row_of_a_table_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "t.tsv", "#NAME\tx", line)
    with pytest.raises(InputError, match="Line 2"):
        read_spliceai_table(path)


@pytest.mark.parametrize(
    "line",
    [
        gtf("1", "exon", 0, 60, "+", 'gene_id "A"; transcript_id "A";'),
        gtf("1", "exon", 61, 60, "+", 'gene_id "A"; transcript_id "A";'),
        "1\ttest\texon\tx\t60\t.\t+\t.\tgene_id A",
        gtf("1", "exon", 11, 60, "+", 'gene_id "A";'),
        "1\ttest\texon\t11",
    ],
)
def test_wrong_line_of_a_gtf_is_named(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "a.gtf", *GENCODE, line)
    with pytest.raises(InputError, match=f"Line {len(GENCODE) + 1} "):
        read_annotation(path)


def test_parents_in_a_circle_are_an_input_error(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gff3",
        gff("1", "gene", 11, 60, "+", "ID=a;Parent=b"),
        gff("1", "mRNA", 11, 60, "+", "ID=b;Parent=a"),
        gff("1", "exon", 11, 60, "+", "ID=c;Parent=b"),
    )
    with pytest.raises(InputError, match="own parents"):
        read_annotation(path)


def exon(
    start: int, end: int, gene: str, transcript: str, strand: str = "+", more: str = ""
) -> str:
    return gtf(
        "1", "exon", start, end, strand, f'gene_id "{gene}"; transcript_id "{transcript}"; {more}'
    )


def named(annotation: Annotation) -> list[tuple[str, str, int, int]]:
    return [(g.gene_id, g.transcript_id, g.tx_start, g.tx_end) for g in annotation.genes]


def test_rows_of_one_name_get_names_of_their_own(tmp_path: Path) -> None:
    header = "#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END"
    lines = [
        "ABC\t1\t+\t100\t900\t100,800,\t200,900,",
        "ABC\t1\t+\t400\t900\t400,800,\t500,900,",
        "ABC\t1\t-\t400\t900\t400,800,\t500,900,",
        "ABC\t1\t+\t100\t900\t100,800,\t200,900,",
        "ABC\t2\t+\t100\t900\t100,800,\t200,900,",
        "ABC:401-900\t1\t+\t400\t900\t400,800,\t500,900,",
    ]
    annotation = read_annotation(write(tmp_path / "a.tsv", header, *lines))
    names = [(g.contig, g.gene_id, g.transcript_id) for g in annotation.genes]
    assert names == [
        ("1", "ABC", "ABC:101-900"),
        ("1", "ABC", "ABC:401-900"),
        ("1", "ABC", "ABC:401-900:2"),
        ("1", "ABC:401-900", "ABC:401-900"),
        ("2", "ABC", "ABC"),
    ]
    assert annotation.duplicates == 1
    assert annotation.chosen == {"table": 5}
    turned = read_annotation(write(tmp_path / "b.tsv", header, *reversed(lines)))
    assert turned.genes == annotation.genes


def test_transcripts_of_different_genes_may_share_an_identifier(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gtf",
        exon(101, 200, "ND1", "unknown_transcript_1"),
        exon(6001, 6100, "ND2", "unknown_transcript_1"),
        exon(6201, 6300, "ND2", "unknown_transcript_1"),
        exon(301, 400, "ND1", "unknown_transcript_1"),
    )
    annotation = read_annotation(path)
    assert named(annotation) == [
        ("ND1", "unknown_transcript_1", 100, 400),
        ("ND2", "unknown_transcript_1", 6000, 6300),
    ]
    assert [gene.exon_starts for gene in annotation.genes] == [(100, 300), (6000, 6200)]


def test_lines_without_a_gene_belong_to_the_transcript_of_their_name(tmp_path: Path) -> None:
    alone = gtf("1", "exon", 301, 400, "+", 'transcript_id "T";')
    (gene,) = read_annotation(write(tmp_path / "a.gtf", alone, exon(101, 200, "G", "T"))).genes
    assert (gene.gene_id, gene.exon_starts) == ("G", (100, 300))


def test_a_gene_identifier_at_two_loci_is_two_genes(tmp_path: Path) -> None:
    lines = [
        exon(101, 300, "A", "NM_1"),
        exon(201, 600, "A", "NM_2"),
        exon(500_001, 500_300, "A", "NM_1_dup1"),
    ]
    annotation = read_annotation(write(tmp_path / "a.gtf", *lines))
    assert named(annotation) == [("A", "NM_2", 200, 600), ("A", "NM_1_dup1", 500_000, 500_300)]
    assert (annotation.genes_read, annotation.genes_kept) == (2, 2)
    # A line of the gene says that it is one.
    gene = gtf("1", "gene", 101, 500_300, "+", 'gene_id "A";')
    annotation = read_annotation(write(tmp_path / "b.gtf", gene, *lines))
    assert named(annotation) == [("A", "NM_2", 200, 600)]


def test_a_transcript_whose_line_repeats_elsewhere_is_two(tmp_path: Path) -> None:
    def copy(start: int) -> list[str]:
        return [
            exon(start, start + 99, "A", "NM_1"),
            gtf("1", "transcript", start, start + 899, "+", 'gene_id "A"; transcript_id "NM_1";'),
            exon(start + 800, start + 899, "A", "NM_1"),
        ]

    path = write(tmp_path / "a.gtf", *copy(101), *copy(900_001))
    assert named(read_annotation(path, "all")) == [
        ("A", "NM_1:101-1000", 100, 1000),
        ("A", "NM_1:900001-900900", 900_000, 900_900),
    ]
    twice = write(tmp_path / "b.gtf", *copy(101), *copy(101))
    assert named(read_annotation(twice)) == [("A", "NM_1", 100, 1000)]


def test_an_identifier_of_gff3_may_stand_on_two_contigs(tmp_path: Path) -> None:
    def copy(contig: str) -> list[str]:
        return [
            gff(contig, "gene", 101, 900, "+", f"ID=g;Name=ABC{contig}"),
            gff(contig, "mRNA", 101, 900, "+", "ID=t;Parent=g"),
            gff(contig, "exon", 101, 200, "+", "Parent=t"),
        ]

    annotation = read_annotation(write(tmp_path / "a.gff3", *copy("X"), *copy("Y")))
    assert [(g.contig, g.name, g.transcript_id) for g in annotation.genes] == [
        ("X", "ABCX", "t"),
        ("Y", "ABCY", "t"),
    ]


def test_parts_of_gff3_on_another_contig_are_not_a_gene(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.gff3",
        gff("1", "gene", 101, 900, "+", "ID=g;Name=ABC"),
        gff("1", "mRNA", 101, 900, "+", "ID=t;Parent=g"),
        gff("1", "exon", 101, 200, "+", "Parent=t"),
        gff("2", "exon", 101, 200, "+", "Parent=t"),
        gff("2", "mRNA", 101, 900, "-", "ID=u;Parent=g"),
        gff("2", "exon", 101, 900, "-", "Parent=u"),
    )
    annotation = read_annotation(path)
    assert [(g.contig, g.name, g.gene_id) for g in annotation.genes] == [("2", "ABC", "g")]
    assert annotation.transcripts_unusable == 1


def test_a_biotype_the_annotation_lacks_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gtf", *GENCODE)
    with pytest.raises(InputError, match=r"biotype lincRNA; it has lncRNA, protein_coding"):
        read_annotation(path, biotypes=["protein_coding", "lincRNA"])
    without = write(tmp_path / "b.gtf", exon(101, 200, "A", "T"))
    assert len(read_annotation(without, biotypes=["lincRNA"]).genes) == 1


SEEDS = {
    "gtf": "\n".join(GENCODE).encode(),
    "gff3": b"##gff-version 3\n1\tx\tgene\t1\t50\t.\t+\t.\tID=g;gene_biotype=protein_coding\n"
    b"1\tx\tmRNA\t1\t50\t.\t+\t.\tID=t;Parent=g;tag=MANE Select\n"
    b"1\tx\texon\t1\t50\t.\t+\t.\tParent=t\n",
    "table": b"#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END\n"
    b"ABC\t1\t-\t100\t900\t100,800,\t200,900,\n",
}


@given(
    seed=st.sampled_from(sorted(SEEDS)),
    edits=st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 20), st.binary(max_size=6)), max_size=4
    ),
    choice=st.sampled_from(["mane", "canonical", "longest", "all"]),
    packed=st.booleans(),
)
@example(seed="gtf", edits=[(0, 3000, b"\xff\xfe")], choice="mane", packed=False)
@example(seed="gff3", edits=[(40, 2, "²²".encode())], choice="mane", packed=False)
def test_damaged_annotations_are_read_or_refused(
    tmp_path_factory, seed: str, edits, choice: str, packed: bool
) -> None:
    content = SEEDS[seed]
    for at, removed, new in edits:
        at %= len(content) + 1
        content = content[:at] + new + content[at + removed :]
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(gzip.compress(content) if packed else content)
    try:
        annotation = read_annotation(path, choice, {"chr1": 10_000})
    except InputError:
        return
    for gene in annotation.genes:
        check_gene(gene)


def test_gene_table_round_trip_and_fingerprint(tmp_path: Path) -> None:
    genes = list(read_annotation(write(tmp_path / "a.gtf", *GENCODE), biotypes=()).genes)
    write_genes(genes, tmp_path / "genes.parquet")
    assert read_genes(tmp_path / "genes.parquet") == genes
    fingerprint = annotation_fingerprint(genes)
    assert len(fingerprint) == 12
    assert annotation_fingerprint(genes[::-1]) == fingerprint
    assert annotation_fingerprint([replace(genes[0], tx_end=901), genes[1]]) != fingerprint
    write_genes([], tmp_path / "none.parquet")
    assert read_genes(tmp_path / "none.parquet") == []


def test_a_gene_table_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gene table"):
        read_genes(write(tmp_path / "x.parquet", "hello"))
    with pytest.raises(InputError, match="gene table"):
        read_genes(tmp_path / "absent.parquet")


def same_exons(genes: tuple[Gene, ...]) -> list[Gene]:
    return [replace(gene, gene_id="", transcript_id="", biotype="") for gene in genes]


@needs_data
@pytest.mark.parametrize("folder", ["grch37", "grch38", "human_windows"])
def test_gtf_and_table_of_the_same_genes_agree(folder: str) -> None:
    (fasta,) = (DATA / folder).glob("*.fa.gz")
    with Genome(fasta) as genome:
        from_gtf = read_annotation(DATA / folder / "genes.gtf", contigs=genome.contigs)
        from_table = read_annotation(DATA / folder / "genes.tsv", contigs=genome.contigs)
    assert same_exons(from_gtf.genes) == same_exons(from_table.genes)


@needs_data
@pytest.mark.parametrize(
    ("file", "genes", "chosen"),
    [
        ("grch38/RefSeq_chr22_32.0-32.3Mb.gff3", 4, "mane"),
        ("yeast/R64.gff3.gz", 5983, "longest"),
        ("celegans/nGASP_training_genes.gff", 55, "longest"),
    ],
)
def test_real_gff3(file: str, genes: int, chosen: str) -> None:
    annotation: Annotation = read_annotation(DATA / file)
    assert len(annotation.genes) == genes
    assert annotation.chosen == {chosen: genes}
    assert annotation.transcripts_unusable == 0
    for gene in annotation.genes:
        check_gene(gene)
