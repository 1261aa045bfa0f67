"""Published weights: whether the files at hand are those that the model catalogue means."""

from __future__ import annotations

from pathlib import Path

from spliceflow.digests import sha256
from spliceflow.errors import InputError


def check_sums(weights: Path, sums: Path) -> None:
    """Compare the files of a folder with 'SHA256  NAME' lines.

    Raises:
        InputError: a file is missing, or is another one.
    """
    for line in sums.read_text(encoding="utf-8").splitlines():
        expected, name = line.split(maxsplit=1)
        file = weights / name
        if not file.is_file():
            raise InputError(f"{weights} lacks {name}, which the model catalogue names")
        if sha256(file) != expected:
            raise InputError(
                f"{name} is not the published file (its SHA-256 differs from the catalogue's): "
                "delete the download and run again"
            )
