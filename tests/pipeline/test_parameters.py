"""What is checked before any process starts: parameters, input files, names, the model."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ANNOTATE = {
    "workflow": "annotate",
    "input": "a.vcf",
    "fasta": "g.fa",
    "annotation": "g.gtf",
    "model": "m",
}
PARAMETERS = {
    "complete": (ANNOTATE, ANNOTATE),
    "text as a command line gives it": (
        ANNOTATE | {"distance": "100", "mask": "false", "shard_cost": "1e9"},
        ANNOTATE | {"distance": 100, "mask": False, "shard_cost": 1e9},
    ),
    "a number as a folder's name": (ANNOTATE | {"outdir": 2026}, ANNOTATE | {"outdir": "2026"}),
    "misspelt": (ANNOTATE | {"distanc": 9}, "--distanc: did you mean --distance?"),
    "misspelt with a hyphen": (
        ANNOTATE | {"shard-cost": 9, "shardCost": 9},
        "--shard-cost: did you mean --shard_cost?",
    ),
    "unlike anything": (ANNOTATE | {"xyzzyx": 1}, "Unknown parameter --xyzzyx (--help"),
    "not whole": (ANNOTATE | {"distance": "fifty"}, "--distance 'fifty' is not a whole number"),
    "a fraction": (ANNOTATE | {"distance": 1.5}, "--distance '1.5' is not a whole number"),
    "too large": (ANNOTATE | {"distance": 5000}, "--distance 5000 is too large"),
    "negative": (ANNOTATE | {"decimals": -1}, "--decimals -1 is too small"),
    "not true or false": (ANNOTATE | {"mask": "yes"}, "--mask 'yes' is not true or false"),
    "no value": (ANNOTATE | {"fasta": True}, "--fasta has no value"),
    "not allowed": (ANNOTATE | {"device": "cudas"}, "did you mean 'cuda'?"),
    "pattern": (ANNOTATE | {"info_tag": "my tag"}, "--info_tag 'my tag' has to be"),
    "missing": (
        {"workflow": "annotate", "model": "m", "input": "a.vcf"},
        "--fasta and --annotation are needed for --workflow annotate",
    ),
}


@pytest.fixture(scope="session")
def check(tmp_path_factory):
    """Run one case of a table; all cases of all tables share one start of the engine."""
    folder = tmp_path_factory.mktemp("cases")
    (folder / "plain.vcf.gz").write_text("")
    (folder / "other.bcf").write_text("")
    (folder / "two words.vcf").write_text("")
    (folder / "$HOME.vcf").write_text("")
    sheets = {
        "good.csv": '\ufeffsample,vcf\r\nfirst,plain.vcf.gz\r\n"second","two words.vcf"\r\n\r\n',
        "columns.csv": "name,file\na,plain.vcf.gz\n",
        "absent.csv": "sample,vcf\na,nowhere.vcf\n",
        "twice.csv": "sample,vcf\na,plain.vcf.gz\na,other.bcf\n",
        "escape.csv": "sample,vcf\n../../a,plain.vcf.gz\n",
        "blank.csv": "sample,vcf\n,plain.vcf.gz\n",
        "empty.csv": "sample,vcf\n",
    }
    for name, text in sheets.items():
        (folder / name).write_text(text)
    for name, file in {"bundle": "bundle.json", "weights": "a.pt", "nothing": "a.txt"}.items():
        (folder / name).mkdir()
        (folder / name / file).write_text("{}")
    inputs = {
        "one file": ("plain.vcf.gz", [["plain", "plain.vcf.gz"]]),
        "a glob": ("*r.bcf", [["other", "other.bcf"]]),
        "a glob of nothing": ("*.cram", "--input: *.cram does not exist"),
        "a samplesheet": ("good.csv", [["first", "plain.vcf.gz"], ["second", "two words.vcf"]]),
        "wrong columns": ("columns.csv", "has no columns 'sample' and 'vcf'"),
        "file of a row absent": ("absent.csv", "row 1 of samplesheet"),
        "a name twice": ("twice.csv", "Two inputs are named 'a'"),
        "a name that is a path": ("escape.csv", "'../../a' (plain.vcf.gz) can't name a sample"),
        "no name": ("blank.csv", "has no sample or no vcf in row 1"),
        "no rows": ("empty.csv", "lists no samples"),
        "a file whose name can't be a sample's": ("two words.vcf", "give the file another name"),
        "absent": ("nowhere.vcf", "--input: nowhere.vcf does not exist"),
        "a folder": ("bundle", "--input: bundle is a folder"),
        "a name the shell would change": ("$HOME.vcf", "has '$' or a control character"),
    }
    models = {
        "bundle": ("bundle", ["bundle.json"]),
        "weights": ("weights", ["a.pt"]),
        "neither": ("nothing", "--model nothing holds no model"),
        "absent": ("openspliceai-mane-80", "did you mean openspliceai-mane-80nt?"),
    }
    lines = {
        "csv": (["a", 'b "c", d', "", "é,"], ["a", 'b "c", d', "", "é,"]),
    }
    tables = {"parameters": PARAMETERS, "inputs": inputs, "model": models, "csv": lines}
    cases = [(call, name, *case) for call, table in tables.items() for name, case in table.items()]
    file = folder / "cases.json"
    file.write_text(json.dumps([{"call": call, "given": given} for call, _, given, _ in cases]))
    environment = os.environ | {"NXF_ANSI_LOG": "false"}
    environment["PATH"] = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["nextflow", "run", ROOT / "tests/pipeline/parameters.nf", "--cases", file],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("CASE ")]
    assert len(found) == len(cases), done.stdout + done.stderr
    return [
        (f"{call}: {name}", expected, outcome)
        for (call, name, _, expected), outcome in zip(cases, found, strict=True)
    ]


def test_each_fault_gets_its_sentence_and_good_values_pass(check):
    wrong = []
    for name, expected, outcome in check:
        if isinstance(expected, str):
            message = outcome.get("error") or ""
            if expected not in message or "\n" in message:
                wrong.append((name, expected, outcome))
        elif outcome.get("value") != expected:
            wrong.append((name, expected, outcome))
    assert not wrong, "\n".join(map(str, wrong))


def test_every_parameter_has_a_default_of_its_own_and_help():
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    properties = {
        name: definition
        for group in schema["$defs"].values()
        for name, definition in group["properties"].items()
    }
    config = (ROOT / "nextflow.config").read_text()
    block = config[config.index("params {") : config.index("\n}")]
    defaults = {
        line.split("=")[0].strip(): line.split("=", 1)[1].strip()
        for line in block.splitlines()
        if "=" in line
    }
    assert set(properties) - {"model_catalogue"} == set(defaults)
    for name, definition in properties.items():
        assert definition["description"], name
        if "default" in definition:
            default = definition["default"]
            text = f"'{default}'" if isinstance(default, str) else str(default).lower()
            assert defaults[name] == text, name
