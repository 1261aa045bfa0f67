"""Profiles of container engines, schedulers and clouds: what they come to for a task."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ANNOTATE = ROOT / "workflows" / "annotate.nf"
GIVEN = {
    "queue": "batch",
    "gpu_queue": "gpus",
    "account": "lab",
    "region": "here-1",
    "storage_claim": "claim",
    "spot": True,
    "image_registry": "registry.example.org",
}
ENGINES = ("docker", "podman", "singularity", "apptainer", "charliecloud")
SCHEDULERS = {
    "slurm": "slurm",
    "sge": "sge",
    "lsf": "lsf",
    "k8s": "k8s",
    "awsbatch": "awsbatch",
    "google_batch": "google-batch",
    "azure_batch": "azurebatch",
}
COMBINATIONS = (
    *ENGINES,
    *SCHEDULERS,
    "conda",
    *(f"{name},gpu" for name in (*ENGINES, *SCHEDULERS)),
    "gpu,docker",
    "slurm,singularity,gpu",
)
SPECIAL = (
    ("gpu", {"device": "auto"}),
    ("gpu", {"device": "auto", "precision": "tf32"}),
    ("awsbatch", {"model_cache": "s3://lab/models"}),
    ("docker", {"outdir": ""}),
    ("docker", {"outdir": True}),
)
SPECIAL_NAMES = ("any device", "tf32", "cache in a bucket", "no outdir", "outdir without a value")
# What may stand on a command line, as the classic parser hands it over; the strict one of engines
# from 25.10 on makes text of each.
NAMES = {"region": 7, "account": 12, "queue": 3, "gpu_queue": 4, "namespace": 5, "outdir": 2026}
SPELT = (
    NAMES | {"spot": False, "queue_size": 7, "array_size": 0, "help": False},
    {"spot": True, "queue_size": 1, "array_size": 1, "help": True, "outdir": False},
    {"spot": False, "queue_size": 500, "array_size": 2, "outdir": True},
)


def as_text(values: dict) -> dict:
    """Values as the strict parser hands them over."""
    return {name: json.dumps(value).strip('"') for name, value in values.items()}


SPELT_CASES = [
    (profile, values)
    for profile in SCHEDULERS
    for typed in SPELT
    for values in (typed, as_text(typed))
]


@pytest.fixture(scope="module")
def resolved(tmp_path_factory) -> dict[str, dict]:
    """Every combination, resolved by one start of the engine."""
    folder = tmp_path_factory.mktemp("profiles")
    given = json.dumps(GIVEN, separators=(",", ":"))
    combinations = folder / "combinations.txt"
    special = "".join(
        f"{name} {json.dumps(GIVEN | more, separators=(',', ':'))}\n"
        for name, more in (*SPECIAL, *SPELT_CASES)
    )
    combinations.write_text("".join(f"{name} {given}\n" for name in COMBINATIONS) + special)
    environment = os.environ | {"NXF_ANSI_LOG": "false"}
    environment["PATH"] = f"{ROOT / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    script = ROOT / "tests" / "pipeline" / "profiles.nf"
    done = subprocess.run(
        ["nextflow", "-q", "run", script, "--combinations", combinations],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line[8:] for line in done.stdout.splitlines() if line.startswith("PROFILE ")]
    cases = len(COMBINATIONS) + len(SPECIAL) + len(SPELT_CASES)
    assert len(lines) == cases, done.stdout + done.stderr
    found = [json.loads(line) for line in lines]
    named = {each["profile"]: each for each in found[: len(COMBINATIONS)]}
    special = found[len(COMBINATIONS) :]
    spelt = {
        f"{profile} {json.dumps(values)}": each
        for (profile, values), each in zip(SPELT_CASES, special[len(SPECIAL) :], strict=True)
    }
    return named | dict(zip(SPECIAL_NAMES, special[: len(SPECIAL)], strict=True)) | spelt


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_no_profile_loses_the_resources_of_a_label_or_what_is_published(resolved, combination):
    process = resolved[combination]["process"]
    labels = [name for name in process if name.startswith("withLabel:process_")]
    assert len(labels) >= 5
    for name in labels:
        assert "memory" in process[name], name
    assert all("cpus" in process[f"withLabel:process_{kind}"] for kind in ("single", "scoring"))
    for name in ("MERGE_SCORES", "ANNOTATE_VCF", "REPORT"):
        assert "publishDir" in process[f"withName:{name}"]


@pytest.mark.parametrize(("profile", "executor"), SCHEDULERS.items())
def test_schedulers_and_clouds(resolved, profile, executor):
    process = resolved[profile]["process"]
    assert process["executor"] == executor
    assert resolved[profile]["scopes"]["executor"]["queueSize"] == 200
    assert process["withName:.*"]["maxForks"] == 0
    if profile not in ("k8s", "google_batch"):
        assert process["queue"] == "batch"
        assert resolved[profile]["gpu_process"]["queue"] == "gpus"
    if profile in ("slurm", "sge", "lsf", "awsbatch", "google_batch"):
        assert process["withLabel:.*_scoring"]["array"] == 100


@pytest.mark.parametrize(
    ("profile", "options"),
    {
        "slurm": ("--account=lab", "--account=lab --gres=gpu:1"),
        "sge": ("-P lab", "-P lab -l gpu=1"),
        "lsf": ("-P lab", "-P lab -gpu num=1"),
    }.items(),
)
def test_options_of_submit_commands(resolved, profile, options):
    assert resolved[profile]["process"]["clusterOptions"] == options[0]
    assert resolved[profile]["gpu_process"]["clusterOptions"] == options[1]


@pytest.mark.parametrize(
    ("engine", "option"),
    {
        "docker": "--gpus all",
        "podman": "--device nvidia.com/gpu=all",
        "singularity": "--nv",
        "apptainer": "--nv",
    }.items(),
)
def test_only_tasks_on_a_gpu_get_one_into_their_container(resolved, engine, option):
    found = resolved[f"{engine},gpu"]
    assert found["scopes"][engine]["enabled"] is True
    assert found["process"]["containerOptions"] == ""
    assert found["gpu_process"]["containerOptions"] == option
    assert found["process"]["withLabel:.*_scoring"]["accelerator"] == 1


@pytest.mark.parametrize(
    "combination", [*ENGINES, "k8s", "awsbatch", "google_batch", "azure_batch"]
)
def test_images_are_of_this_version_and_from_the_registry(resolved, combination):
    found = resolved[combination]
    version = found["scopes"]["manifest"]["version"]
    home = "registry.example.org/spliceflow"
    process, on_gpu = found["process"], found["gpu_process"]
    assert process["container"] == f"{home}/scoring-cpu:{version}"
    assert process["withLabel:.*_scoring"]["container"] == f"{home}/scoring-cpu:{version}"
    assert on_gpu["withLabel:.*_scoring"]["container"] == f"{home}/scoring-cuda:{version}"
    assert process["withLabel:.*_report"]["container"] == f"{home}/report:{version}"
    assert process["withLabel:.*_(training|dataset)"]["container"] == f"{home}/training:{version}"


def test_clouds_take_region_account_and_spot_machines(resolved):
    google = resolved["google_batch"]["scopes"]["google"]
    assert (google["project"], google["location"]) == ("lab", "here-1")
    assert google["batch"]["spot"] is True
    assert resolved["google_batch,gpu"]["process"]["withLabel:.*_scoring"]["accelerator"] == {
        "request": 1,
        "type": "nvidia-tesla-t4",
    }
    assert resolved["awsbatch"]["scopes"]["aws"]["region"] == "here-1"
    azure = resolved["azure_batch"]["scopes"]["azure"]["batch"]
    assert azure["location"] == "here-1"
    assert azure["pools"]["auto"]["lowPriority"] is True
    assert resolved["k8s"]["scopes"]["k8s"]["storageClaimName"] == "claim"


def test_the_order_of_profiles_does_not_matter(resolved):
    first, second = resolved["docker,gpu"], resolved["gpu,docker"]
    for part in ("process", "gpu_process", "scopes"):
        assert first[part] == second[part]


@pytest.mark.parametrize("combination", [*ENGINES, "k8s", "awsbatch"])
def test_annotation_with_any_model_needs_no_image_with_pytorch(resolved, combination):
    process = resolved[combination]["process"]
    version = resolved[combination]["scopes"]["manifest"]["version"]
    with_pytorch = [
        re.compile(selector.removeprefix("withLabel:"))
        for selector, settings in process.items()
        if selector.startswith("withLabel:")
        and str(settings.get("container", "")).endswith(f"/training:{version}")
    ]
    assert any(pattern.fullmatch("process_training") for pattern in with_pytorch)
    assert not any(
        str(settings.get("container", "")).endswith(f"/training:{version}")
        for selector, settings in process.items()
        if selector.startswith("withName:")
    )
    for name in sorted(re.findall(r"include \{ (\w+)", ANNOTATE.read_text("utf-8"))):
        module = ROOT / "modules" / name.lower() / "main.nf"
        if module.is_file():
            label = re.search(r"label '(\w+)'", module.read_text("utf-8"))[1]
            assert not any(pattern.fullmatch(label) for pattern in with_pytorch), name


def test_the_third_attempt_does_without_a_gpu_only_where_a_cpu_can_do_the_same(resolved):
    scoring, training = "withLabel:.*_scoring", "withLabel:.*_training"
    for name, expected in {"any device": None, "tf32": 1, "docker,gpu": 1}.items():
        assert resolved[name]["process"][scoring]["accelerator"] == 1
        assert resolved[name]["third_process"][scoring]["accelerator"] == expected
        assert resolved[name]["third_process"][training]["accelerator"] == 1


@pytest.mark.parametrize("cloud", ["awsbatch", "google_batch", "azure_batch"])
def test_clouds_keep_no_model_in_a_folder_of_this_machine(resolved, cloud):
    assert resolved[cloud]["params"]["model_cache"] is None
    assert resolved["slurm"]["params"]["model_cache"] == "models"
    assert resolved["cache in a bucket"]["params"]["model_cache"] == "s3://lab/models"


@pytest.mark.parametrize("cloud", ["google_batch", "azure_batch"])
def test_tasks_are_root_where_their_folder_is_mounted_for_root(resolved, cloud):
    assert resolved[cloud]["process"]["containerOptions"] == "--user root"
    assert resolved[f"{cloud},gpu"]["process"]["containerOptions"] == "--user root"


def test_without_a_folder_for_results_nothing_is_written_into_the_root(resolved):
    files = ("trace", "report", "timeline", "dag")
    for given in ("no outdir", "outdir without a value"):
        assert not {resolved[given]["scopes"][file]["enabled"] for file in files} & {True}
    assert {resolved["docker"]["scopes"][file]["enabled"] for file in files} == {True}


@pytest.mark.parametrize("profile", SCHEDULERS)
def test_a_value_means_the_same_as_text(resolved, profile):
    for values in SPELT:
        typed = resolved[f"{profile} {json.dumps(values)}"]
        text = resolved[f"{profile} {json.dumps(as_text(values))}"]
        for part in ("process", "gpu_process", "scopes"):
            assert without_text(typed[part]) == without_text(text[part]), values
        scopes = typed["scopes"]
        assert scopes["executor"]["queueSize"] == values.get("queue_size", 200)
        scoring = typed["process"].get("withLabel:.*_scoring", {})
        if "array" in scoring and "array_size" in values:
            size = values["array_size"]
            assert scoring["array"] == (size if size > 1 else None)
        quiet = values.get("help") or isinstance(values.get("outdir"), bool)
        assert scopes["trace"]["enabled"] is not bool(quiet)
        if profile == "google_batch":
            assert scopes["google"]["batch"]["spot"] is values.get("spot", GIVEN["spot"])
        if profile == "azure_batch":
            pool = scopes["azure"]["batch"]["pools"]["auto"]
            assert pool["lowPriority"] is values.get("spot", GIVEN["spot"])


def without_text(value):
    """The same with numbers that stand for names, such as a queue 3, as text."""
    if isinstance(value, dict):
        return {
            name: str(part)
            if name in ("queue", "location", "region", "project", "namespace")
            else without_text(part)
            for name, part in value.items()
        }
    return [without_text(part) for part in value] if isinstance(value, list) else value
