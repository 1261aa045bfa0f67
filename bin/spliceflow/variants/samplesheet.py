"""The input files of a run and the names their outputs get."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spliceflow.errors import InputError

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_ENDINGS = (".vcf.gz", ".vcf.bgz", ".vcf.bgzf", ".vcf", ".bcf.gz", ".bcf")


@dataclass(frozen=True, slots=True)
class InputFile:
    """One variant file and the name of its output.

    Attributes:
        sample: name, safe as a file name.
        vcf: the VCF or BCF file.
    """

    sample: str
    vcf: Path


def check_name(name: str, where: str) -> str:
    """Return ``name`` if it is safe as a file name.

    Raises:
        InputError: it is not; the message starts with ``where``.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{where} is {name[:80]!r}; names may have letters, digits, '.', '_' and '-' only, "
            "and start with a letter, digit or '_'."
        )
    return name


def name_of(path: str | os.PathLike[str]) -> str:
    """The name of a variant file without its endings, such as ``trio`` for ``trio.vcf.gz``."""
    name = Path(path).name
    for ending in _ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return name


def name_inputs(paths: Iterable[str | os.PathLike[str]]) -> list[InputFile]:
    """Name each file after itself.

    Raises:
        InputError: a name is not safe, or two files have the same.
    """
    return _distinct(
        [InputFile(check_name(name_of(path), f"The name of {path}"), Path(path)) for path in paths],
        "the files",
    )


def read_samplesheet(path: str | os.PathLike[str]) -> list[InputFile]:
    """Read a CSV file with the columns ``sample`` and ``vcf``; others are ignored.

    Relative paths are relative to the working directory.

    Raises:
        InputError: a column, a name or a file is missing, or a name is not safe or appears twice.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"Samplesheet {path} can't be read as UTF-8 text: save it again as UTF-8."
        ) from error
    inputs = []
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        columns = [column.strip() for column in reader.fieldnames or ()]
        if "sample" not in columns or "vcf" not in columns:
            raise InputError(f"Samplesheet {path} needs a header with the columns sample and vcf.")
        reader.fieldnames = columns
        for row in reader:
            where = f"Line {reader.line_num} of samplesheet {path}"
            sample, vcf = (row["sample"] or "").strip(), (row["vcf"] or "").strip()
            if not sample or not vcf:
                raise InputError(f"{where} lacks a sample or a vcf.")
            check_name(sample, f"{where}: the sample")
            if not _is_file(vcf):
                raise InputError(f"{where}: file {vcf[:200]!r} does not exist.")
            inputs.append(InputFile(sample, Path(vcf)))
    except csv.Error as error:
        raise InputError(f"Samplesheet {path} is not CSV: {error}.") from error
    if not inputs:
        raise InputError(f"Samplesheet {path} lists no file.")
    return _distinct(inputs, f"samplesheet {path}")


def _is_file(name: str) -> bool:
    """Whether there is such a file; no name is too long or too strange to ask about."""
    try:
        return "\0" not in name and Path(name).is_file()
    except OSError:
        return False


def _distinct(inputs: list[InputFile], where: str) -> list[InputFile]:
    # Names that differ in case only are one file on some file systems.
    seen: dict[str, InputFile] = {}
    for entry in inputs:
        other = seen.setdefault(entry.sample.lower(), entry)
        if other is not entry:
            alike = (
                f"{other.vcf} and {entry.vcf} are both named {entry.sample!r}"
                if other.sample == entry.sample
                else f"the names {other.sample!r} ({other.vcf}) and {entry.sample!r} "
                f"({entry.vcf}) differ in case only"
            )
            raise InputError(
                f"In {where}, {alike}; give each its own sample name in a samplesheet."
            )
    return inputs
