"""Published weights are those that the catalogue means, or nothing is done with them."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from spliceflow.errors import InputError
from spliceflow.models.published import check_sums

BIN = Path(__file__).parents[3] / "bin"
OTHER = f"{'0' * 64}  one.pt\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "one.pt").write_bytes(b"weights")
    return tmp_path


def check(folder: Path, sums: str) -> None:
    (folder / "sums.txt").write_text(sums)
    check_sums(folder / "weights", folder / "sums.txt")


def test_the_published_file_passes(folder):
    check(folder, f"{sha256(b'weights').hexdigest()}  one.pt\n")
    with pytest.raises(InputError):
        check(folder, f"{sha256(b'Weights').hexdigest()}  one.pt\n")


@pytest.mark.parametrize(
    ("sums", "sentence"),
    [
        (OTHER, "one.pt is not the published file"),
        (f"{'0' * 64}  two.pt\n", "lacks two.pt, which the model catalogue names"),
    ],
)
def test_another_file_is_told(folder, sums, sentence):
    with pytest.raises(InputError, match=sentence):
        check(folder, sums)


@pytest.mark.parametrize(
    "command",
    [
        ("train_member.py", "--dataset", "none", "--initial-weights", "weights"),
        ("ask_teacher.py", "--fasta", "none", "--genes", "none", "--teacher", "weights"),
    ],
    ids=lambda command: command[0],
)
def test_another_file_stops_what_would_use_it(folder, command):
    pytest.importorskip("torch", reason="training needs PyTorch: run 'make setup-training'")
    (folder / "sums.txt").write_text(OTHER)
    done = subprocess.run(
        [
            *(sys.executable, BIN / command[0], *command[1:]),
            *("--sha256", "sums.txt", "--output-dir", "made"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "one.pt is not the published file" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "made").exists()
