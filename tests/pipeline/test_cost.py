"""The table of what a run has cost."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRACE = """\
name status realtime cpus %cpu peak_rss
ANNOTATE:SCORE_VARIANTS (shard_00001) COMPLETED 3600000 2 150.0 1048576000
ANNOTATE:SCORE_VARIANTS (shard_00002) FAILED 1800000 2 100.0 -
ANNOTATE:SCORE_VARIANTS (shard_00002) COMPLETED 3600000 2 150.0 2097152000
ANNOTATE:SCORE_VARIANTS (shard_00003) CACHED 3600000 2 150.0 524288000
ANNOTATE:MERGE_SCORES COMPLETED - 1 - -
ANNOTATE:EXPORT_MODEL COMPLETED - 1 - -
"""
COST = """\
process tasks failed cached cpu_hours reserved_cpu_hours gpu_hours peak_memory_mb
EXPORT_MODEL 1 0 0 0.0000 0.0000 0.0000 0
MERGE_SCORES 1 0 0 0.0000 0.0000 0.0000 0
SCORE_VARIANTS 4 1 1 3.5000 5.0000 2.5000 2000
total 6 1 1 3.5000 5.0000 2.5000 2000
"""


def test_cost_by_process(tmp_path):
    trace = tmp_path / "trace.txt"
    # a name has a space in it: the other columns are parted by tabs
    lines = [line.rsplit(" ", 5) for line in TRACE.splitlines()]
    trace.write_text("".join("\t".join(fields) + "\n" for fields in lines))
    environment = os.environ | {"NXF_ANSI_LOG": "false"}
    environment["PATH"] = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["nextflow", "-q", "run", ROOT / "tests" / "pipeline" / "cost.nf", "--trace", trace],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    *table, again, without, page = done.stdout.splitlines()
    assert table == COST.replace(" ", "\t").splitlines(), done.stderr
    assert again == "true"
    assert without == "no place"
    assert page.startswith("before <!-- cost by process --><table")
    assert page.endswith("</table><!-- end of cost by process --> after")
    rows = [re.findall("<td[^>]*>([^<]*)</td>", row) for row in page.split("</tr>")]
    assert [row for row in rows if row] == [line.split() for line in COST.splitlines()[1:]]
