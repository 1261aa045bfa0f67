"""The command lines from a genome to shards: files they write, and one sentence for bad input."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_cohort import GENES, record, vcf_text

from spliceflow.bgzf import BgzipWriter, is_bgzip, read_blocks
from spliceflow.genome.assembly import assembly_fingerprint
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import read_genes, write_genes
from spliceflow.models.bundle import BundleCard, write_bundle
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.graphs import MemberWeights

BIN = Path(__file__).parents[3] / "bin"


def run(name: str, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BIN / f"{name}.py", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence on stderr of a run that was refused."""
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize("packing", ["plain", "gzip", "bgzip"])
def test_prepare_genome(tmp_path: Path, packing: str) -> None:
    text = b">one\n" + b"ACGT" * 20 + b"\n>two\nAC\n"
    fasta = tmp_path / "with space.fa"
    if packing == "bgzip":
        with BgzipWriter(fasta) as file:
            file.write(text)
    else:
        fasta.write_bytes(gzip.compress(text) if packing == "gzip" else text)
    done = run("prepare_genome", "--fasta", fasta, "--output-dir", "genome", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    target = tmp_path / "genome" / ("genome.fa" if packing == "plain" else "genome.fa.gz")
    assert b"".join(read_blocks(target)) == text
    assert is_bgzip(target) == (packing != "plain")
    assert not target.is_symlink()
    assert (tmp_path / "genome" / f"{target.name}.fai").is_file()
    table = (tmp_path / "genome" / "contigs.tsv").read_text()
    assert table == "contig\tlength\none\t80\ntwo\t2\n"
    with Genome(target) as genome:
        assert genome.sequence("one", 78, 82) == "GTNN"
        computed = assembly_fingerprint(genome)
    (tmp_path / "genome" / target.name).write_bytes(b"is not read again")
    with Genome(tmp_path / "genome") as genome:
        assert assembly_fingerprint(genome) == computed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b">one\nACGT\n>one\nAC\n", "has two sequences named 'one'"),
        (b"ACGT\n", "does not start with '>'"),
        (gzip.compress(b">one\n" + b"ACGT\n" * 5000)[:-9], "cut off"),
    ],
)
def test_prepare_genome_refuses(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.fa").write_bytes(content)
    done = run("prepare_genome", "--fasta", "x.fa", "--output-dir", "genome", cwd=tmp_path)
    assert message in refused(done)
    assert [path.name for path in tmp_path.iterdir()] == ["x.fa"]


def test_prepare_genes(tmp_path: Path, small_genome) -> None:
    line = 'x\texon\t101\t200\t.\t+\t.\tgene_id "A"; transcript_id "A"; gene_type "protein_coding";'
    (tmp_path / "a.gtf").write_text(f"1\t{line}\n7\t{line}\n")
    options = ("--fasta", small_genome.path, "--output", "g.parquet", "--summary", "g.json")
    done = run("prepare_genes", "--annotation", "a.gtf", *options, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (gene,) = read_genes(tmp_path / "g.parquet")
    assert (gene.contig, gene.exon_starts, gene.exon_ends) == ("chr1", (100,), (200,))
    summary = json.loads((tmp_path / "g.json").read_text())
    assert summary["transcripts_kept"] == 1
    assert summary["unmatched_contigs"] == {"7": 1}
    assert len(summary["fingerprint"]) == 12
    for biotypes, message in ((" , ", "names no biotype"), ("lncRNA", "no gene of biotype lncRNA")):
        wanted = ("--annotation", "a.gtf", "--biotypes", biotypes)
        assert message in refused(run("prepare_genes", *wanted, *options, cwd=tmp_path))
    for biotypes in (" protein_coding,", "lncRNA, any"):
        wanted = ("--annotation", "a.gtf", "--biotypes", biotypes)
        assert run("prepare_genes", *wanted, *options, cwd=tmp_path).returncode == 0
    (tmp_path / "a.gtf").write_text("hello\n")
    assert "not an annotation" in refused(
        run("prepare_genes", "--annotation", "a.gtf", *options, cwd=tmp_path)
    )


def shard(folder: Path, fasta: Path, sheet: str, bundle: Path) -> subprocess.CompletedProcess[str]:
    (folder / "in.csv").write_text(sheet)
    write_genes(GENES, folder / "genes.parquet")
    return run(
        "shard_variants",
        *("--samplesheet", "in.csv", "--fasta", fasta, "--genes", "genes.parquet"),
        *("--bundle", bundle, "--distance", 5, "--output-dir", "shards"),
        *("--unscored", "unscored.parquet", "--summary", "variants.json"),
        cwd=folder,
    )


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a very small network with random weights."""
    network = DilatedCnn(kernel_widths=(3,), dilations=(1,))
    source = np.random.default_rng(1)
    shapes = {
        "embedding": (5, 32),
        "output.bias": (3,),
        "unit0.scale": (32,),
        "unit0.shift": (32,),
        **{f"unit0.conv{number}.weight": (32, 32, 3) for number in (1, 2)},
        **{f"unit0.conv{number}.bias": (32,) for number in (1, 2)},
        **{f"tap{number}.weight": (3, 32) for number in range(1 + network.has_skip_after(0))},
    }
    arrays = {
        name: source.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()
    }
    path = tmp_path_factory.mktemp("model") / "tiny"
    return write_bundle(path, BundleCard(name="tiny"), [MemberWeights(network, arrays)]).path


def test_shard_to_annotated(tmp_path: Path, small_genome, bundle: Path) -> None:
    letter = small_genome.sequences["chr1"][399]
    lines = [record("1", 400, letter, letter + "A,<DEL>"), record("GL9", 1, "A", "C")]
    (tmp_path / "a b.vcf").write_text(vcf_text(lines))

    def step(name: str, *arguments: object) -> None:
        done = run(name, *arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")

    done = shard(tmp_path, small_genome.path, "sample,vcf\nA,a b.vcf\n", bundle)
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads((tmp_path / "variants.json").read_text())
    assert (summary["records"], summary["alleles"], summary["unique_alleles"]) == (2, 3, 3)
    assert summary["status"] == {"no_sequence": 1, "scored": 1, "symbolic": 1}
    assert summary["unmatched_contigs"] == {"GL9": 1}
    assert (summary["shards"], summary["shard_rows"]) == (1, 2)
    assert summary["cost"] == summary["largest_shard_cost"] > 0
    assert summary["inputs"] == [{"sample": "A", "records": 2, "alleles": 3}]
    model = ("--fasta", small_genome.path, "--genes", "genes.parquet", "--bundle", bundle)
    step(
        "score_variants",
        *("--shard", "shards/shard_00001.parquet", *model, "--distance", 5, "--device", "cpu"),
        *("--output", "part.parquet", "--summary", "run.json"),
    )
    step(
        "merge_scores",
        *("--scores", "part.parquet", "--unscored", "unscored.parquet"),
        *("--fasta", small_genome.path, "--output", "scores.parquet", "--summary", "merged.json"),
    )
    table = pq.read_table(tmp_path / "scores.parquet")
    assert table["status"].to_pylist() == ["symbolic", "scored", "scored", "no_sequence"]
    assert json.loads((tmp_path / "merged.json").read_text())["rows"] == 4
    step(
        "annotate_vcf",
        *("--vcf", "a b.vcf", "--name", "A", "--scores", "scores.parquet", *model),
        *("--distance", 5, "--decimals", 3, "--output", "A.vcf.gz", "--summary", "A.json"),
    )
    summary = json.loads((tmp_path / "A.json").read_text())
    assert (summary["name"], summary["records"], summary["index"]) == ("A", 2, "tbi")
    assert summary["alleles"] == {"scored": 1, "symbolic": 1, "no_sequence": 1}
    first, second = gzip.decompress((tmp_path / "A.vcf.gz").read_bytes()).decode().splitlines()[-2:]
    number = r"0\.\d{3}(\|0\.\d{3}){3}(\|-?\d){4}"
    entries = rf"{letter}A\|IN%3BONE\|{number},{letter}A\|ONE\|{number}"
    info = rf"AC=1;SpliceFlow={entries};SpliceFlow_STATUS=scored,symbolic"
    assert re.fullmatch(info, first.split("\t")[7])
    assert second.split("\t")[7] == "AC=1;SpliceFlow_STATUS=no_sequence"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no VCF header"),
        (gzip.compress(vcf_text([record("1", 5, "A", "C")]).encode())[:-12], "cut off"),
        (vcf_text(["1\t5\t.\tA"]).encode(), "line 8 has fewer than 8 columns"),
    ],
)
def test_shard_refuses(tmp_path: Path, small_genome, bundle, content: bytes, message: str) -> None:
    (tmp_path / "a.vcf").write_bytes(content)
    done = shard(tmp_path, small_genome.path, "sample,vcf\nA,a.vcf\n", bundle)
    assert message in refused(done)
    assert not (tmp_path / "shards").exists()
    assert not (tmp_path / "unscored.parquet").exists()


def test_hostile_samplesheet_does_nothing(tmp_path: Path, small_genome, bundle: Path) -> None:
    (tmp_path / "a.vcf").write_text(vcf_text([]))
    for row in ("../../x,a.vcf", 'A,"$(touch pwned)\n; id"'):
        refused(shard(tmp_path, small_genome.path, f"sample,vcf\n{row}\n", bundle))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.vcf", "genes.parquet", "in.csv"]
