"""Profiles of container engines, schedulers and clouds: what they come to for a task."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
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


@pytest.fixture(scope="module")
def resolved(tmp_path_factory) -> dict[str, dict]:
    """Every combination, resolved by one start of the engine."""
    folder = tmp_path_factory.mktemp("profiles")
    given = json.dumps(GIVEN, separators=(",", ":"))
    combinations = folder / "combinations.txt"
    special = "".join(
        f"{name} {json.dumps(GIVEN | more, separators=(',', ':'))}\n" for name, more in SPECIAL
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
    assert len(lines) == len(COMBINATIONS) + len(SPECIAL), done.stdout + done.stderr
    found = [json.loads(line) for line in lines]
    named = {each["profile"]: each for each in found[: len(COMBINATIONS)]}
    return named | dict(zip(SPECIAL_NAMES, found[len(COMBINATIONS) :], strict=True))


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
    for label in ("training", "export"):
        selector = "withLabel:.*_(training|export)"
        assert process[selector]["container"] == f"{home}/training:{version}", label


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
def test_only_a_finished_bundle_is_exported_without_pytorch(resolved, combination):
    found = resolved[combination]
    version = found["scopes"]["manifest"]["version"]
    name = "withName:.*EXPORT_MODEL"
    assert found["process"][name]["container"].endswith(f"/training:{version}")
    assert found["finished_process"][name]["container"].endswith(f"/scoring-cpu:{version}")


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
