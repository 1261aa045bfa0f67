"""A whole workflow without its work: images, what is kept, what runs again."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from conftest import ROOT, Pipeline, Run

EXAMPLE = ROOT / "assets" / "example"
SPECIES = ("--fasta", EXAMPLE / "genome.fa.gz", "--annotation", EXAMPLE / "genes.gtf.gz")
# stands for docker: runs the words after the image's name on this machine
DOCKER = """\
#!/bin/bash
while [ $# -gt 0 ]; do
    case "$1" in */spliceflow/*) shift; exec "$@" ;; esac
    shift
done
"""


@pytest.fixture(scope="module")
def stubs(pipeline_at, tmp_path_factory) -> Pipeline:
    """Launches from one folder, with a program that stands for docker."""
    programs = tmp_path_factory.mktemp("programs")
    (programs / "docker").write_text(DOCKER)
    (programs / "docker").chmod(0o755)
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{programs}{os.pathsep}{before}"
    yield pipeline_at("stubs")
    os.environ["PATH"] = before


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> tuple[str, Path]:
    """Configuration with a model 'mine' of two weight files."""
    folder = tmp_path_factory.mktemp("published")
    files = []
    for name in ("one.pt", "two.pt"):
        (folder / name).write_text(name)
        files.append(f"[url: 'file://{folder / name}', sha256: '{'0' * 64}']")
    config = folder / "models.config"
    config.write_text(
        f"params.model_catalogue.mine = [info_tag: 'X', files: [{', '.join(files)}]]\n"
    )
    return "-c", config


def images(pipeline: Pipeline) -> dict[str, set[str]]:
    """Images by process, from the scripts that start the tasks."""
    found: dict[str, set[str]] = {}
    for script in (pipeline.launch / "work").glob("*/*/.command.run"):
        text = script.read_text()
        process = re.search(r"^### name: '(?:\w+:)?(\w+)", text, re.M)[1]
        image = re.search(r"/spliceflow/([\w-]+):", text)
        found.setdefault(process, set()).add(image[1] if image else "")
    return found


@pytest.fixture(scope="module")
def distilled(stubs: Pipeline, catalogue) -> Run:
    run = stubs(
        *("-stub", "-profile", "docker", "--workflow", "distil", *SPECIES, *catalogue),
        *("--teacher", "mine", "--pretrained", "mine", "--model", "mine"),
        results="distilled",
    )
    assert run.status == 0, run.output
    return run


def test_every_task_of_a_training_has_the_image_that_it_needs(stubs: Pipeline, distilled: Run):
    assert images(stubs) == {
        "CHECK_PACKAGES": {"training"},
        "PREPARE_GENOME": {"scoring-cpu"},
        "PREPARE_GENES": {"scoring-cpu"},
        "PREPARE_DATASET": {"training"},
        "PROPOSE_VARIANTS": {"scoring-cpu"},
        "ASK_TEACHER": {"training"},
        "TRAIN_MEMBER": {"training"},
        "EXPORT_TEACHER": {"scoring-cpu"},
        "EXPORT_STUDENT": {"scoring-cpu"},
        "EVALUATE_TEACHER": {"scoring-cpu"},
        "EVALUATE_STUDENT": {"scoring-cpu"},
        "SCORE_BY_TEACHER": {"scoring-cpu"},
        "SCORE_BY_STUDENT": {"scoring-cpu"},
        "COMPARE_MODELS": {"scoring-cpu"},
        "FINISH_MODEL": {"scoring-cpu"},
    }
    assert "undefined parameter" not in distilled.output


def test_a_stub_of_a_model_is_not_kept(stubs: Pipeline, distilled: Run):
    assert not (stubs.launch / "models").exists()


def test_only_what_a_training_depends_on_runs_it_again(stubs: Pipeline, catalogue, distilled: Run):
    again = stubs(
        *("-stub", "-profile", "docker", "--workflow", "distil", *SPECIES, *catalogue),
        *("--teacher", "mine", "--pretrained", "mine", "--members", "3", "--queue", "long"),
        *("--decimals", "3", "-resume"),
        results="elsewhere",
    )
    assert again.status == 0, again.output
    assert set(again.tasks().values()) == {"CACHED"}


PREPARED = {"PREPARE_GENOME", "PREPARE_GENES"}
TRAINED = PREPARED | {
    *("CHECK_PACKAGES", "PREPARE_DATASET", "TRAIN_MEMBER", "EXPORT_MODEL"),
    *("CALIBRATE_MODEL", "EVALUATE_MODEL", "FINISH_MODEL"),
}
STUBS = {
    "annotate": (
        (*SPECIES, "--input", EXAMPLE / "samplesheet.csv", "--score_store", "store"),
        PREPARED
        | {"SHARD_VARIANTS", "SCORE_VARIANTS", "STORE_SCORES", "MERGE_SCORES"}
        | {"EXPORT_MODEL", "ANNOTATE_VCF", "REPORT"},
    ),
    "train": ((*SPECIES,), TRAINED),
    "transfer": ((*SPECIES, "--pretrained", "mine"), TRAINED),
    "evaluate": ((*SPECIES,), PREPARED | {"PREPARE_DATASET", "EXPORT_MODEL", "EVALUATE_MODEL"}),
    "predict": (
        (*SPECIES,),
        PREPARED | {"EXPORT_MODEL", "PLAN_REGIONS", "PREDICT_TRACKS", "MERGE_TRACKS"},
    ),
    "mutagenesis": (
        (*SPECIES, "--regions", "chrA:1-100"),
        PREPARED | {"EXPORT_MODEL", "PROPOSE_SUBSTITUTIONS", "SCORE_VARIANTS", "DRAW_MUTAGENESIS"},
    ),
}
"""Of each workflow but distil: its arguments, and the processes that it runs."""


@pytest.mark.parametrize("workflow", STUBS)
def test_a_stub_of_each_workflow_runs_all_its_processes(stubs: Pipeline, catalogue, workflow: str):
    arguments, processes = STUBS[workflow]
    run = stubs(
        *("-stub", "--workflow", workflow, *arguments, *catalogue, "--model", "mine"),
        results=f"stub_of_{workflow}",
    )
    assert run.status == 0, run.output
    names = {name.split(" ")[0].rpartition(":")[2] for name in run.tasks()}
    assert names == processes


def test_training_reads_only_what_it_is_given():
    script = (ROOT / "modules" / "train_member" / "main.nf").read_text()
    given = (ROOT / "functions" / "training.nf").read_text()
    assert set(re.findall(r"options\.(\w+)", script)) == set(re.findall(r"'(\w+)'", given))
