"""Starting the pipeline, putting its entrypoints out of order, and reading what it left."""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "assets" / "example"
BIN = ROOT / "bin"

TRACE = """
trace.fields = 'task_id,hash,name,status,exit,attempt,memory,container'
trace.raw = true
report.enabled = false
timeline.enabled = false
dag.enabled = false
"""


@dataclass(frozen=True)
class Finished:
    """What a run left."""

    returncode: int
    log: str
    outdir: Path

    @property
    def tasks(self) -> list[dict[str, str]]:
        """Rows of the trace."""
        with (self.outdir / "pipeline_info" / "trace.txt").open(encoding="utf-8") as handle:
            return list(csv.DictReader(handle, delimiter="\t"))

    def named(self, process: str) -> list[dict[str, str]]:
        """Rows of one process, by attempt."""
        rows = [row for row in self.tasks if row["name"].split(" ")[0].endswith(process)]
        return sorted(rows, key=lambda row: int(row["attempt"]))

    @property
    def results(self) -> dict[str, str]:
        """File of scores or variants → SHA-256 of its content, decompressed."""
        found = {}
        for path in sorted(self.outdir.glob("scores/*.parquet")):
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(self.outdir.glob("annotated/*.vcf.gz")):
            with gzip.open(path, "rb") as handle:
                found[path.name] = hashlib.sha256(handle.read()).hexdigest()
        return found

    @property
    def sentence(self) -> str:
        """The last error of the log, which is to say what went wrong."""
        said = [line for line in self.log.splitlines() if line.startswith("ERROR ~ ")]
        return said[-1].removeprefix("ERROR ~ ") if said else ""


class Pipeline:
    """Runs the pipeline on one file of the example, in a folder of its own.

    Attributes:
        folder: launch folder.
        shims: folder in front of PATH for programs that replace entrypoints.
    """

    def __init__(self, folder: Path, model: Path, shard_cost: float | None) -> None:
        self.folder = folder
        self.shims = folder / "shims"
        self.shims.mkdir(parents=True)
        (folder / "trace.config").write_text(TRACE, encoding="utf-8")
        self.parameters: dict[str, str] = {
            "input": str(EXAMPLE / "patients.vcf"),
            "fasta": str(EXAMPLE / "genome.fa.gz"),
            "annotation": str(EXAMPLE / "genes.gtf.gz"),
            "model": str(model),
            "outdir": str(folder / "out"),
        }
        if shard_cost:
            self.parameters["shard_cost"] = f"{shard_cost:.0f}"
        self.workdir = folder / "work"
        # MultiQC would be most of each run, and nothing here is about it
        self.shim("report.py", "mkdir multiqc && touch multiqc/multiqc_report.html")
        self.profile: str | None = None

    def command(self, *options: str) -> list[str]:
        """The command line of a run."""
        nextflow = ROOT / ".venv" / "bin" / "nextflow"
        command = [str(nextflow) if nextflow.exists() else "nextflow", "run", str(ROOT)]
        command += ["-ansi-log", "false", "-c", str(self.folder / "trace.config")]
        command += ["-work-dir", str(self.workdir), *options]
        if self.profile:
            command += ["-profile", self.profile]
        for name, value in self.parameters.items():
            command += [f"--{name}", value]
        return command

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start a run as leader of a process group."""
        return subprocess.Popen(
            self.command(*options),
            cwd=self.folder,
            env=os.environ | {"PATH": f"{self.shims}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str]) -> Finished:
        """Wait for a run; it is killed with all it started if that takes ten minutes."""
        try:
            log, _ = process.communicate(timeout=600)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Finished(process.returncode, log, Path(self.folder, self.parameters["outdir"]))

    def run(self, *options: str) -> Finished:
        """Run to the end."""
        return self.finish(self.start(*options))

    def shim(self, entrypoint: str, body: str) -> None:
        """Put a program in front of an entrypoint: ``$REAL`` is that, ``$STATE`` a folder."""
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        path = self.shims / entrypoint
        known = f"REAL={quote(str(BIN / entrypoint))}\nSTATE={quote(str(state))}"
        path.write_text(f"#!/bin/bash\n{known}\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def state(self, name: str) -> Path:
        """A file that shims write or wait for."""
        return self.folder / "state" / name


def wait_for(condition: Callable[[], object], seconds: float = 300) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("what the test waits for did not happen")
        time.sleep(0.1)


def squeue_answers() -> bool:
    """Whether Slurm's controller answers."""
    return subprocess.run(["squeue"], capture_output=True).returncode == 0
