"""The table of what a run has cost."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRACE = """\
name status attempt realtime cpus %cpu peak_rss
ANNOTATE:SCORE_VARIANTS (shard_00001) COMPLETED 1 3600000 2 150.0 1048576000
ANNOTATE:SCORE_VARIANTS (shard_00002) FAILED 2 1800000 2 100.0 -
ANNOTATE:SCORE_VARIANTS (shard_00002) COMPLETED 3 3600000 2 150.0 2097152000
ANNOTATE:SCORE_VARIANTS (shard_00003) CACHED 1 3600000 2 150.0 524288000
DISTIL:EVALUATE_STUDENT (student) COMPLETED 1 3600000 1 100.0 -
DISTIL:TRAIN_MEMBER (seed 42) COMPLETED 3 3600000 1 100.0 -
ANNOTATE:MERGE_SCORES COMPLETED 1 - 1 - -
ANNOTATE:EXPORT_MODEL COMPLETED 1 - 1 - -
"""
EMPTY = "<!-- cost by process --><!-- end of cost by process -->"
COST = """\
process tasks failed cached cpu_hours reserved_cpu_hours gpu_hours peak_memory_mb
EVALUATE_STUDENT 1 0 0 1.0000 1.0000 1.0000 0
EXPORT_MODEL 1 0 0 0.0000 0.0000 0.0000 0
MERGE_SCORES 1 0 0 0.0000 0.0000 0.0000 0
SCORE_VARIANTS 4 1 1 3.5000 5.0000 2.5000 2000
TRAIN_MEMBER 1 0 0 1.0000 1.0000 1.0000 0
total 8 1 1 5.5000 7.0000 4.5000 2000
"""


def test_cost_by_process(tmp_path):
    trace = tmp_path / "trace.txt"
    # a name has a space in it: the other columns are parted by tabs
    lines = [line.rsplit(" ", 6) for line in TRACE.splitlines()]
    trace.write_text("".join("\t".join(fields) + "\n" for fields in lines))
    results, work = published_by_links(tmp_path, trace.read_text())
    environment = os.environ | {"NXF_ANSI_LOG": "false"}
    environment["PATH"] = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        [
            *("nextflow", "-q", "run", ROOT / "tests" / "pipeline" / "cost.nf"),
            *("--trace", trace, "--results", results),
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    on_gpu = [line.split()[2:] for line in lines if line.startswith("GPU HOURS ")]
    *table, again, without, page = [line for line in lines if not line.startswith("GPU HOURS ")]
    assert table == COST.replace(" ", "\t").splitlines(), done.stderr
    assert again == "true"
    assert without == "no place"
    assert page.startswith("before <!-- cost by process --><table")
    assert page.endswith("</table><!-- end of cost by process --> after")
    rows = [re.findall("<td[^>]*>([^<]*)</td>", row) for row in page.split("</tr>")]
    assert [row for row in rows if row] == [line.split() for line in COST.splitlines()[1:]]

    # a GPU that was reserved counts, but for the third attempt at scoring, which may do without
    assert on_gpu == [
        ["cuda", "fp32", "true", "4.5000"],
        ["auto", "fp32", "true", "3.5000"],
        ["auto", "tf32", "true", "4.5000"],
        ["auto", "fp32", "false", "0.0000"],
        ["cpu", "fp32", "false", "0.0000"],
    ]

    # what a task has made stays as it was, also where results are links to it
    assert (results / "pipeline_info" / "cost.tsv").read_text().startswith("process\ttasks")
    assert "<table" in (results / "training.html").read_text()
    assert {path.read_text() for path in work.rglob("*.html")} == {EMPTY}
    assert (results / "multiqc" / "multiqc_report.html").read_text() == EMPTY


def published_by_links(folder: Path, trace: str) -> tuple[Path, Path]:
    """Results as --publish_dir_mode symlink leaves them, and the work folder they lead to."""
    results, work = folder / "results", folder / "work"
    (work / "multiqc").mkdir(parents=True)
    (results / "pipeline_info").mkdir(parents=True)
    (results / "pipeline_info" / "trace.txt").write_text(trace)
    for name in ("training.html", "multiqc/multiqc_report.html"):
        (work / name).write_text(EMPTY)
    (results / "training.html").symlink_to(work / "training.html")
    (results / "multiqc").symlink_to(work / "multiqc")
    return results, work


def test_every_process_that_can_have_a_gpu_is_counted():
    cost = (ROOT / "functions" / "cost.nf").read_text()
    for label in ("scoring", "training"):
        listed = re.search(rf"def {label}_processes\(\) {{\n(.*?)\n}}", cost, re.DOTALL)[1]
        modules = [
            path.parent.name.upper()
            for path in (ROOT / "modules").glob("*/main.nf")
            if f"label 'process_{label}'" in path.read_text()
        ]
        flows = "".join(path.read_text() for path in (ROOT / "workflows").glob("*.nf"))
        names = {
            alias or name
            for name, alias in re.findall(r"include \{ (\w+)(?: as (\w+))? *\} from", flows)
            if name in modules
        }
        assert set(re.findall(r"'(\w+)'", listed)) == names
