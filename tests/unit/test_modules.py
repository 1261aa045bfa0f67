"""Each process stands alone: its entrypoint, what it publishes, a test that runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(folder.parent for folder in (ROOT / "modules").glob("*/main.nf"))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_process_calls_the_entrypoint_of_its_name(module: Path):
    script = (module / "main.nf").read_text()
    names = {path.name for path in (ROOT / "bin").glob("*.py")}
    assert set(re.findall(r"\w+\.py\b", script)) & names == {f"{module.name}.py"}


def test_what_modules_publish_is_included():
    text = (ROOT / "nextflow.config").read_text()
    included = re.findall(r"^includeConfig 'modules/(\w+)/nextflow\.config'$", text, re.M)
    assert included == sorted(
        path.parent.name for path in (ROOT / "modules").glob("*/nextflow.config")
    )


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_spec_runs_the_process_itself(module: Path):
    spec = (module / "tests" / "main.nf.test").read_text()
    assert f"process '{module.name.upper()}'" in spec
    assert "process.success" in spec
    assert "-stub" not in spec
    # a snapshot of everything would hold the versions of the software
    assert "snapshot(process.out)" not in spec
