"""What is checked before any process starts: parameters, input files, names, the model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

ANNOTATE = {
    "workflow": "annotate",
    "input": "a.vcf",
    "fasta": "g.fa",
    "annotation": "g.gtf",
    "model": "m",
    "outdir": "results",
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
    "one thing missing": (
        ANNOTATE | {"workflow": "mutagenesis"},
        "--regions is needed for --workflow mutagenesis",
    ),
    "neither of a choice": (
        {"workflow": "train", "fasta": "g.fa"},
        "--input, or --fasta and --annotation are needed for --workflow train",
    ),
    "one of a choice": (
        {"workflow": "train", "input": "s.csv", "outdir": "o"},
        {"workflow": "train", "input": "s.csv", "outdir": "o"},
    ),
    "the other of a choice": (
        ANNOTATE | {"workflow": "evaluate", "input": None},
        ANNOTATE | {"workflow": "evaluate", "input": None},
    ),
    "no folder for the results": (ANNOTATE | {"outdir": ""}, "--outdir is empty: give a folder"),
    "--outdir with nothing behind it": (ANNOTATE | {"outdir": True}, "--outdir has no value"),
    "results moved from where -resume needs them": (
        ANNOTATE | {"publish_dir_mode": "move"},
        "--publish_dir_mode 'move' is not one of",
    ),
    **{
        f"{name} of nothing": (ANNOTATE | {name: 0}, f"--{name} 0 is too small: it has to be more")
        for name in ("test_share", "validation_share", "learning_rate")
    },
    "little, but more than nothing": (
        ANNOTATE | {"test_share": 0.001},
        ANNOTATE | {"test_share": 0.001},
    ),
}
# What the engines make of --NAME, --NAME '', --NAME true, --NAME false, --NAME 5, and of a file of
# parameters: the classic parser hands over values, the strict one of 25.10 and later text.
SPELLINGS = (
    *(True, "true", "True", " true "),
    *(False, "false", "FALSE"),
    *("", " ", None),
    *(5, "5", "-5", 0.5, "0.5"),
    *("some words", {"a": 1}, ["a"]),
)


def properties() -> dict[str, dict]:
    """Definition of each parameter in the schema."""
    schema = json.loads((ROOT / "nextflow_schema.json").read_text())
    return {
        name: definition
        for group in schema["$defs"].values()
        for name, definition in group["properties"].items()
    }


def expected_of(name: str, definition: dict, value) -> object:
    """What has to come out: a value, or a part of the sentence that refuses it."""
    kinds = definition["type"] if isinstance(definition["type"], list) else [definition["type"]]
    text = as_text(value).strip()
    if not text:
        if name in ANNOTATE and name not in ("workflow", "outdir"):
            return f"--{name} is needed for --workflow annotate"
        may_be_empty = "default" not in definition or {"null", "boolean"} & set(kinds)
        return None if may_be_empty else f"--{name} is empty: give a"
    if kinds[0] == "boolean":
        allowed = text.lower() in ("true", "false")
        return text.lower() == "true" if allowed else f"--{name} '{text}' is not true or"
    if kinds[0] == "object" and isinstance(value, dict):
        return value
    if text.lower() == "true":
        return f"--{name} has no value: give a"
    if kinds[0] == "string" and text.lower() == "false":
        return f"--{name} is not a switch: give a text instead of"
    if kinds[0] == "object" or isinstance(value, dict | list):
        return f"--{name} '"
    if kinds[0] != "string":
        if not re.fullmatch(r"-?\d+" if kinds[0] == "integer" else r"-?\d+(\.\d+)?", text):
            return f"--{name} '{text}' is not a"
        value = float(text)
        if value < definition.get("minimum", value):
            return f"--{name} {text} is too small"
        if "exclusiveMinimum" in definition and value <= definition["exclusiveMinimum"]:
            return f"--{name} {text} is too small"
        if value > definition.get("maximum", value):
            return f"--{name} {text} is too large"
        choices = definition.get("enum", [value])
        return value if value in choices else f"--{name} '{text}' is not one of"
    if text not in definition.get("enum", [text]):
        return f"--{name} '{text}' is not one of"
    if not re.search(definition.get("pattern", ""), text):
        return f"--{name} '{text}' has to be"
    return text


def as_text(value) -> str:
    """A value as the engine writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return {"None": "", "{'a': 1}": "{a=1}", "['a']": "[a]"}.get(str(value), str(value))


def spelt() -> dict[str, tuple]:
    """Every parameter in every spelling: what is given, what has to come out."""
    cases = {}
    for name, definition in properties().items():
        for value in SPELLINGS:
            given = ANNOTATE | {name: value}
            expected = expected_of(name, definition, value)
            if isinstance(expected, str) and expected.startswith("--"):
                cases[f"--{name} {value!r}"] = (given, expected)
            else:
                cases[f"--{name} {value!r}"] = (given, given | {name: expected})
    return cases


