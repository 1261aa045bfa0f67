"""Annotated VCFs: every record once, in its place, nothing but INFO changed."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from pathlib import Path

import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cohort import COLUMNS, GENES, HEADER, LABEL, record, score_cohort, score_of, vcf_text
from strategies import CONTIG_NAMES, genes_of, plain_form, plain_status, records

from spliceflow.bgzf import BgzipWriter, read_blocks
from spliceflow.errors import InputError
from spliceflow.scores import annotate as module
from spliceflow.scores import merge
from spliceflow.scores.annotate import AnnotatedFile, annotate

CONTIGS = {"chr1": 4000, "chr2": 1500, "chrM": 300}
INFOS = [
    "AC=1",
    ".",
    "AC=1;DB",
    "Splice=old|x",
    "Splice_STATUS=star;AC=2",
    "XSplice=1;Splice",
    "DB;Splice=1",
    "AC=1;",
    "Splice=1;",
]


def text_of(path: Path) -> str:
    return b"".join(read_blocks(path)).decode()


def body(text: str) -> list[str]:
    return [line for line in text.split("\n")[:-1] if not line.startswith("#")]


def expected_info(line: str, decimals: int, sequences: dict[str, str]) -> tuple[str, list[str]]:
    """INFO as the plain rules have it, and the status of each ALT."""
    name, pos, _, ref, alts, _, _, info = line.split("\t")[:8]
    contig = CONTIG_NAMES[name] or name
    entries, words = [], []
    for alt in alts.split(","):
        upper = alt.upper() if re.fullmatch("[A-Za-z]+", alt) else alt
        key = plain_form((contig, int(pos), ref.upper(), upper), sequences)
        words.append(plain_status(key, sequences, GENES, LABEL.run.distance))
        for gene in sorted(genes_of(key, GENES), key=lambda gene: gene.name):
            if words[-1] == "scored":
                deltas, positions = score_of(key, gene)
                positions = [str(key[1] + at - int(pos)) for at in positions]
                numbers = [f"{value:.{decimals}f}" for value in deltas] + positions
                entries.append("|".join([alt, gene.name.replace(";", "%3B"), *numbers]))
    kept = [
        item
        for item in info.split(";")
        if item not in (".", "") and item.split("=")[0] not in ("Splice", "Splice_STATUS")
    ]
    if entries:
        kept.append("Splice=" + ",".join(entries))
    if set(words) != {"scored"}:
        kept.append("Splice_STATUS=" + ",".join(words))
    return ";".join(kept) or ".", words


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_nothing_but_info_changes(data: st.DataObject, small_genome, tmp_path_factory) -> None:
    lines = data.draw(st.lists(records(small_genome.sequences, LABEL.run.distance), max_size=30))
    if data.draw(st.booleans()):
        order = list(CONTIG_NAMES)
        lines.sort(key=lambda line: (order.index(line.split("\t")[0]), int(line.split("\t")[1])))
    infos = data.draw(st.lists(st.sampled_from(INFOS), min_size=len(lines), max_size=len(lines)))
    samples = data.draw(st.sampled_from([(), ("S1", "S2")]))
    lines = [
        "\t".join([*line.split("\t")[:7], info, *(("GT:X", "0|1:.", "./.") if samples else ())])
        for line, info in zip(lines, infos, strict=True)
    ]
    text = vcf_text(lines, samples)
    carriage = data.draw(st.booleans())
    folder = tmp_path_factory.mktemp("annotate")
    source, output = folder / "in.vcf", folder / "out.vcf.gz"
    raw = text.replace("\n", "\r\n" if carriage else "\n").encode()
    source.write_bytes(gzip.compress(raw) if data.draw(st.booleans()) else raw)
    decimals = data.draw(st.sampled_from([2, 5]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge, "ROW_GROUP_ROWS", data.draw(st.sampled_from([2, 1 << 16])))
        patch.setattr(module, "_BLOCK_BYTES", data.draw(st.sampled_from([1, 300, 1 << 20])))
        scores = score_cohort([source], small_genome.path, folder)
        counts = annotate(
            source,
            scores,
            folder / "spellings.parquet",
            CONTIGS,
            replace(LABEL, decimals=decimals),
            output,
        )
    result = text_of(output)
    assert ("\r" in result) == carriage
    result = result.replace("\r\n", "\n")
    written = body(result)
    assert len(written) == len(lines) == counts.records
    alleles: dict[str, int] = {}
    for line, new in zip(lines, written, strict=True):
        info, words = expected_info(line, decimals, small_genome.sequences)
        columns = line.split("\t")
        assert new.split("\t") == [*columns[:7], info, *columns[8:]]
        for word in words:
            alleles[word] = alleles.get(word, 0) + 1
    assert counts.alleles == alleles
    header = [line for line in result.split("\n") if line.startswith("#")]
    assert [line for line in header if "Splice" not in line] == text.split("\n")[: len(HEADER) + 1]
    assert (counts.index != "") == counts.sorted == output.with_name("out.vcf.gz.tbi").exists()


def annotated(folder: Path, text: str, fasta: Path, **options: object) -> tuple[str, AnnotatedFile]:
    source, output = folder / "in.vcf", folder / "out.vcf.gz"
    source.write_text(text)
    scores = score_cohort([source], fasta, folder)
    counts = annotate(
        source, scores, folder / "spellings.parquet", CONTIGS, replace(LABEL, **options), output
    )
    return text_of(output), counts


def test_header_says_what_was_done(tmp_path: Path, small_genome) -> None:
    old = '##INFO=<ID=Splice,Number=.,Type=String,Description="old">'
    similar = '##INFO=<ID=SpliceX,Number=.,Type=String,Description="kept">'
    text, counts = annotated(
        tmp_path, vcf_text([]).replace(COLUMNS, f"{old}\n{similar}\n{COLUMNS}"), small_genome.path
    )
    assert (counts.records, counts.alleles, counts.sorted, counts.index) == (0, {}, True, "tbi")
    header = text.splitlines()
    assert header[: len(HEADER) + 1] == [*HEADER, similar]
    scores, status, run, columns = header[len(HEADER) + 1 :]
    assert scores.startswith("##INFO=<ID=Splice,Number=.,Type=String,Description=")
    assert scores.endswith(f'Format: {module.FORMAT}">')
    assert status.startswith("##INFO=<ID=Splice_STATUS,Number=.,Type=String,")
    assert 'Model="a \\"model\\""' in run
    assert "Distance=5,Masked=0,Decimals=2>" in run
    assert columns == COLUMNS
    assert text.count("ID=Splice,") == 2


def test_htslib_reads_what_we_write(tmp_path: Path, small_genome) -> None:
    letter = small_genome.sequences["chr1"][399]
    lines = [record("1", 400, letter, letter + "A"), record("2", 1, "C", "<DEL>")]
    annotated(tmp_path, vcf_text(lines), small_genome.path)
    with pysam.VariantFile(str(tmp_path / "out.vcf.gz")) as file:
        assert [row.pos for row in file.fetch("1", 398, 401)] == [400]
        (row,) = file.fetch("2")
        assert row.info["Splice_STATUS"] == ("symbolic",)
        assert "Splice" not in row.info
        assert file.header.info["Splice"].number == "."


def test_annotating_again_changes_nothing(tmp_path: Path, small_genome) -> None:
    letter = small_genome.sequences["chr1"][399]
    lines = [record("1", 400, letter, f"{letter}A,*"), record("1", 3000, "A", "C", ".")]
    annotated(tmp_path, vcf_text(lines), small_genome.path)
    first, again = tmp_path / "out.vcf.gz", tmp_path / "again.vcf.gz"
    annotate(
        first,
        tmp_path / "scores.parquet",
        tmp_path / "spellings.parquet",
        CONTIGS,
        LABEL,
        again,
        threads=3,
    )
    assert again.read_bytes() == first.read_bytes()


def test_processes_change_nothing(tmp_path: Path, small_genome, monkeypatch) -> None:
    letters = small_genome.sequences["chr1"].upper()
    samples = ("ada", "bo")
    lines = [
        record("1", pos, letters[pos - 1], "<DEL>" if pos % 9 == 0 else letters[pos - 1] + "A")
        + f"\tGT\t0/1\t{pos % 2}/0"
        for pos in range(200, 800)
    ]
    monkeypatch.setattr(module, "_BLOCK_BYTES", 2000)
    monkeypatch.setattr("spliceflow.bgzf._READ_BYTES", 1000)
    _, one = annotated(tmp_path, vcf_text(lines, samples), small_genome.path)
    monkeypatch.setattr(module, "_LARGE_FILE", 0)
    many = tmp_path / "many.vcf.gz"
    counts = annotate(
        tmp_path / "in.vcf",
        tmp_path / "scores.parquet",
        tmp_path / "spellings.parquet",
        CONTIGS,
        LABEL,
        many,
        threads=2,
    )
    assert many.read_bytes() == (tmp_path / "out.vcf.gz").read_bytes()
    assert counts == one
    assert counts.records == 600
    assert counts.index == "tbi"
    assert len(counts.strongest) == 200
    # A fault in a process is the same sentence.
    with (tmp_path / "in.vcf").open("a") as file:
        file.write(record("1", 900, "A", "CCC", ".") + "\tGT\t0/1\t0/1\n")
    with pytest.raises(InputError, match="has no row in the scores table"):
        annotate(
            tmp_path / "in.vcf",
            tmp_path / "scores.parquet",
            tmp_path / "spellings.parquet",
            CONTIGS,
            LABEL,
            many,
            threads=2,
        )


def test_bcf_becomes_vcf(tmp_path: Path, small_genome) -> None:
    letter = small_genome.sequences["chr1"][399]
    text, _ = annotated(
        tmp_path,
        vcf_text([record("1", 400, letter, letter + "A"), record("2", 1, "C", "CN")]),
        small_genome.path,
    )
    source = tmp_path / "in.bcf"
    with (
        pysam.VariantFile(str(tmp_path / "in.vcf")) as file,
        pysam.VariantFile(str(source), "wb", header=file.header) as target,
    ):
        for row in file:
            target.write(row)
    annotate(
        source,
        tmp_path / "scores.parquet",
        tmp_path / "spellings.parquet",
        CONTIGS,
        LABEL,
        tmp_path / "bcf.vcf.gz",
    )
    assert body(text_of(tmp_path / "bcf.vcf.gz")) == body(text)


@pytest.mark.parametrize(
    "lines",
    [
        [record("1", 300, "A", "<X>"), record("1", 200, "A", "<X>")],
        [record("1", 300, "A", "<X>"), record("2", 1, "A", "<X>"), record("1", 400, "A", "<X>")],
    ],
    ids=["positions", "contigs"],
)
def test_unsorted_files_have_no_index(tmp_path: Path, small_genome, lines: list[str]) -> None:
    stale = tmp_path / "out.vcf.gz.tbi"
    stale.touch()
    text, counts = annotated(tmp_path, vcf_text(lines), small_genome.path)
    assert (counts.sorted, counts.index, counts.records) == (False, "", len(lines))
    assert not stale.exists()
    assert [line.split("\t")[1] for line in body(text)] == [line.split("\t")[1] for line in lines]


def test_contigs_longer_than_tabix_allows_get_a_csi_index(tmp_path: Path, small_genome) -> None:
    text = vcf_text([record("1", 600_000_000, "A", "C")])
    _, counts = annotated(tmp_path, text, small_genome.path)
    assert counts.index == "csi"
    with pysam.VariantFile(str(tmp_path / "out.vcf.gz")) as file:
        assert [row.pos for row in file.fetch("1", 599_999_990, 600_000_005)] == [600_000_000]


def test_odd_names_are_only_text(tmp_path: Path, small_genome) -> None:
    names = ["../../x", "a'b", 'q"$(touch pwned)', "`id`", "<x>", "HLA-A*01:01", "é"]
    lines = [record(name, 5, "A", "C") for name in names]
    text, counts = annotated(tmp_path, vcf_text(lines), small_genome.path)
    assert [line.split("\t")[0] for line in body(text)] == names
    assert counts.alleles == {"no_sequence": len(names)}
    assert {path.name for path in tmp_path.iterdir()} == {
        "in.vcf", "out.vcf.gz", "out.vcf.gz.tbi", "scores.parquet", "shards", "spellings.parquet",
        "unscored.parquet",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("option", "value"),
    [("model", "ffffffffffff"), ("annotation", "0"), ("distance", 6), ("masked", True)],
)
def test_scores_of_another_run_are_refused(tmp_path: Path, small_genome, option, value) -> None:
    letter = small_genome.sequences["chr1"][399]
    with pytest.raises(InputError, match="were made with"):
        annotated(
            tmp_path,
            vcf_text([record("1", 400, letter, letter + "A")]),
            small_genome.path,
            run=replace(LABEL.run, **{option: value}),
        )
    assert not (tmp_path / "out.vcf.gz").exists()


def test_an_allele_without_a_row_is_an_error(tmp_path: Path, small_genome) -> None:
    annotated(tmp_path, vcf_text([record("1", 5, "A", "C")]), small_genome.path)
    other = tmp_path / "other.vcf"
    other.write_text(vcf_text([record("1", 5, "A", "C"), record("1", 5, "A", "G")]))
    with pytest.raises(InputError, match="1:5 A>G has no row in the scores"):
        annotate(
            other,
            tmp_path / "scores.parquet",
            tmp_path / "spellings.parquet",
            CONTIGS,
            LABEL,
            tmp_path / "other.vcf.gz",
        )
    assert not (tmp_path / "other.vcf.gz").exists()


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.vcf"
    source.write_text(vcf_text([]))
    (tmp_path / "scores.parquet").write_text("hello")
    with pytest.raises(InputError, match="not a table of scores"):
        annotate(
            source,
            tmp_path / "scores.parquet",
            tmp_path / "spellings.parquet",
            CONTIGS,
            LABEL,
            tmp_path / "x.vcf.gz",
        )


def test_lost_records_are_noticed(tmp_path: Path, small_genome, monkeypatch) -> None:
    # Of two blocks of lines the last does not reach the disk.
    monkeypatch.setattr(module, "_BLOCK_BYTES", 1)
    monkeypatch.setattr("spliceflow.bgzf._READ_BYTES", 20)
    write = BgzipWriter.write_packed
    kept: list[bytes] = []

    def lossy(self: BgzipWriter, blocks: bytes) -> None:
        write(self, b"" if kept else blocks)
        kept.append(blocks)

    monkeypatch.setattr(BgzipWriter, "write_packed", lossy)
    with pytest.raises(InputError, match="1 records were written for 2"):
        annotated(
            tmp_path,
            vcf_text([record("1", 5, "A", "C"), record("1", 6, "A", "C")]),
            small_genome.path,
        )
    assert not (tmp_path / "out.vcf.gz").exists()
