"""Each module's conda environment has what its entrypoints import, in the pinned versions."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = ROOT / "bin"
MODULES = sorted(path.parent for path in (ROOT / "modules").glob("*/main.nf"))
# import name → name on conda, and on the package index, where they differ
CONDA = {"duckdb": "python-duckdb", "torch": "pytorch", "pyBigWig": "pybigwig", "yaml": "pyyaml"}
INDEX = {"python-duckdb": "duckdb", "pytorch": "torch", "pybigwig": "pybigwig"}


def entrypoints(module: Path) -> list[Path]:
    """Programs in bin/ that a module's script calls."""
    names = re.findall(r"\b(\w+\.py)\b", (module / "main.nf").read_text("utf-8"))
    return [BIN / name for name in sorted(set(names)) if (BIN / name).is_file()]


@cache
def imported(path: Path) -> frozenset[str]:
    """Packages that a file imports when it is loaded, itself or through the library."""
    found: set[str] = set()
    pending = [path]
    seen = set(pending)
    while pending:
        for name in loaded_names(pending.pop()):
            if name.split(".")[0] != "spliceflow":
                found.add(name.split(".")[0])
                continue
            for file in files_of(name):
                if file not in seen:
                    seen.add(file)
                    pending.append(file)
    return frozenset(found - sys.stdlib_module_names)


def loaded_names(path: Path) -> set[str]:
    """Modules named by import statements outside of functions and of ``if TYPE_CHECKING``."""
    names: set[str] = set()
    pending: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # what is imported may itself be a module
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif not (
            isinstance(node, ast.FunctionDef)
            or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        ):
            pending += ast.iter_child_nodes(node)
    return names


def files_of(name: str) -> list[Path]:
    """Files of the library that are loaded for a module's name."""
    parts = name.split(".")
    packages = [BIN.joinpath(*parts[:count], "__init__.py") for count in range(1, len(parts) + 1)]
    files = [*packages, BIN.joinpath(*parts).with_suffix(".py")]
    return [file for file in files if file.is_file()]


def environment(module: Path) -> dict[str, str]:
    """Packages of a module's environment and their versions."""
    text = (module / "environment.yml").read_text("utf-8")
    return dict(re.findall(r"^ +- [\w-]+::([\w-]+)=([\w.]+)$", text, re.M))


def pinned() -> dict[str, str]:
    """Versions of packages, as `make setup` installs them."""
    text = "".join(
        (ROOT / "requirements" / name).read_text("utf-8")
        for name in ("runtime.txt", "training.txt")
    )
    return {
        name.lower(): version
        for name, version in re.findall(r"^([\w.-]+)==([\w.]+?)(?:\+\w+)?[ \\]", text, re.M)
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_the_environment_has_what_is_imported(module):
    programs = entrypoints(module)
    assert programs
    needed = {CONDA.get(name, name) for program in programs for name in imported(program)}
    assert needed - set(environment(module)) == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_versions_are_those_of_the_other_installations(module):
    versions = pinned()
    for name, version in environment(module).items():
        if name != "python":
            assert versions[INDEX.get(name, name)] == version, name


def test_imports_are_followed_through_the_library():
    assert "torch" in imported(BIN / "train_member.py")
    assert "torch" not in imported(BIN / "score_variants.py")
    assert "pysam" in imported(BIN / "score_variants.py")


IMAGES = {"training": ("runtime", "training"), "dataset": ("runtime", "training")}
IMAGES |= {"report": ("runtime",)}
"""Requirement sets of the image of a label, as containers/Dockerfile and conf/containers.config
say; every other label has the scoring image."""


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_the_image_of_its_label_has_what_is_imported(module):
    label = re.search(r"label 'process_(\w+)'", (module / "main.nf").read_text("utf-8"))[1]
    text = "".join(
        (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
        for name in IMAGES.get(label, ("scoring",))
    )
    installed = {name.lower() for name in re.findall(r"^([\w.-]+)==", text, re.M)}
    needed = {name for program in entrypoints(module) for name in imported(program)}
    names = {CONDA.get(name, name) for name in needed}
    assert {INDEX.get(name, name).lower() for name in names} - installed == set()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_nothing_else_is_in_the_environment(module):
    """What a program starts, loads for some options only, or states as its version counts too."""
    text = (module / "main.nf").read_text("utf-8")
    names = {name for program in entrypoints(module) for name in imported(program)}
    names |= set(re.findall(r"version\(\\'([\w-]+)\\'\)", text))
    names |= {"prepare_dataset": {"mappy"}, "merge_tracks": {"pyBigWig"}}.get(module.name, set())
    names |= {"report": {"multiqc"}, "check_packages": {"torch", "mappy"}}.get(module.name, set())
    needed = {CONDA.get(name, name).lower() for name in names}
    assert set(environment(module)) - {"python"} - needed == set()
