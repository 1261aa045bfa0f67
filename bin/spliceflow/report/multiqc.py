"""From findings to one self-contained HTML page, by way of MultiQC."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spliceflow import __version__
from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError
from spliceflow.report.content import Content
from spliceflow.report.findings import Findings
from spliceflow.report.sections import SECTIONS

THEME = Path(__file__).parent / "theme"
REPORT = "multiqc_report.html"


def write_report(findings: Findings, output_dir: Path, title: str = "spliceflow") -> Path:
    """Write ``multiqc_report.html`` and ``multiqc_data/`` into ``output_dir``.

    Returns:
        Path of the HTML page; it needs no other file and no network.

    Raises:
        InputError: the findings are empty, or MultiQC failed.
    """
    contents = [content for section in SECTIONS for content in section(findings)]
    if not contents:
        raise InputError("there is nothing to report: give at least one summary")
    output_dir = output_dir.absolute()  # MultiQC runs in a folder of its own
    with TemporaryDirectory(prefix="report-") as folder, atomic_path(output_dir) as partial:
        data = Path(folder) / "content"
        data.mkdir()
        for content in contents:
            content.write(data)
        config = Path(folder) / "run_config.json"
        config.write_text(json.dumps(_run_config(findings, contents, title)), encoding="utf-8")
        partial.mkdir()
        command = [
            *(sys.executable, "-m", "multiqc", str(data)),
            *("--config", str(THEME / "multiqc_config.yml"), "--config", str(config)),
            *("--outdir", str(partial), "--filename", REPORT, "--force", "--quiet", "--no-ansi"),
        ]
        environment = os.environ | {"HOME": folder, "MPLCONFIGDIR": folder}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=folder, env=environment
        )
        if done.returncode or not (partial / REPORT).is_file():
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
            raise InputError(f"MultiQC could not write the report: {last[0]}")
        found = partial / f"{Path(REPORT).stem}_data"
        if found.is_dir():
            shutil.move(found, partial / "multiqc_data")
    return output_dir / REPORT


def _run_config(findings: Findings, contents: list[Content], title: str) -> dict[str, Any]:
    """What differs from run to run; MultiQC reads JSON as YAML."""
    facts: list[dict[str, str]] = []
    if findings.bundle:
        name = f"{findings.bundle.card.name} ({findings.bundle.fingerprint})"
        facts.append({"Model": name})
    if findings.genes:
        kept, fingerprint = findings.genes["genes_kept"], findings.genes["fingerprint"]
        facts.append({"Annotation": f"{kept:,} genes ({fingerprint})"})
    if findings.params:
        for label, name in (("Distance", "distance"), ("Masked", "mask")):
            if name in findings.params:
                value = findings.params[name]
                text = ("yes" if value else "no") if isinstance(value, bool) else f"{value} bases"
                facts.append({label: text})
    # MultiQC puts the pieces in the order of their file names, unless it is told otherwise.
    # Below a chapter the smallest number comes first, among the chapters the largest.
    order: dict[str, dict[str, int]] = {}
    for rank, content in enumerate(contents, 1):
        if content.chapter:
            order[content.id] = {"order": rank}
        chapter = content.chapter.id if content.chapter else content.id
        order.setdefault(chapter, {"order": 10_000 - rank})
    return {
        "title": title,
        "intro_text": f"Splicing effects of variants, by spliceflow {__version__}.",
        "report_header_info": facts,
        "custom_logo": str(THEME / "logo.svg"),
        "custom_favicon": str(THEME / "favicon.svg"),
        "custom_css_files": [str(THEME / "theme.css")],
        "software_versions": findings.versions,
        "report_section_order": order,
    }
