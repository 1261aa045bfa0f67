"""Files made to break readers: whatever they hold, they are read or refused in one sentence.

Each reader gets valid files with pieces cut, doubled, swapped or replaced, and bytes at random.
Anything raised beside InputError fails the test. ``--hypothesis-seed=random`` and a larger
HYPOTHESIS_MAX_EXAMPLES look further.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spliceflow.errors import InputError
from spliceflow.genome.annotation import read_gff3, read_gtf
from spliceflow.genome.fasta import Genome
from spliceflow.genome.genes import Gene, read_annotation, read_genes, write_genes
from spliceflow.models.bundle import DESCRIPTION, Bundle
from spliceflow.variants.alleles import CohortAlleles
from spliceflow.variants.jobs import shard_cohort
from spliceflow.variants.samplesheet import read_samplesheet
from spliceflow.variants.vcf import VariantFile

ROOT = Path(__file__).parents[2]
MANY = settings(
    max_examples=int(os.environ.get("HYPOTHESIS_MAX_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

HOSTILE = (
    "$(touch pwned)", "`touch pwned`", "'; touch pwned; '", '"', "\\", "../../pwned", "/pwned",
    "<script>alert(1)</script>", "a\x00b", "é", "\ufeff", "\u202e", "\u2028", "NaN", "1e999", "-1",
    "9" * 30, "-rf", "", " ", ".", "..", "*", "%s%n", "{0}", "a" * 5000,
)  # fmt: skip

VCF = b"""##fileformat=VCFv4.2
##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count">
##contig=<ID=chr1,length=4000>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tada
chr1\t10\trs1\tA\tC,<DEL>\t50\tPASS\tAC=1,2\tGT\t0/1
chr1\t200\t.\tACG\tA\t.\t.\t.\tGT:DP\t1|1:9
chr2\t5\t.\tT\tG]chr1:10]\t.\t.\tAC=1;X\tGT\t./.
"""
GTF = b"""#!genome-build x
chr1\tsrc\tgene\t101\t900\t.\t+\t.\tgene_id "G1"; gene_name "ONE"; gene_type "protein_coding";
chr1\tsrc\ttranscript\t101\t900\t.\t+\t.\tgene_id "G1"; transcript_id "T1"; gene_name "ONE"; tag "MANE_Select";
chr1\tsrc\texon\t101\t300\t.\t+\t.\tgene_id "G1"; transcript_id "T1"; exon_number 1;
chr1\tsrc\texon\t500\t900\t.\t+\t.\tgene_id "G1"; transcript_id "T1"; exon_number 2;
chr1\tsrc\tCDS\t150\t880\t.\t+\t0\tgene_id "G1"; transcript_id "T1";
"""  # noqa: E501
GFF3 = b"""##gff-version 3
chr1\tsrc\tgene\t101\t900\t.\t-\t.\tID=gene:G1;Name=ONE;biotype=protein_coding
chr1\tsrc\tmRNA\t101\t900\t.\t-\t.\tID=transcript:T1;Parent=gene:G1;tag=MANE%20Select
chr1\tsrc\texon\t101\t300\t.\t-\t.\tParent=transcript:T1
chr1\tsrc\texon\t500\t900\t.\t-\t.\tParent=transcript:T1
"""
TABLE = b"""#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END
ONE\tchr1\t+\t100\t900\t100,500,\t300,900,
"""


@st.composite
def damaged(draw: st.DrawFn, original: bytes) -> bytes:
    """``original`` with some pieces changed."""
    data = original
    for _ in range(draw(st.integers(1, 4))):
        size = len(data)
        first = draw(st.integers(0, size))
        last = draw(st.integers(first, min(size, first + 40)))
        fields = [match.span() for match in re.finditer(rb"[^\t\n;,= \"|]+", data)]
        change = draw(st.sampled_from(("cut", "bytes", "field", "field", "field", "double", "end")))
        if change == "cut":
            data = data[:first] + data[last:]
        elif change == "bytes":
            data = data[:first] + draw(st.binary(max_size=12)) + data[last:]
        elif change == "field" and fields:
            start, end = draw(st.sampled_from(fields))
            new = draw(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8)))
            data = data[:start] + new.encode("utf-8", "surrogatepass") + data[end:]
        elif change == "double":
            data = data[:last] + data[first:last] + data[last:]
        elif change == "end":
            data = data[:first]
    return data


def must_be_read_or_refused(read: Callable[[], object]) -> None:
    message = "none"
    try:
        read()
    except InputError as error:
        message = str(error)
    assert len(message.split("\n")) == 1, "one sentence, on one line"
    assert len(message) < 1000


def test_a_message_shows_the_beginning_of_a_long_value():
    assert (
        str(InputError(f"{'a' * 5000} is no number"))
        == f"{'a' * 200}…(5000 characters) is no number"
    )
    path = "/".join(["folder"] * 40)
    assert str(InputError(f"{path} is missing")) == f"{path} is missing"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("hostile")
    letters = "".join(np.random.default_rng(3).choice(list("ACGT"), 4000))
    (made / "genome.fa").write_text(f">chr1\n{letters}\n>chr2\nACGTT\n")
    return made


@MANY
@given(damaged(VCF), st.sampled_from(["vcf", "vcf.gz"]))
def test_variant_files(folder: Path, data: bytes, ending: str):
    path = folder / f"in.{ending}"
    path.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    gene = Gene("ONE", "G1", "T1", "chr1", "+", 0, 900, (0,), (900,), "protein_coding")

    def read() -> None:
        with Genome(folder / "genome.fa") as genome:
            shard_cohort(
                [path],
                genome,
                [gene],
                50,
                folder / "shards",
                folder / "unscored.parquet",
                folder / "spellings.parquet",
                1e9,
                lambda pos, ref, alt: np.ones(len(pos)),
            )
        for block in VariantFile(path).blocks():
            assert len(block.alt) == len(block)

    must_be_read_or_refused(read)


@MANY
@given(st.data())
def test_compressed_variant_files(folder: Path, data: st.DataObject):
    packed = folder / "whole.bcf"
    if not packed.exists():
        import pysam

        (folder / "whole.vcf").write_bytes(VCF.replace(b";X", b"").replace(b"chr2\t", b"chr1\t"))
        with pysam.VariantFile(str(folder / "whole.vcf")) as source:
            source.header.formats.add("GT", 1, "String", "Genotype")
            source.header.formats.add("DP", 1, "Integer", "Depth")
            with pysam.VariantFile(str(packed), "wb", header=source.header) as target:
                for row in source:
                    target.write(row)
    path = folder / "in.bcf"
    path.write_bytes(data.draw(damaged(packed.read_bytes())))

    def read() -> None:
        with (
            Genome(folder / "genome.fa") as genome,
            CohortAlleles(genome, _empty(folder / "database")) as cohort,
        ):
            cohort.add(path)

    must_be_read_or_refused(read)


def _empty(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    return path


@MANY
@given(st.one_of(damaged(GTF), damaged(GFF3), damaged(TABLE)), st.booleans())
def test_annotations(folder: Path, data: bytes, packed: bool):
    path = folder / "genes"
    path.write_bytes(gzip.compress(data) if packed else data)

    def read(reader: Callable[[Path], object]) -> Callable[[], object]:
        return lambda: reader(path)

    must_be_read_or_refused(lambda: read_annotation(path, "mane"))
    must_be_read_or_refused(read(read_gtf))
    must_be_read_or_refused(read(read_gff3))


@MANY
@given(damaged(b'sample,vcf\nada,whole.vcf\n"bo","it\'s.vcf"\n'))
def test_samplesheets(folder: Path, data: bytes):
    path = folder / "sheet.csv"
    path.write_bytes(data)
    seen: list[str] = []

    def read() -> None:
        seen.extend(entry.sample for entry in read_samplesheet(path))

    must_be_read_or_refused(read)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name) for name in seen)


@MANY
@given(st.data())
def test_bundles(folder: Path, data: st.DataObject):
    path = folder / "bundle"
    path.mkdir(exist_ok=True)
    (path / "member_1.onnx").write_bytes(b"not looked into")
    content = {
        "format": 1,
        "name": "x",
        "info_tag": "X",
        "temperature": 1.0,
        "notes": ["a"],
        "metrics": {"a": 1.0},
        "network": {
            "kernel_widths": [11, 11, 11, 11],
            "dilations": [1, 1, 1, 1],
            "channels": 32,
            "negative_slope": 0.1,
            "batch_norm_eps": 1e-5,
        },
        "members": ["member_1.onnx"],
        "files": {"member_1.onnx": hashlib.sha256(b"not looked into").hexdigest()},
    }
    if data.draw(st.booleans()):
        target = data.draw(st.sampled_from([content, content["network"], content["files"]]))
        name = data.draw(st.sampled_from(sorted(target)))
        odd = st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(),
            st.sampled_from(HOSTILE),
            st.lists(st.one_of(st.integers(-3, 50), st.sampled_from(HOSTILE)), max_size=4),
            st.dictionaries(st.sampled_from(HOSTILE), st.integers(), max_size=2),
        )
        target[name] = data.draw(odd)
        text = json.dumps(content).encode()
    else:
        text = data.draw(damaged(json.dumps(content).encode()))
    (path / DESCRIPTION).write_bytes(text)

    def read() -> None:
        bundle = Bundle.load(path)
        assert len(bundle.score_fingerprint(calibrated=True)) == 12
        assert bundle.context >= 0
        # What becomes part of a VCF's header and records.
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", bundle.card.info_tag)
        assert isinstance(bundle.card.name, str)
        assert bundle.card.temperature > 0

    must_be_read_or_refused(read)


@MANY
@given(st.binary(max_size=300))
def test_tables_of_genes(folder: Path, data: bytes):
    path = folder / "genes.parquet"
    write_genes([], path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(data)] + data + whole[len(data) * 2 :])
    must_be_read_or_refused(lambda: read_genes(path))


@pytest.mark.parametrize("name", [text for text in HOSTILE if text.strip() and "\0" not in text])
def test_names_of_samples_never_become_paths(name: str, folder: Path, tmp_path: Path):
    """A name that could leave the output folder, or mean something to a shell, is refused."""
    (tmp_path / "x.vcf").write_bytes(VCF)
    sheet = tmp_path / "sheet.csv"
    quoted = name.replace('"', '""')
    sheet.write_text(f'sample,vcf\n"{quoted}",{tmp_path / "x.vcf"}\n', encoding="utf-8")
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}", name):
        assert read_samplesheet(sheet)[0].sample == name
    else:
        with pytest.raises(InputError, match="sample"):
            read_samplesheet(sheet)


def test_contigs_and_samples_inside_a_file_are_only_text(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What a shell or a path would make of a contig or a column's name never happens."""
    monkeypatch.chdir(tmp_path)
    from spliceflow.scores.annotate import ScoringLabel, annotate
    from spliceflow.scores.merge import merge_scores
    from spliceflow.scores.run import ScoringRun

    names = [text for text in HOSTILE if text and not set(text) & set("\x00\n\t\r")]
    header, columns = VCF.split(b"chr1\t10")[0].rstrip(b"\n").rsplit(b"\n", 1)
    columns = b"\t".join(columns.split(b"\t")[:9] + [name.encode() for name in names])
    genotypes = b"\t".join([b"GT"] + [b"0/1"] * len(names))
    lines = [header, columns]
    for name in names:
        lines.append(name.encode() + b"\t10\t.\tA\tC\t.\t.\tAC=1\t" + genotypes)
    source = tmp_path / "in.vcf"
    source.write_bytes(b"\n".join(lines) + b"\n")
    with Genome(folder / "genome.fa") as genome:
        shard_cohort(
            [source],
            genome,
            [],
            50,
            tmp_path / "shards",
            tmp_path / "unscored.parquet",
            tmp_path / "spellings.parquet",
            1e9,
            lambda pos, ref, alt: np.ones(len(pos)),
        )
        contigs = genome.contigs
    merge_scores([], tmp_path / "unscored.parquet", list(contigs), tmp_path / "scores.parquet")
    label = ScoringLabel("X", "m", ScoringRun("0" * 12, "1" * 12, 50, masked=False))
    output = tmp_path / "out" / "out.vcf.gz"
    annotate(
        source, tmp_path / "scores.parquet", tmp_path / "spellings.parquet", contigs, label, output
    )
    written = gzip.decompress(output.read_bytes()).splitlines()
    body = [line for line in written if not line.startswith(b"#")]
    assert [line.split(b"\t")[0].decode() for line in body] == names
    assert all(b";X_STATUS=no_sequence\t" in line for line in body)
    assert columns in written
    assert not list(tmp_path.rglob("pwned"))
    assert {path.name for path in output.parent.iterdir()} <= {"out.vcf.gz", "out.vcf.gz.tbi"}


def test_an_entrypoint_names_a_hostile_path_on_one_line(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, ROOT / "bin" / "prepare_genome.py", "--fasta", tmp_path / "a\nb$(id)",
         "--output-dir", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
