"""Data flows one way through the rooms of the library, and an import never points back up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[2] / "bin" / "spliceflow"
ROOMS = ("genome", "variants", "scores", "models", "scoring", "training", "report")
"""In the order in which data flows. Modules beside them lie below all of them."""


def imported_modules(path: Path) -> Iterator[str]:
    """Modules of the library that a file imports anywhere, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "spliceflow")


def room_of(path: Path) -> str:
    """Room of a file of the library; empty for the modules below all rooms."""
    parts = path.relative_to(LIBRARY).parts
    return parts[0] if len(parts) > 1 else ""


def upward_imports(path: Path) -> list[str]:
    """Imports of a file that point to a later room."""
    own = room_of(path)
    found = []
    for module in imported_modules(path):
        room = next((name for name in module.split(".")[1:2] if name in ROOMS), "")
        if room and (not own or ROOMS.index(room) > ROOMS.index(own)):
            found.append(module)
    return found


def test_every_folder_is_a_room() -> None:
    folders = {path.parent.name for path in LIBRARY.glob("*/__init__.py")}
    assert folders == set(ROOMS)


@pytest.mark.parametrize(
    "path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: str(path.relative_to(LIBRARY))
)
def test_no_import_points_up(path: Path) -> None:
    assert upward_imports(path) == []


def test_an_import_that_points_up_is_found(tmp_path, monkeypatch) -> None:
    (tmp_path / "genome").mkdir()
    file = tmp_path / "genome" / "x.py"
    file.write_text("def f():\n    from spliceflow.scores import table\n")
    monkeypatch.setattr(f"{__name__}.LIBRARY", tmp_path)
    assert set(upward_imports(file)) == {"spliceflow.scores", "spliceflow.scores.table"}
    (tmp_path / "y.py").write_text("import spliceflow.genome.fasta\n")
    assert upward_imports(tmp_path / "y.py") == ["spliceflow.genome.fasta"]
