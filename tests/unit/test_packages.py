"""A package that is not installed is told in one sentence, by every entrypoint."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENTRYPOINTS = sorted([*(ROOT / "bin").glob("*.py"), ROOT / "bin" / "spliceflow-scores"])
HIDDEN_FOR_TRAINING = ("torch", "mappy")
# what `make setup` installs, by the names of imports
HIDDEN_ALL = (
    *HIDDEN_FOR_TRAINING,
    *("numpy", "pyarrow", "pysam", "onnx", "onnxruntime", "pyBigWig", "multiqc", "yaml", "duckdb"),
)


def run(folder: Path, hidden: tuple[str, ...], *words: str | Path):
    """Run a program to which packages are not there."""
    text = f"import sys\nsys.modules.update({dict.fromkeys(hidden)!r})\n"
    (folder / "sitecustomize.py").write_text(text)
    return subprocess.run(
        [sys.executable, *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def needed_after_make_setup() -> set[str]:
    """Entrypoints of the workflows that need no training packages."""
    names: set[str] = set()
    for workflow in ("annotate", "predict", "mutagenesis", "evaluate"):
        text = (ROOT / "workflows" / f"{workflow}.nf").read_text("utf-8")
        for module in re.findall(r"'\.\./modules/(\w+)'", text):
            script = (ROOT / "modules" / module / "main.nf").read_text("utf-8")
            names |= set(re.findall(r"\b\w+\.py\b", script))
    return names


@pytest.mark.parametrize("path", ENTRYPOINTS, ids=lambda path: path.name)
def test_without_the_training_packages(tmp_path: Path, path: Path) -> None:
    done = run(tmp_path, HIDDEN_FOR_TRAINING, path, "--help")
    if done.returncode == 0:
        return
    assert path.name not in needed_after_make_setup(), done.stderr
    assert done.stderr.startswith("error: the Python package torch is not installed for ")
    assert "`make setup-training` and activate" in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_needs_no_training_is_known() -> None:
    assert {"merge_tracks.py", "annotate_vcf.py", "score_variants.py"} <= needed_after_make_setup()


@pytest.mark.parametrize("path", ENTRYPOINTS, ids=lambda path: path.name)
def test_without_any_package(tmp_path: Path, path: Path) -> None:
    done = run(tmp_path, HIDDEN_ALL, path, "--help")
    assert "Traceback" not in done.stderr
    if done.returncode != 0:
        assert re.fullmatch(
            r"error: the Python package \w+ is not installed for .*: run `make setup(-training)?` "
            r"and activate \.venv .* -profile docker, singularity or conda\n",
            done.stderr,
        )


def test_packages_are_checked_before_work_is_done(tmp_path: Path) -> None:
    program = ROOT / "bin" / "check_packages.py"
    assert run(tmp_path, (), program, "json", "numpy").returncode == 0
    done = run(tmp_path, ("mappy",), program, "json", "mappy")
    assert done.returncode == 2
    assert "error: the Python package mappy is not installed" in done.stderr
    assert "make setup-training" in done.stderr
