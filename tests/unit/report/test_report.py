"""The report: digest of the scores, sections, and the page that MultiQC writes."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spliceflow.errors import InputError
from spliceflow.report.content import COST_PLACE
from spliceflow.report.findings import (
    EFFECTS,
    SHOWN_DELTA,
    Findings,
    digest_scores,
    parse_versions,
    read_summary,
)
from spliceflow.report.multiqc import write_report
from spliceflow.report.sections import ANNOTATE_PARAMETERS, SECTIONS
from spliceflow.scores.table import SCORE_SCHEMA
from spliceflow.variants.status import Status

ROOT = Path(__file__).resolve().parents[3]
ENTRYPOINT = ROOT / "bin" / "report.py"

VARIANTS = {
    "files": 2,
    "records": 5,
    "alleles": 6,
    "unique_alleles": 4,
    "status": {"scored": 3, "symbolic": 1},
    "classes": {"snv": 3, "other": 1},
    "class_status": {"snv": {"scored": 3}, "other": {"symbolic": 1}},
    "unmatched_contigs": {"chrC": 2},
    "shards": 1,
    "shard_rows": 3,
    "cost": 1.0,
    "largest_shard_cost": 1.0,
    "estimated_cpu_hours": 0.5,
    "inputs": [],
}
GENES = {
    "format": "GTF",
    "transcripts_choice": "mane",
    "fingerprint": "0123456789ab",
    "genes_read": 3,
    "transcripts_read": 4,
    "transcripts_unusable": 0,
    "genes_kept": 2,
    "transcripts_kept": 2,
    "chosen": {"mane": 2},
    "other_biotypes": {"lncRNA": 1},
    "unmatched_contigs": {"chrC": 1},
    "outside_contig": 0,
    "without_exons": 0,
    "without_gene": 0,
    "duplicates": 0,
}
RUN = {
    "alleles": 3,
    "start_up_seconds": 0.4,
    "wall_seconds": 1.5,
    "cpu_seconds": 1.2,
    "peak_memory_bytes": 2**28,
    "device": "cpu",
    "precision": "fp32",
    "threads": 1,
    "engine": "incremental",
    "shard": "shard_00001.parquet",
}
ANNOTATED = {
    "name": "family",
    "records": 3,
    "alleles": {"scored": 3, "symbolic": 1},
    "effects": {"0.2": 2, "0.5": 1, "0.8": 1},
    "strongest": [
        {
            "contig": "chrA",
            "pos": 100,
            "ref": "A",
            "alt": "G",
            "ds": 0.9,
            "carriers": 3,
            "samples": ["<ada>", "bo"],
        }
    ],
}


def score_rows(deltas: list[tuple[float, float, float, float]]) -> pa.Table:
    """Scored rows with the four delta scores given, and one row without a score."""
    rows = []
    for index, ds in enumerate(deltas):
        row = dict.fromkeys(SCORE_SCHEMA.names)
        row |= {"contig": "chrA", "pos": 100 + index, "ref": "A", "alt": "G", "gene": "XMPL1"}
        row |= {"strand": "+", "status": "scored", "distance": 50, "masked": False}
        for kind, value in zip(EFFECTS, ds, strict=True):
            row |= {f"ds_{kind}": value, f"dp_{kind}": index - 2}
        rows.append(row)
    unscored = dict.fromkeys(SCORE_SCHEMA.names)
    unscored |= {"contig": "chrA", "pos": 7, "ref": "A", "alt": "<DEL>", "status": "symbolic"}
    return pa.Table.from_pylist([*rows, unscored], SCORE_SCHEMA)


def digest(path: Path, deltas: list[tuple[float, float, float, float]]):
    pq.write_table(score_rows(deltas), path / "scores.parquet", row_group_size=2)
    return digest_scores(path / "scores.parquet")


def contents(findings: Findings) -> dict[str, dict]:
    made = [content.as_multiqc() for section in SECTIONS for content in section(findings)]
    assert len({content["id"] for content in made}) == len(made)
    return {content["id"]: content for content in made}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 100).map(lambda value: value / 100)] * 4), max_size=20),
    st.sampled_from((0.2, 0.5, 0.8, 0.29, 0.57, 0.58)),
)
def test_digest_counts_what_numpy_counts(tmp_path_factory, deltas, threshold):
    found = digest(tmp_path_factory.mktemp("scores"), deltas)
    table = np.array(deltas, dtype=np.float32).reshape(-1, 4)
    assert found.pairs == len(deltas)
    assert found.at_least(threshold) == (table.max(axis=1) >= np.float32(threshold)).sum()
    for column, kind in enumerate(EFFECTS):
        above = found.histograms[kind][round(threshold * 100) :].sum()
        assert above == (table[:, column] >= np.float32(threshold)).sum()
    assert len(found.top) == (table.max(axis=1) >= np.float32(SHOWN_DELTA)).sum()


def test_top_effects_are_sorted_and_name_the_largest_of_the_four(tmp_path):
    found = digest(tmp_path, [(0.1, 0.6, 0, 0), (0.2, 0, 0, 0.9), (0, 0, 0.01, 0), (0, 0, 0.7, 0)])
    assert [(effect.kind, effect.pos) for effect in found.top] == [
        ("dl", 101),
        ("dg", 103),
        ("al", 100),
    ]
    assert found.top[0].dp == -1
    assert found.genes == {"XMPL1": 3}


def test_a_table_without_any_score_makes_a_report_without_effects(tmp_path):
    findings = Findings(scores=digest(tmp_path, []), variants=VARIANTS)
    assert not {"spliceflow_top_variants", "spliceflow_effects"} & set(contents(findings))


def test_every_section_stays_out_without_its_findings():
    assert contents(Findings()) == {}


def test_sections_tell_the_numbers_of_the_summaries(tmp_path):
    findings = Findings(
        scores=digest(tmp_path, [(0.9, 0, 0, 0), (0, 0.3, 0, 0), (0, 0, 0, 0)]),
        genes=GENES,
        variants=VARIANTS,
        annotated=(ANNOTATED,),
        runs=(RUN,),
        params={"distance": 50, "mask": False, "input": "a<b>.vcf"},
    )
    made = contents(findings)
    (top, second) = made["spliceflow_top_variants"]["data"].values()
    assert top["effect"] == "acceptor gain"
    assert top["carriers"] == "family (&lt;ada&gt;, bo and 1 more)"
    assert "carriers" not in second
    assert made["spliceflow_effects"]["data"]["acceptor gain"]["0.8 – 1"] == 1
    assert made["spliceflow_status"]["data"]["family"] == ANNOTATED["alleles"]
    assert made["spliceflow_classes"]["data"]["SNV"]["scored"] == 3
    assert made["spliceflow_contigs"]["data"] == {"chrC": {"alleles": 2, "genes": 1}}
    assert made["spliceflow_throughput"]["data"]["shard_00001"]["rate"] == pytest.approx(7200)
    assert made["spliceflow_files"]["data"]["family"]["effects_50"] == 1
    assert "a&lt;b&gt;.vcf" in made["spliceflow_parameters"]["data"]


def test_genes_left_out_are_told():
    genes = GENES | {"outside_contig": 1234, "duplicates": 2, "transcripts_unusable": 3}
    data = contents(Findings(genes=genes))["spliceflow_annotation"]["data"]
    for words in ("beyond their contig&#x27;s end", "1,234", "given twice", "2, kept once"):
        assert words in data or words.replace("&#x27;", "'") in data


def test_a_summary_of_prepare_genes_is_like_the_one_above(tmp_path):
    example = ROOT / "assets" / "example"
    subprocess.run(
        [
            *(sys.executable, ROOT / "bin" / "prepare_genes.py", "--transcripts", "mane"),
            *("--annotation", example / "genes.gtf.gz", "--fasta", example / "genome.fa.gz"),
            *("--output", tmp_path / "genes.parquet", "--summary", tmp_path / "genes.json"),
        ],
        check=True,
    )
    made = read_summary(tmp_path / "genes.json")
    assert {name: type(value) for name, value in made.items()} == {
        name: type(value) for name, value in GENES.items()
    }
    assert "spliceflow_annotation" in contents(Findings(genes=made))


def test_known_scores_are_told():
    known = {"rows": 1234, "alleles": 1200, "imported": 0}
    (content,) = (
        content
        for section in SECTIONS
        for content in section(Findings(variants=VARIANTS | {"known": known}))
        if content.id == "spliceflow_overview"
    )
    assert content.data.count("<b>1,234</b><span>found in the score store</span>") == 1
    assert content.data.count("score store") == 1


def test_cost_is_estimated_and_measured():
    gpu = RUN | {"device": "cuda", "shard": "b.parquet", "wall_seconds": 120.0}
    data = contents(Findings(variants=VARIANTS, runs=(RUN, gpu)))["spliceflow_cost"]["data"]
    assert "30 min of CPU time for 3 allele × gene pairs" in data
    assert "3.2 s of CPU time and 2 min of a GPU" in data
    assert data.endswith(COST_PLACE)
    assert "spliceflow_cost" not in contents(Findings(genes=GENES))


def test_many_shards_are_summed_and_the_slowest_shown():
    runs = tuple(RUN | {"shard": f"s{i}.parquet", "wall_seconds": float(i)} for i in range(1, 61))
    data = contents(Findings(runs=runs))["spliceflow_throughput"]["data"]
    assert list(data)[:2] == ["all shards", "s11"]
    assert len(data) == 51
    assert data["all shards"]["alleles"] == 180
    assert data["all shards"]["wall"] == sum(range(1, 61))


def test_parameters_of_other_workflows_stay_out():
    schema = json.loads((ENTRYPOINT.parents[1] / "nextflow_schema.json").read_text("utf-8"))
    known = [name for group in schema["$defs"].values() for name in group["properties"]]
    assert set(ANNOTATE_PARAMETERS) <= set(known)
    params = {"workflow": "annotate", "mask": False, "distance": 50, "epochs": 10}
    shown = contents(Findings(params=params))["spliceflow_parameters"]["data"]
    assert "--mask" in shown
    assert "--epochs" not in shown


def test_every_status_has_a_colour_and_an_explanation():
    counts = {status.value: 1 for status in Status}
    (status,) = [
        content
        for section in SECTIONS
        for content in section(Findings(annotated=(ANNOTATED | {"alleles": counts},)))
        if content.id == "spliceflow_status"
    ]
    assert set(status.categories) == set(counts)
    for word in counts:
        assert f"<dt>{word}</dt>" in status.help


def test_unreadable_summaries_are_named(tmp_path):
    bad = tmp_path / "run.json"
    bad.write_text("{")
    with pytest.raises(InputError, match=r"run\.json"):
        read_summary(bad)
    with pytest.raises(InputError, match=r"run\.json"):
        digest_scores(bad)


def test_versions_are_read_by_process(tmp_path):
    path = tmp_path / "versions.yml"
    path.write_text('"ANNOTATE:REPORT":\n    multiqc: "1.35"\n')
    assert parse_versions(path) == {"REPORT": {"multiqc": "1.35"}}
    path.write_text("just text")
    with pytest.raises(InputError, match="versions"):
        parse_versions(path)


def run_report(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ENTRYPOINT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_page_needs_no_other_file(tmp_path):
    pq.write_table(score_rows([(0.9, 0, 0, 0), (0, 0.3, 0, 0.1)]), tmp_path / "scores.parquet")
    for name, summary in (("genes", GENES), ("variants", VARIANTS), ("run", RUN), ("a", ANNOTATED)):
        (tmp_path / f"{name}.json").write_text(json.dumps(summary))
    (tmp_path / "versions.yml").write_text("REPORT:\n    multiqc: '1.35'\n")
    (tmp_path / "params.json").write_text(json.dumps({"distance": 50}))
    output = tmp_path / "multiqc"
    done = run_report(
        *("--output-dir", output, "--scores", tmp_path / "scores.parquet"),
        *("--genes-summary", tmp_path / "genes.json"),
        *("--variants-summary", tmp_path / "variants.json"),
        *("--runs", tmp_path / "run.json", "--annotated", tmp_path / "a.json"),
        *("--params", tmp_path / "params.json", "--versions", tmp_path / "versions.yml"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = (output / "multiqc_report.html").read_text(encoding="utf-8")
    for text in ("Top variants", "Delta-score distribution", "chrA:100 A&gt;G", "XMPL1", "chrC"):
        assert text in page
    assert 'src="http' not in page.replace('src="https://assets-cdn.github.com', "")
    assert '<link rel="stylesheet" href="http' not in page
    assert (output / "multiqc_data").is_dir()


def test_a_cohort_without_records_has_a_report(tmp_path):
    pq.write_table(SCORE_SCHEMA.empty_table(), tmp_path / "scores.parquet")
    empty = {"records": 0, "alleles": 0, "unique_alleles": 0, "unmatched_contigs": {}}
    empty |= {"status": {}, "classes": {}, "class_status": {}}
    findings = Findings(
        scores=digest_scores(tmp_path / "scores.parquet"),
        variants=VARIANTS | empty,
        annotated=({"name": "x", "records": 0, "alleles": {}},),
    )
    page = write_report(findings, tmp_path / "multiqc").read_text("utf-8")
    assert "in 2 files, all in the output" in page


def test_an_empty_report_is_an_error_in_one_sentence(tmp_path):
    done = run_report("--output-dir", tmp_path / "multiqc")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "multiqc").exists()


def test_findings_are_optional():
    assert all(
        field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
        for field in dataclasses.fields(Findings)
    )
