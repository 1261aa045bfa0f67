"""What containers/build.sh hands to the container engine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "remote",
    [
        "https://x-access-token:secret@example.org/lab/spliceflow.git",
        "https://secret@example.org/lab/spliceflow.git",
        "https://example.org/lab/spliceflow.git",
    ],
)
def test_the_label_of_the_source_holds_no_token(tmp_path, remote):
    project, programs = tmp_path / "project", tmp_path / "programs"
    shutil.copytree(ROOT / "containers", project / "containers")
    shutil.copy(ROOT / "nextflow.config", project)
    programs.mkdir()
    (programs / "docker").write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/calls\necho 1000000\n')
    (programs / "docker").chmod(0o755)
    for words in (["init", "--quiet"], ["remote", "add", "origin", remote]):
        subprocess.run(["git", *words], cwd=project, check=True)
    environment = os.environ | {"CONTAINER_ENGINE": "docker", "BILLS": str(tmp_path / "bills")}
    environment["PATH"] = f"{programs}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "containers/build.sh", "report"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text()
    assert "SOURCE=https://example.org/lab/spliceflow.git " in calls
    assert "secret" not in calls
