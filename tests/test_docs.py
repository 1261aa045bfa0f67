"""The docs are true: tables follow the code, commands name what exists, links lead somewhere."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spliceflow.scores.table import SCORE_SCHEMA

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "assets/example/README.md"]
PAGES += sorted((ROOT / "docs").glob("*.md"))


def blocks(language: str) -> list[tuple[str, str]]:
    """Page and text of every fenced block of a language."""
    return [
        (path.name, block)
        for path in PAGES
        for block in re.findall(rf"^```{language}\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
    ]


def commands() -> list[tuple[str, list[str]]]:
    """Page and words of every shell command in the docs."""
    found = []
    for page, block in blocks("bash"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words:
                found.append((page, words))
    return found


def schema() -> dict[str, dict]:
    content = json.loads((ROOT / "nextflow_schema.json").read_text("utf-8"))
    return {
        name: entry
        for group in content["$defs"].values()
        for name, entry in group["properties"].items()
    }


def check_pipeline(words: list[str]) -> None:
    known = schema()
    profiles = re.findall(
        r"^\s*(\w+)\s*\{\s*includeConfig", (ROOT / "nextflow.config").read_text("utf-8"), re.M
    )
    position = 3
    while position < len(words):
        word = words[position]
        following = words[position + 1] if position + 1 < len(words) else "-"
        value = None if following.startswith("-") else following
        position += 1 if value is None else 2
        if word.startswith("--"):
            entry = known[word.removeprefix("--")]
            if value is None:
                assert entry["type"] == "boolean", word
            else:
                assert value in map(str, entry.get("enum", [value])), (word, value)
                if entry["type"] in ("integer", "number"):
                    float(value)
        elif word == "-profile":
            assert set(value.split(",")) <= set(profiles), value
        else:
            assert word in ("-resume", "-c", "-r", "-work-dir"), word


@pytest.mark.parametrize(
    ("page", "words"),
    commands(),
    ids=[f"{page} {' '.join(words)}"[:70] for page, words in commands()],
)
def test_every_command_names_what_exists(page, words):
    words = words[1:] if words[0] == "python" else words
    if words[:3] == ["nextflow", "run", "."]:
        check_pipeline(words)
    elif words[0] == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
        targets += re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.M)[
            0
        ].split()
        assert set(words[1:]) <= set(targets)
    elif words[0].startswith(("bin/", "tests/", "benchmarks/", "docs/")):
        shown = subprocess.run(
            [sys.executable, str(ROOT / words[0]), "--help"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for word in words[1:]:
            assert not word.startswith("--") or re.search(rf"{word}\b", shown), word
    else:
        assert words in (
            [".", ".venv/bin/activate"],
            ["git", "clone", words[-1]],
            ["cd", words[-1]],
        ), words


def test_there_are_commands_to_check():
    assert len(commands()) > 8


def test_python_blocks_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results/scores").mkdir(parents=True)
    row = dict.fromkeys(SCORE_SCHEMA.names)
    row |= {"contig": "chrA", "pos": 1, "ref": "A", "alt": "G", "gene": "XMPL1", "status": "scored"}
    row |= {"ds_ag": 0.7, "ds_al": 0.0, "ds_dg": 0.0, "ds_dl": 0.1}
    table = pa.Table.from_pylist([row], SCORE_SCHEMA)
    pq.write_table(table, tmp_path / "results/scores/scores.parquet")
    for page, block in blocks("python"):
        exec(compile(block, page, "exec"), {})


def test_tables_follow_the_code():
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs/write_tables.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.M)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if re.match(r"https?://|mailto:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), target


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_named_files_of_the_project_exist(path):
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S)
    for name in re.findall(r"`((?:bin|conf|assets|docs|tests|workflows)/[\w./-]+)`", text):
        if "NAME" not in name:
            assert (ROOT / name).exists(), name


def test_the_flow_picture_has_every_process():
    flow = (ROOT / "workflows/annotate.nf").read_text("utf-8")
    processes = set(re.findall(r"^include \{ ([A-Z_]+) +\} from '\.\./modules", flow, re.M))
    ((_, picture),) = [(page, text) for page, text in blocks("mermaid") if "flowchart" in text]
    assert processes == set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", picture)) - {
        *("LR", "FASTA", "GTF", "GFF"),
    }
