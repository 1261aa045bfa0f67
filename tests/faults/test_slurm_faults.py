"""Faults of a cluster: a node is lost, the scheduler restarts. Skipped where Slurm is not up.

The tests take nodes down and restart slurmctld, so they run on a cluster made for testing only:
SPLICEFLOW_TEST_SLURM=1 says that this one is.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from disturbed_runs import Finished, Pipeline, squeue_answers, wait_for


@pytest.fixture
def slurm(pipeline: Pipeline, slurm_config: str) -> Pipeline:
    pipeline.profile = "slurm"
    with (pipeline.folder / "trace.config").open("a", encoding="utf-8") as handle:
        handle.write(slurm_config)
    # shims stand in front of PATH on the nodes too, which inherit it from sbatch
    return pipeline


def setting(name: str) -> str:
    shown = subprocess.run(
        ["scontrol", "show", "config"], check=True, capture_output=True, text=True
    ).stdout
    return re.search(rf"^{name}\s*= (.*)$", shown, re.MULTILINE)[1].strip()


def wait_in_first_shard(pipeline: Pipeline) -> None:
    pipeline.shim(
        "score_variants.py",
        """
if mkdir "$STATE/first" 2>/dev/null; then
    echo "$SLURMD_NODENAME" >"$STATE/.node" && mv "$STATE/.node" "$STATE/node"
    sleep 600
fi
exec "$REAL" "$@"
""",
    )


def assert_right(finished: Finished, undisturbed: Finished) -> None:
    assert finished.returncode == 0, finished.log
    assert finished.results == undisturbed.results


def test_a_node_is_lost(slurm, undisturbed):
    slurm.parameters["array_size"] = "0"
    wait_in_first_shard(slurm)
    engine = slurm.start()
    wait_for(slurm.state("node").exists)
    node = slurm.state("node").read_text().strip()
    subprocess.run(
        ["scontrol", "update", f"nodename={node}", "state=down", "reason=test"], check=True
    )
    try:
        finished = slurm.finish(engine)
    finally:
        # some clusters have taken it back by themselves, and then this is an error
        subprocess.run(["scontrol", "update", f"nodename={node}", "state=resume"], check=False)
    assert_right(finished, undisturbed)
    attempts = [row["attempt"] for row in finished.named("SCORE_VARIANTS")]
    assert attempts.count("2") == 1


def test_a_job_is_cancelled(slurm, undisturbed):
    slurm.parameters["array_size"] = "0"
    wait_in_first_shard(slurm)
    engine = slurm.start()
    wait_for(slurm.state("node").exists)
    subprocess.run(["scancel", "--state=RUNNING", "--user", str(os.getuid())], check=True)
    finished = slurm.finish(engine)
    assert_right(finished, undisturbed)


def test_the_scheduler_restarts(slurm, undisturbed):
    slurm.parameters["array_size"] = "0"
    slurm.shim(
        "score_variants.py",
        """
mkdir "$STATE/first" 2>/dev/null && touch "$STATE/begun"
[ -e "$STATE/restarted" ] || for second in $(seq 120); do
    sleep 1
    [ -e "$STATE/restarted" ] && break
done
exec "$REAL" "$@"
""",
    )
    engine = slurm.start()
    wait_for(slurm.state("begun").exists)
    controller = int(Path(setting("SlurmctldPidFile")).read_text())
    os.kill(controller, signal.SIGTERM)
    wait_for(lambda: not Path(f"/proc/{controller}").exists())
    time.sleep(5)
    subprocess.run(["slurmctld"], check=True)
    wait_for(squeue_answers)
    slurm.state("restarted").touch()
    assert_right(slurm.finish(engine), undisturbed)
