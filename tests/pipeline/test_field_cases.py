"""Files and installations as the field has them, each from a report of a user, on the real engine.

Inputs are made from the bundled example. What a file may look like besides is tested beside its
reader: sheets in test_sheets.py, FASTA in test_prepare_genome.py, annotations in
test_annotation_dialects.py, alleles in test_spelling.py.
"""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Pipeline, Run

from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, read_genes

EXAMPLE = ROOT / "assets" / "example"
REFERENCE = ("--fasta", EXAMPLE / "genome.fa.gz", "--annotation", EXAMPLE / "genes.gtf.gz")
PATIENTS = (EXAMPLE / "patients.vcf").read_bytes()
# packages of `make setup-training` only
HIDDEN = "import sys\nsys.modules.update(torch=None, mappy=None)\n"


def entrypoint(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program of bin/."""
    return subprocess.run(
        [sys.executable, ROOT / "bin" / name, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def prepared(annotation: Path, folder: Path) -> list[Gene]:
    """The genes that are scored of an annotation of the example's genome."""
    output = folder / f"{annotation.name}.parquet"
    done = entrypoint(
        "prepare_genes.py",
        *("--annotation", annotation, "--fasta", EXAMPLE / "genome.fa.gz", "--output", output),
        *("--transcripts", "mane", "--biotypes", "protein_coding"),
        *("--summary", folder / "genes.json"),
    )
    assert done.returncode == 0, done.stderr
    return read_genes(output)


@pytest.fixture(scope="module")
def genes(tmp_path_factory) -> list[Gene]:
    """Genes of the example, one transcript each."""
    return prepared(EXAMPLE / "genes.gtf.gz", tmp_path_factory.mktemp("genes"))


def ranges(genes: list[Gene]) -> list[tuple]:
    """Where transcripts are, without their names."""
    return [(gene.contig, gene.strand, gene.exon_starts, gene.exon_ends) for gene in genes]


def row(gene: Gene, kind: str, start: int, end: int, attributes: str) -> str:
    """One line of GTF or GFF3; start is 0-based."""
    return f"{gene.contig}\tfield\t{kind}\t{start + 1}\t{end}\t.\t{gene.strand}\t.\t{attributes}\n"


def augustus(genes: list[Gene]) -> str:
    """Gene and transcript lines have a bare identifier in their ninth column."""
    text = "# This output was generated with AUGUSTUS\n"
    for number, gene in enumerate(genes, 1):
        text += row(gene, "gene", gene.tx_start, gene.tx_end, f"g{number}")
        text += row(gene, "transcript", gene.tx_start, gene.tx_end, f"g{number}.t1")
        for start, end in zip(gene.exon_starts, gene.exon_ends, strict=True):
            names = f'transcript_id "g{number}.t1"; gene_id "g{number}";'
            text += row(gene, "exon", start, end, names)
    return text


def gffread(genes: list[Gene]) -> str:
    """No gene lines; three isoforms a gene, the first the longest."""
    text = "##gff-version 3\n"
    for gene in genes:
        exons = list(zip(gene.exon_starts, gene.exon_ends, strict=True))
        for number, part in enumerate((exons, exons[:-1] or exons, exons[1:] or exons), 1):
            name = f"{gene.name}.{number}"
            attributes = f"ID={name};geneID={gene.name};gene_name={gene.name}"
            text += row(gene, "transcript", part[0][0], part[-1][1], attributes)
            text += "".join(row(gene, "exon", *exon, f"Parent={name}") for exon in part)
    return text


def self_parent(genes: list[Gene]) -> str:
    """Each transcript is its own parent, as in the yeast annotation of nf-core's test data."""
    text = "##gff-version 3\n"
    for gene in genes:
        attributes = f"ID={gene.name};Parent={gene.name};gene_biotype=protein_coding"
        text += row(gene, "transcript", gene.tx_start, gene.tx_end, attributes)
        for start, end in zip(gene.exon_starts, gene.exon_ends, strict=True):
            text += row(gene, "exon", start, end, f"Parent={gene.name}")
    return text


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("write", "names"),
    [
        (augustus, lambda number, _: (f"g{number}", f"g{number}.t1")),
        (gffread, lambda _, gene: (gene.name, f"{gene.name}.1")),
        (self_parent, lambda _, gene: (gene.name, gene.name)),
    ],
    ids=["01 AUGUSTUS", "02 gffread with isoforms", "08 a parent of itself"],
)
def test_annotations(tmp_path: Path, genes: list[Gene], write, names, packed: bool) -> None:
    path = tmp_path / "genes.txt"
    text = write(genes).encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    same = prepared(path, tmp_path)
    assert ranges(same) == ranges(genes)
    expected = [names(number, gene) for number, gene in enumerate(genes, 1)]
    assert [(gene.gene_id, gene.transcript_id) for gene in same] == expected