HELP = {
    **{f"no help by {value!r}": (value, False) for value in (False, "false", "False", "", None)},
    **{f"help by {value!r}": (value, True) for value in (True, "true", "annotate", "0")},
}
RESULTS = {
    **{
        f"none by {value!r}": (value, None)
        for value in (True, "true", False, "false", "", " ", None)
    },
    **{f"some by {value!r}": (value, str(value)) for value in ("results", 2026, "truth")},
}


@pytest.fixture(scope="session")
def away(tmp_path_factory):
    """Samplesheets behind a URL, with files beside them: the address, and the folder behind it."""
    folder = tmp_path_factory.mktemp("away")
    (folder / "sheet.csv").write_text("sample,vcf\nfar,away.vcf\nnear,plain.vcf.gz\n")
    (folder / "species.csv").write_text("name,fasta,annotation\nfar,far.fa,far.gtf\n")
    for name in ("away.vcf", "far.fa", "far.gtf"):
        (folder / name).write_text("x\n")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def kept_as(model: str, sums: str) -> str:
    """Name of the folder in --model_cache for the code digest 'digest'."""
    return f"{model}-{sha256((sums + 'digest').encode()).hexdigest()[:16]}"


@pytest.fixture(scope="session")
def check(tmp_path_factory, away):
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
        "second.csv": ",sample,vcf\n,first,plain.vcf.gz\n",
        "species.csv": "name,fasta,annotation\nyeast,g.fa,g.gtf\n",
        "no_species.csv": "name,fasta\nyeast,g.fa\n",
        "no_genes.csv": "name,fasta,annotation\nyeast,g.fa,\n",
    }
    for name in ("g.fa", "g.gtf", "targets.bed"):
        (folder / name).write_text("")
    for name, text in sheets.items():
        (folder / name).write_text(text)
    files = {"bundle": "bundle.json", "weights": "a.pt", "nothing": "a.txt"}
    for name, file in (files | {"hostile": "a$(touch pwned).pt"}).items():
        (folder / name).mkdir()
        (folder / name / file).write_text("{}")
    address, _ = away
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
        "an empty first column": ("second.csv", [["first", "plain.vcf.gz"]]),
        "a sheet that is far away, and its file beside it": (
            f"{address}/sheet.csv",
            [["far", "away.vcf"], ["near", "plain.vcf.gz"]],
        ),
    }
    models = {
        "bundle": ("bundle", ["bundle.json"]),
        "weights": ("weights", ["a.pt"]),
        "neither": ("nothing", "--model nothing holds no model"),
        "absent": ("openspliceai-mane-80", "did you mean openspliceai-mane-80nt?"),
        "a file that the shell would change": ("hostile", "has '$' or a control character"),
    }
    far, near = "http://127.0.0.1:9/models", str(folder / "models")
    catalogued = {"model": "openspliceai-mane-80nt"}
    key = kept_as("openspliceai-mane-80nt", "1a  one.pt\n2b  two.pt")
    described = {
        "kept in a folder": (
            catalogued | {"model_cache": near},
            {"stored": f"{near}/{key}"},
        ),
        "kept in a bucket": (
            catalogued | {"model_cache": far},
            {"stored": f"{far}/{key}"},
        ),
        "kept nowhere": (catalogued, {"stored": None}),
        "a bundle": ({"model": "bundle"}, {"stored": None}),
        "a bundle of the catalogue": ({"model": "finished"}, {"stored": None}),
        "a bundle far away": ({"model": "published"}, {"stored": None}),
        "weights": ({"model": "weights"}, {"stored": None}),
        "kept in a file": (
            catalogued | {"model_cache": str(folder / "g.fa")},
            "g.fa is not a folder that can be written",
        ),
        "what a stub left": (
            catalogued | {"model_cache": str(folder / "left")},
            "is not complete or was changed",
        ),
    }
    stub = folder / "left" / key / "bundle" / "bundle.json"
    stub.parent.mkdir(parents=True)
    stub.write_text("{}")
    for text in ("made here", "made elsewhere"):
        (folder / text).mkdir()
        (folder / text / "member.onnx").write_text(text)
        sums = {"member.onnx": sha256(text.encode()).hexdigest()}
        (folder / text / "bundle.json").write_text(json.dumps({"files": sums}))
    half = folder / "kept" / "half" / "bundle" / "bundle.json"
    half.parent.mkdir(parents=True)
    half.write_text((folder / "made here" / "bundle.json").read_text()[:20])
    here, elsewhere = str(folder / "made here"), str(folder / "made elsewhere")
    shared = str(folder / "kept" / "shared")
    keep = {
        "the first": ({"made": here, "stored": shared}, [f"{shared}/bundle", "made here"]),
        "the second takes the first's": (
            {"made": elsewhere, "stored": shared},
            [f"{shared}/bundle", "made here"],
        ),
        "beside half a bundle": (
            {"made": here, "stored": str(folder / "kept" / "half")},
            [here, "made here"],
        ),
        "where no folder can be made": (
            {"made": here, "stored": str(folder / "g.fa" / "key")},
            [here, "made here"],
        ),
        "nowhere": ({"made": here, "stored": None}, [here, "made here"]),
    }
    weights = {
        "of the catalogue": (
            "openspliceai-mane-80nt",
            [["one.pt", "two.pt"], "1a  one.pt\n2b  two.pt"],
        ),
        "of a folder": ("weights", [["a.pt"], ""]),
        "a bundle": (
            "bundle",
            "--pretrained bundle holds no weights (.pt, .pth, .safetensors or .h5): a bundle",
        ),
        "a bundle of the catalogue": ("finished", "give the weights that it was exported from"),
        "nothing": ("nothing", "--pretrained nothing holds no weights"),
        "absent": ("nowhere", "--pretrained nowhere is neither a folder nor in the model"),
    }
    names = {
        "of the catalogue": ("openspliceai-mane-80nt", ["openspliceai-mane-80nt"]),
        "of a folder": ("some/where/my-model_2.1/", ["my-model_2.1"]),
        "that the shell would run": ("m;touch pwned;", "'m;touch pwned;' can't name the results"),
        "that is a glob": ("[abc]*", "can't name the results: give a --model_name"),
    }
    species = {
        "good": ("species.csv", [["yeast", "g.fa", "g.gtf"]]),
        "wrong columns": ("no_species.csv", "has no columns 'name', 'fasta' and 'annotation'"),
        "no file": ("no_genes.csv", "has no annotation in row 1"),
        "far away": (f"{address}/species.csv", [["far", "far.fa", "far.gtf"]]),
    }
    regions = {
        "everything": ({"strand": "+"}, [None, None]),
        "one": ({"regions": "chr1:1,000-2,000", "strand": "+"}, ["chr1:1,000-2,000", None]),
        "a file": ({"regions": "targets.bed", "strand": "both"}, [None, "targets.bed"]),
        "no file": ({"regions": "chr1", "strand": "both"}, "--regions: chr1 does not exist"),
        "genes": ({"annotation": "g.gtf", "strand": "both"}, [None, None]),
        "genes too": (
            {"annotation": "g.gtf", "regions": "targets.bed", "strand": "both"},
            "--annotation and --regions are given",
        ),
        "a strand of genes": (
            {"annotation": "g.gtf", "strand": "-"},
            "--strand - and --annotation are given",
        ),
    }
    checkpoints = {
        "none": (None, []),
        "relative": ("kept here", [True, True]),
        "a file": ("g.fa", "--checkpoints: g.fa is not a folder that can be written"),
        "a bucket": ("s3://lab/kept", "is an address, a folder is expected"),
    }
    lines = {
        "csv": (["a", 'b "c", d', "", "é,"], ["a", 'b "c", d', "", "é,"]),
        "csv, first field empty": (["", "b"], ["", "b"]),
    }
    plain_lines = {
        "first field empty": (",b,,d", ["", "b", "", "d"]),
        "all empty": (",", ["", ""]),
        "one field": ("a", ["a"]),
    }
    tables = {
        **{
            "parameters": PARAMETERS | spelt(),
            "help": HELP,
            "results": RESULTS,
            "inputs": inputs,
            "model": models,
            "described": described,
            "keep": keep,
        },
        **{"weights": weights, "name": names, "species": species, "regions": regions},
        **{"checkpoints": checkpoints, "csv": lines, "line": plain_lines},
    }
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
        if isinstance(expected, str) and not name.startswith("results: "):
            message = outcome.get("error") or ""
            if expected not in message or "\n" in message:
                wrong.append((name, expected, outcome))
        elif outcome.get("value") != expected:
            wrong.append((name, expected, outcome))
    assert not wrong, "\n".join(map(str, wrong))


def test_every_parameter_has_a_default_of_its_own_and_help():
    described = properties()
    config = (ROOT / "nextflow.config").read_text()
    block = config[config.index("params {") : config.index("\n}")]
    defaults = {
        line.split("=")[0].strip(): line.split("=", 1)[1].strip()
        for line in block.splitlines()
        if "=" in line
    }
    assert set(described) - {"model_catalogue"} == set(defaults)
    for name, definition in described.items():
        assert definition["description"], name
        if "default" in definition:
            default = definition["default"]
            text = f"'{default}'" if isinstance(default, str) else str(default).lower()
            assert defaults[name] == text, name
