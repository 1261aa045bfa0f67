#!/usr/bin/env python3
"""Write the tables of the docs that are declared in code: columns, statuses, parameters, models.

Each stands between two comments, ``<!-- table: NAME -->`` and ``<!-- end -->``, in a page of
docs/. Run it after changing one of those declarations; a test fails until you do.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bin"))

from spliceflow.scores.table import SCORE_COLUMNS
from spliceflow.variants.allele_tables import SPELLING_COLUMNS
from spliceflow.variants.status import Status

ROOT = Path(__file__).resolve().parents[1]
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def score_columns() -> str:
    """Columns of scores.parquet."""
    rows = [
        (f"`{c.name}`", str(c.type), "yes" if c.nullable else "", c.description)
        for c in SCORE_COLUMNS
    ]
    return markdown(("column", "type", "may be null", "meaning"), rows)


def spelling_columns() -> str:
    """Columns of spellings.parquet."""
    rows = [(f"`{c.name}`", str(c.type), c.description) for c in SPELLING_COLUMNS]
    return markdown(("column", "type", "meaning"), rows)


def statuses() -> str:
    """The closed list of status words."""
    return markdown(
        ("status", "meaning"),
        [(f"`{status.value}`", status.description.replace("<", "\\<")) for status in Status],
    )


def parameters() -> str:
    """Every parameter of the pipeline, by group."""
    schema = json.loads((ROOT / "nextflow_schema.json").read_text(encoding="utf-8"))
    parts = []
    for group in schema["$defs"].values():
        rows = []
        for name, entry in group["properties"].items():
            if entry.get("hidden"):
                continue
            default = entry.get("default")
            shown = "" if default in (None, "", False) else f"`{default}`"
            values = entry.get("enum")
            choice = ": " + ", ".join(f"`{value}`" for value in values) if values else ""
            rows.append((f"`--{name}`", shown, entry["description"].replace("<", "\\<") + choice))
        parts.append(f"**{group['title']}**\n\n{markdown(('parameter', 'default', ''), rows)}")
    return "\n".join(parts)


def catalogue() -> str:
    """Models that can be named, from conf/models.config."""
    text = (ROOT / "conf" / "models.config").read_text(encoding="utf-8")
    rows = []
    for name, body in re.findall(r"^ {8}'([\w.-]+)': \[\n(.*?)^ {8}\],?$", text, re.M | re.S):
        fact = dict(re.findall(r"^\s+(\w+): '?([^',\n]*)", body, re.M))
        rows.append(
            (f"`{name}`", fact["context"], fact["species"], fact["assembly"], fact["licence"])
        )
    return markdown(("name", "context", "species", "assembly", "licence"), rows)


TABLES: dict[str, Callable[[], str]] = {
    "scores": score_columns,
    "spellings": spelling_columns,
    "statuses": statuses,
    "parameters": parameters,
    "catalogue": catalogue,
}


def rendered(text: str) -> str:
    """A page with its tables as the code declares them."""
    return _TABLE.sub(lambda found: found[1] + TABLES[found[2]]() + found[4], text)


def pages() -> list[Path]:
    """Pages that hold such tables."""
    return sorted(
        path for path in (ROOT / "docs").glob("*.md") if _TABLE.search(path.read_text("utf-8"))
    )


def main() -> None:
    """Rewrite the pages, or tell which are behind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if behind")
    arguments = parser.parse_args()
    behind = [
        path for path in pages() if rendered(path.read_text("utf-8")) != path.read_text("utf-8")
    ]
    for path in behind:
        if not arguments.check:
            path.write_text(rendered(path.read_text("utf-8")), encoding="utf-8")
    if arguments.check and behind:
        sys.exit(
            f"behind the code: {', '.join(path.name for path in behind)}: run docs/write_tables.py"
        )


if __name__ == "__main__":
    main()