def scores(results: Path, sample: str, names: dict[str, str]) -> list[str]:
    """INFO of each record, with the names of genes replaced."""
    lines = gzip.decompress((results / "annotated" / f"{sample}.vcf.gz").read_bytes()).decode()
    info = [line.split("\t")[7] for line in lines.splitlines() if not line.startswith("#")]
    for name, other in names.items():
        info = [text.replace(f"|{name}|", f"|{other}|") for text in info]
    return info


def test_augustus_genes_and_a_sheet_of_excel_and_a_vcf_of_an_editor(
    pipeline_at: Callable[[str], Pipeline], example: Run, genes: list[Gene]
) -> None:
    """Cases 01, 09 (rows of commas) and 12 in one run: the scores are those of the example."""
    pipeline = pipeline_at("field files")
    pipeline.launch.mkdir(parents=True)
    (pipeline.launch / "augustus.gtf").write_text(augustus(genes))
    (pipeline.launch / "x17_bom.vcf").write_bytes(b"\xef\xbb\xbf" + PATIENTS)
    (pipeline.launch / "excelrows.csv").write_bytes(
        "\ufeffsample;vcf;;\r\npatients;x17_bom.vcf;;\r\n;;;\r\n".encode()
    )
    run = pipeline(
        *("--fasta", EXAMPLE / "genome.fa.gz", "--annotation", "augustus.gtf"),
        *("--input", "excelrows.csv"),
    )
    assert run.status == 0, run.output
    names = {f"g{number}": gene.name for number, gene in enumerate(genes, 1)}
    expected = scores(example.results, "patients", {})
    assert any("SpliceFlow=" in text for text in expected)
    assert scores(run.results, "patients", names) == expected


@pytest.mark.parametrize(
    ("sheet", "content", "words"),
    [
        (
            "latin1.csv",
            "sample,vcf\nd,données.vcf\n".encode("cp1252"),
            "latin1.csv is not UTF-8 text: it has to be UTF-8",
        ),
        ("case.csv", b"sample,vcf\nA,a.vcf\na,b.vcf\n", "differ in case only"),
        ("t1.tsv", b"sample\tvcf\nA\ta.vcf\n", "t1.tsv is no VCF or BCF, and a samplesheet has"),
    ],
    ids=["03 Windows-1252", "06 names in case only", "09 a .tsv"],
)
def test_sheets_are_told_before_anything_starts(
    pipeline_at, sheet: str, content: bytes, words: str
) -> None:
    pipeline = pipeline_at(f"field {sheet}")
    pipeline.launch.mkdir(parents=True)
    for name in ("a.vcf", "b.vcf", "données.vcf"):
        (pipeline.launch / name).write_bytes(PATIENTS)
    (pipeline.launch / sheet).write_bytes(content)
    run = pipeline("--input", sheet, *REFERENCE)
    assert run.status != 0
    assert "Submitted process" not in run.output
    sentence = [line for line in run.output.splitlines() if words in line]
    assert len(sentence) == 1, run.output
    assert str(pipeline.launch / sheet) in sentence[0]
    assert "Exception" not in run.output
    assert not list(run.results.glob("annotated/*"))


