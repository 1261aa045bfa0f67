#!/usr/bin/env python3
"""Time, memory and growth of everything but scoring: SHARD, MERGE and ANNOTATE of large cohorts.

Cohorts of the given sizes are made on an artificial genome and go through the pipeline's own
command lines, one process after the other. Scores are made up, since their cost is another
benchmark's. Memory is the largest resident set of a process and, for ANNOTATE, of all its processes
together, sampled; seconds are wall and own CPU (user + system, children included), so that load by
others can be told. Prints a table and, with --report, writes JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / "bin"
sys.path.insert(0, str(BIN))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from generate_cohort import artificial_genome, write_cohort  # noqa: E402

from spliceflow.errors import InputError, run_entrypoint  # noqa: E402
from spliceflow.genome.fasta import Genome  # noqa: E402
from spliceflow.genome.genes import Gene, annotation_fingerprint, read_genes  # noqa: E402
from spliceflow.models.bundle import Bundle, BundleCard, write_bundle  # noqa: E402
from spliceflow.models.dilated_cnn import DilatedCnn  # noqa: E402
from spliceflow.models.graphs import MemberWeights  # noqa: E402
from spliceflow.scores.table import SCORE_SCHEMA  # noqa: E402

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Step:
    """What one process took.

    Attributes:
        name: SHARD, MERGE or ANNOTATE.
        wall: seconds.
        cpu: seconds, user + system, of the process and its children.
        memory: largest resident memory of the process and its children together, MB.
    """

    name: str
    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True)
class Measured:
    """One cohort."""

    sites: int
    samples: int
    text_mb: float
    packed_mb: float
    steps: tuple[Step, ...]


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--size",
        action="append",
        help="SITESxSAMPLES; may be given several times [25000x50, 100000x50, 100000x500]",
    )
    parser.add_argument("--threads", type=int, default=2, help="processes of ANNOTATE [2]")
    parser.add_argument("--megabases", type=float, default=0, help="genome [30 bases a site]")
    parser.add_argument("--report", type=Path, help="JSON to write")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".cache" / "bench" / "cohort", help="for the files"
    )
    arguments = parser.parse_args()
    sizes = [_size(text) for text in arguments.size or ("25000x50", "100000x50", "100000x500")]
    largest = max(sites for sites, _ in sizes)
    base = arguments.folder
    base.mkdir(parents=True, exist_ok=True)
    megabases = arguments.megabases or max(0.2, largest * 30 / 1e6)
    fasta = artificial_genome(base, int(megabases * 1e6))
    bundle = _bundle(base / "bundle")
    _run(
        "genes",
        "prepare_genes.py",
        "--annotation",
        base / "genes.tsv",
        "--fasta",
        fasta,
        "--transcripts",
        "all",
        "--output",
        base / "genes.parquet",
        "--summary",
        base / "genes.json",
    )
    measured = []
    for sites, samples in sizes:
        folder = base / f"{sites}x{samples}"
        folder.mkdir(exist_ok=True)
        measured.append(_measure(folder, fasta, bundle, sites, samples, arguments.threads))
        print(_rows(measured[-1:], header=len(measured) == 1), flush=True)
        for path in folder.rglob("*"):
            if path.is_file():
                path.unlink()
    if arguments.report:
        arguments.report.write_text(json.dumps([asdict(row) for row in measured], indent=2) + "\n")


def _size(text: str) -> tuple[int, int]:
    try:
        sites, samples = map(int, text.split("x"))
    except ValueError as error:
        raise InputError(f"--size {text!r} is not SITESxSAMPLES, such as 100000x500.") from error
    return sites, samples


def _measure(
    folder: Path, fasta: Path, bundle: Path, sites: int, samples: int, threads: int
) -> Measured:
    with Genome(fasta) as genome:
        write_cohort(genome, folder, sites, samples, threads=2)
    genes = folder.parent / "genes.parquet"
    own = ("--fasta", fasta, "--genes", genes, "--bundle", bundle, "--distance", 50)
    shards, scores = folder / "shards", folder / "scores"
    scores.mkdir(exist_ok=True)
    steps = [
        _run(
            "SHARD",
            "shard_variants.py",
            "--samplesheet",
            folder / "samplesheet.csv",
            *own,
            "--max-shard-cost",
            1e11,
            "--output-dir",
            shards,
            "--unscored",
            folder / "unscored.parquet",
            "--spellings",
            folder / "spellings.parquet",
            "--summary",
            folder / "variants.json",
        )
    ]
    table = read_genes(genes)
    label = (Bundle.load(bundle).fingerprint, annotation_fingerprint(table), 50, False)
    for shard in sorted(shards.iterdir()):
        made_up_scores(shard, scores / shard.name, table, label)
    steps += [
        _run(
            "MERGE",
            "merge_scores.py",
            "--scores",
            *sorted(scores.iterdir()),
            "--unscored",
            folder / "unscored.parquet",
            "--fasta",
            fasta,
            "--output",
            folder / "scores.parquet",
            "--summary",
            folder / "merged.json",
        ),
        _run(
            "ANNOTATE",
            "annotate_vcf.py",
            "--vcf",
            folder / "cohort.vcf.gz",
            "--name",
            "cohort",
            *own,
            "--scores",
            folder / "scores.parquet",
            "--spellings",
            folder / "spellings.parquet",
            "--threads",
            threads,
            "--output",
            folder / "annotated.vcf.gz",
            "--summary",
            folder / "annotated.json",
        ),
    ]
    records = json.loads((folder / "annotated.json").read_text())["records"]
    if records != sites:
        raise InputError(f"{records} records were annotated of {sites}.")
    return Measured(
        sites=sites,
        samples=samples,
        text_mb=sites * (4 * samples + 60) / 1e6,
        packed_mb=(folder / "cohort.vcf.gz").stat().st_size / 1e6,
        steps=tuple(steps),
    )


def made_up_scores(shard: Path, output: Path, genes: list[Gene], label: tuple) -> None:
    """Scores of a shard, strong ones as seldom as in real cohorts."""
    rows = pq.read_table(shard)
    seed = int.from_bytes(hashlib.sha256(shard.name.encode()).digest()[:8], "little")
    generator = np.random.default_rng(seed)
    gene_row = rows.column("gene_row").to_numpy()
    columns: dict[str, object] = {name: rows.column(name) for name in rows.column_names[:4]}
    for name, attribute in (
        ("gene", "name"),
        ("gene_id", "gene_id"),
        ("transcript_id", "transcript_id"),
        ("strand", "strand"),
    ):
        values = pa.array([getattr(gene, attribute) for gene in genes])
        columns[name] = values.take(pa.array(gene_row))
    for name in ("ag", "al", "dg", "dl"):
        columns[f"ds_{name}"] = generator.random(len(rows)).astype(np.float32) ** 200
    for name in ("ag", "al", "dg", "dl"):
        columns[f"dp_{name}"] = generator.integers(-50, 51, len(rows)).astype(np.int32)
    columns["status"] = pa.repeat(pa.scalar("scored"), len(rows))
    for name, value in zip(("model", "annotation", "distance", "masked"), label, strict=True):
        columns[name] = pa.repeat(pa.scalar(value), len(rows))
    pq.write_table(pa.table(columns).select(SCORE_SCHEMA.names).cast(SCORE_SCHEMA), output)


def _bundle(path: Path) -> Path:
    """A bundle of untrained weights; only its shape is looked at here."""
    config = DilatedCnn.of_context(80)
    generator = np.random.default_rng(1)
    channels = config.channels
    arrays = {"embedding": generator.normal(size=(5, channels)).astype(np.float32)}
    taps = len(config.layer_names()[1]) + 1
    for unit, size in enumerate(config.kernel_widths):
        for half in ("scale", "shift"):
            arrays[f"unit{unit}.{half}"] = np.ones(channels, np.float32)
        for convolution in ("conv1", "conv2"):
            shape = (channels, channels, size)
            arrays[f"unit{unit}.{convolution}.weight"] = np.zeros(shape, np.float32)
            arrays[f"unit{unit}.{convolution}.bias"] = np.zeros(channels, np.float32)
    for tap in range(taps):
        arrays[f"tap{tap}.weight"] = np.zeros((3, channels), np.float32)
    arrays["output.bias"] = np.zeros(3, np.float32)
    return write_bundle(path, BundleCard(name="untrained"), [MemberWeights(config, arrays)]).path


def _run(name: str, entrypoint: str, *arguments: object) -> Step:
    command = [sys.executable, str(BIN / entrypoint), *map(str, arguments)]
    start, before = time.monotonic(), os.times()
    process = subprocess.Popen(command)
    peak = 0.0
    done = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not done.wait(0.2):
            peak = max(peak, _family_memory(process.pid))

    watcher = threading.Thread(target=sample)
    watcher.start()
    status = process.wait()
    done.set()
    watcher.join()
    if status:
        raise InputError(f"{entrypoint} ended with {status}.")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user
    return Step(name, time.monotonic() - start, cpu - before.children_system, peak / 1e6)


def _family_memory(pid: int) -> float:
    """Resident bytes of a process and its children (Linux)."""
    total, todo = 0.0, [pid]
    while todo:
        member = todo.pop()
        try:
            total += int(Path(f"/proc/{member}/statm").read_text().split()[1]) * _PAGE
            for thread in Path(f"/proc/{member}/task").iterdir():
                todo += map(int, (thread / "children").read_text().split())
        except OSError:
            continue
    return total


def _rows(measured: list[Measured], header: bool) -> str:
    lines = []
    if header:
        steps = [step.name for step in measured[0].steps]
        names = [f"{step} wall s / CPU s / MB" for step in steps]
        lines.append(f"| sites | samples | VCF MB (packed) | {' | '.join(names)} |")
        lines.append("| ---: " * (3 + len(steps)) + "|")
    for row in measured:
        cells = [f"{s.wall:.0f} / {s.cpu:.0f} / {s.memory:.0f}" for s in row.steps]
        size = f"{row.text_mb:,.0f} ({row.packed_mb:,.0f})"
        lines.append(f"| {row.sites:,} | {row.samples:,} | {size} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    run_entrypoint(main)
