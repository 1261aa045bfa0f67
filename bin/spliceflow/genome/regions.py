"""Regions of a genome from BED files, as browsers, spreadsheets and programs write them."""

from __future__ import annotations

import os

from spliceflow.bgzf import read_lines
from spliceflow.errors import InputError


def read_bed(path: str | os.PathLike[str]) -> list[tuple[str, int, int]]:
    """Contig, start and end (0-based, half-open) of each row, in the order of the file.

    The file may be compressed. Columns are separated by tabs or, in a row without a tab, by blanks.
    Comments, lines of a genome browser and a line of headings are passed over.

    Raises:
        InputError: the file can't be read or lists no region, or a row has no range; the message
            names the line.
    """
    regions: list[tuple[str, int, int]] = []
    for number, line in enumerate(read_lines(path), 1):
        text = line.decode("utf-8", "replace")
        columns = [column.strip() for column in text.split("\t" if "\t" in text else None)]
        if not any(columns) or columns[0].startswith("#") or columns[0] in ("track", "browser"):
            continue
        if not regions and len(columns) > 2 and "start" in columns[1].lower():
            continue
        try:
            contig, start, end = columns[0], int(columns[1]), int(columns[2])
        except (IndexError, ValueError) as error:
            raise _no_row(path, number) from error
        if not contig or not 0 <= start <= end:
            raise _no_row(path, number)
        regions.append((contig, start, end))
    if not regions:
        raise InputError(f"{path} lists no region.")
    return regions


def _no_row(path: str | os.PathLike[str], number: int) -> InputError:
    return InputError(
        f"{path}, line {number} can't be read as BED: contig, start (0-based) and end, separated "
        "by tabs."
    )
