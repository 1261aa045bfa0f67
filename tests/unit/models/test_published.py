"""Published weights are those that the catalogue means, or a run stops."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

BIN = Path(__file__).parents[3] / "bin"


def check(folder: Path, sums: str) -> subprocess.CompletedProcess[str]:
    """Run the entrypoint on weights in a folder."""
    (folder / "sums.txt").write_text(sums)
    return subprocess.run(
        [sys.executable, BIN / "check_weights.py", "--weights", ".", "--sha256", "sums.txt"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "one.pt").write_bytes(b"weights")
    return tmp_path


def test_the_published_file_passes(folder):
    done = check(folder, f"{sha256(b'weights').hexdigest()}  one.pt\n")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("sums", "sentence"),
    [
        (f"{'0' * 64}  one.pt\n", "one.pt is not the published file"),
        (f"{'0' * 64}  two.pt\n", "lacks two.pt, which the model catalogue names"),
    ],
)
def test_another_file_stops_with_one_sentence(folder, sums, sentence):
    done = check(folder, sums)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