def test_a_run_by_url_without_the_packages(tmp_path: Path, pipeline_at) -> None:
    """Case 04: one sentence, whoever's Python is found."""
    git = shutil.which("git")
    if not git:
        pytest.skip("git is not installed")
    project, bare = tmp_path / "project", tmp_path / "bare.git"
    shutil.copytree(pipeline_at("field url").project, project)
    settings = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")
    for words in (
        ("init", "-q", "-b", "main", project),
        ("-C", project, "add", "-A"),
        ("-C", project, *settings, "commit", "-q", "-m", "pipeline"),
        ("clone", "-q", "--bare", project, bare),
    ):
        subprocess.run([git, *words], check=True, capture_output=True)
    # a Python that has no packages, and an engine that does not put .venv on PATH
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "empty"], check=True)
    bin_folder = tmp_path / "empty" / "bin"
    installed = ROOT / ".venv" / "bin" / "nextflow"
    launcher = installed if installed.is_file() else Path(shutil.which("nextflow") or "")
    lines = launcher.read_text(errors="replace").splitlines()
    if any(line.startswith("bin=") for line in lines):
        lines = [
            f"bin='{launcher.parent}'" if line.startswith("bin=") else line
            for line in lines
            if not line.startswith("export PATH=")
        ]
        (bin_folder / "nextflow").write_text("\n".join([*lines, ""]))
        (bin_folder / "nextflow").chmod(0o755)
    else:
        (bin_folder / "nextflow").symlink_to(launcher)
    others = [
        part
        for part in os.environ["PATH"].split(os.pathsep)
        if not Path(part).is_relative_to(ROOT) and ".venv" not in Path(part).parts
    ]
    environment = {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"}
    environment |= {
        "PATH": os.pathsep.join([str(bin_folder), *others]),
        "NXF_ANSI_LOG": "false",
        "NXF_ASSETS": str(tmp_path / "assets"),
    }
    done = subprocess.run(
        [
            *(bin_folder / "nextflow", "run", bare.as_uri(), "-r", "main", "-profile", "test"),
            *("--outdir", "out"),
        ],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    sentences = {
        line.partition("the Python package ")[2]
        for line in done.stdout.splitlines()
        if "the Python package " in line
    }
    assert len(sentences) >= 1, done.stdout
    for sentence in sentences:
        assert "is not installed for" in sentence
        assert "run `make setup` and activate .venv" in sentence
        assert "-profile docker, singularity or conda" in sentence


def test_an_empty_sequence(tmp_path: Path) -> None:
    """Case 07: it is named and passed over."""
    (tmp_path / "emptyseq.fa").write_text(">chr1\nACGTAC\n>chrE\n>chr2\nGT\n")
    done = entrypoint(
        "prepare_genome.py",
        *("--fasta", tmp_path / "emptyseq.fa", "--output-dir", tmp_path / "o1"),
    )
    assert done.returncode == 0, done.stderr
    assert "without bases are passed over: chrE\n" in done.stderr
    with Genome(tmp_path / "o1") as genome:
        assert genome.contigs == {"chr1": 6, "chr2": 2}


@pytest.fixture
def without_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `make setup` alone installs, as tasks see it."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "sitecustomize.py").write_text(HIDDEN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "hidden"))


@pytest.mark.usefixtures("without_training")
def test_predict_after_make_setup(pipeline_at) -> None:
    """Case 10: everything is computed and written, and names of contigs may be odd."""
    pipeline = pipeline_at("field predict")
    pipeline.launch.mkdir(parents=True)
    text = gzip.decompress((EXAMPLE / "genome.fa.gz").read_bytes()).decode()
    name = "HLA-A*01:01:01:01"
    (pipeline.launch / "odd.fa").write_text(text.replace(">chrA", f">{name}"))
    run = pipeline("--workflow", "predict", "--fasta", "odd.fa", "--regions", f"{name}:1500-2500")
    assert run.status == 0, run.output
    made = {path.name for path in (run.results / "sites").iterdir()}
    assert {"sites.donor.plus.bw", "sites.acceptor.minus.bw", "sites.donor.bed"} <= made
    rows = (run.results / "sites" / "sites.donor.bed").read_text().splitlines()
    assert {line.split("\t")[0] for line in rows if "\t" in line} == {name}


@pytest.mark.usefixtures("without_training")
def test_training_after_make_setup_is_told_before_work_is_done(pipeline_at) -> None:
    pipeline = pipeline_at("field train")
    run = pipeline("--workflow", "train", *REFERENCE)
    assert run.status != 0
    assert "Traceback" not in run.output
    assert "package torch is not installed for" in run.output
    assert "run `make setup-training` and activate .venv" in run.output
    # nothing was computed with the genome
    assert not list(pipeline.launch.glob("work/*/*/genome"))
