#!/usr/bin/env python3
"""In-silico mutagenesis as a table and as heat maps in one self-contained HTML page.

Writes ``NAME.mutagenesis.tsv`` (contig, pos 1-based, ref, alt, gene, strand, the four delta scores
and their positions) and ``NAME.mutagenesis.html``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from spliceflow.errors import InputError, run_entrypoint  # isort: split

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from spliceflow.atomic import atomic_path
from spliceflow.report.heat_maps import heat_maps
from spliceflow.report.mutagenesis_page import mutagenesis_page

COLUMNS = [
    *("contig", "pos", "ref", "alt", "gene", "strand"),
    *("ds_ag", "ds_al", "ds_dg", "ds_dl", "dp_ag", "dp_al", "dp_dg", "dp_dl"),
]


def main() -> None:
    """Parse the command line and write table and page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scores", required=True, nargs="+", help="scores of SCORE_VARIANTS")
    parser.add_argument("--title", required=True, help="of the page, e.g. the region")
    parser.add_argument("--name", default="region")
    parser.add_argument("--output-dir", required=True, type=Path)
    arguments = parser.parse_args()

    try:
        table = pa.concat_tables(
            pq.read_table(path, columns=[*COLUMNS, "status"]) for path in arguments.scores
        )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{', '.join(arguments.scores)} can't be read as scores.") from error
    page = mutagenesis_page(arguments.title, heat_maps(table.to_pylist()))
    stem = arguments.output_dir / f"{arguments.name}.mutagenesis"
    options = pyarrow.csv.WriteOptions(delimiter="\t", quoting_style="none")
    with atomic_path(f"{stem}.tsv") as temporary:
        pyarrow.csv.write_csv(table.select(COLUMNS), temporary, options)
    with atomic_path(f"{stem}.html") as temporary:
        temporary.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    run_entrypoint(main)
