#!/usr/bin/env python3
"""Own CPU seconds a variant: this project's scorer beside OpenSpliceAI and SpliceAI.

All tools get the same FASTA, genes, variants and number of threads, one after the other in one
run. Each is run on two numbers of variants: the difference gives the cost of a variant, the rest
is start-up. CPU seconds are user + system of the whole process, as the kernel counts them; so
other load on the machine disturbs them little.

Without --fasta, --genes and --weights an artificial genome and untrained weights of the same
shape are made: cost does not depend on the values. With --peers, environments of their own are
made for the peers (once) below .cache/bench.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))

import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from spliceflow.errors import InputError, run_entrypoint  # noqa: E402
from spliceflow.genome.fasta import Genome  # noqa: E402
from spliceflow.genome.genes import Gene, read_spliceai_table, write_genes  # noqa: E402
from spliceflow.models.bundle import BundleCard, write_bundle  # noqa: E402
from spliceflow.models.dilated_cnn import DilatedCnn  # noqa: E402
from spliceflow.models.graphs import MemberWeights  # noqa: E402
from spliceflow.variants.allele_tables import JOB_SCHEMA  # noqa: E402

SPACING = {"sparse": 10_000, "dense": 1_000, "cohort": 10}
"""Bases from one variant to the next, on average."""

PEERS = ("openspliceai", "spliceai")


@dataclass(frozen=True)
class Variant:
    """One variant in one gene. ``pos`` is 1-based."""

    contig: str
    pos: int
    ref: str
    alt: str
    gene_row: int


@dataclass(frozen=True)
class Usage:
    """What one process took."""

    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Cost:
    """Cost of one tool on one kind of input."""

    tool: str
    density: str
    distance: int
    members: int
    threads: int
    variants: int
    cpu_seconds_a_variant: float
    start_up_cpu_seconds: float
    wall_over_cpu: float
    peak_megabytes: float


def main() -> None:
    """Parse the command line, measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fasta", type=Path, help="reference FASTA [artificial]")
    parser.add_argument("--genes", type=Path, help="SpliceAI annotation table [artificial]")
    parser.add_argument("--weights", type=Path, help="directory of 10000nt .pt files [untrained]")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=[], help="tools to compare")
    parser.add_argument("--densities", nargs="*", choices=SPACING, default=list(SPACING))
    parser.add_argument("--variants", type=int, default=300, help="larger number, ours [300]")
    parser.add_argument("--peer-variants", type=int, default=16, help="larger number, peers [16]")
    parser.add_argument("--growth", action="store_true", help="how cost grows with D, members, …")
    parser.add_argument("--threads", type=int, default=1, help="threads of every tool [1]")
    parser.add_argument("--output", type=Path, default=ROOT / ".cache" / "bench" / "scoring.json")
    arguments = parser.parse_args()
    bench = Bench(ROOT / ".cache" / "bench", arguments)
    costs: list[Cost] = []
    for peer in arguments.peers:
        costs.append(bench.peer(peer, "dense"))
        print_costs(costs[-1:])
    for density in arguments.densities:
        costs.append(bench.ours(density))
        print_costs(costs[-1:])
    if arguments.growth:
        for distance in (500, 2_000):
            costs.append(bench.ours("cohort", distance=distance))
        for members in (1, 3):
            costs.append(bench.ours("cohort", members=members))
        costs.append(bench.ours("cohort", threads=2))
        costs.append(bench.ours("cohort", engine="full", variants=16))
    report = {
        "peak_gflops": sgemm_gflops(),
        "gflop_a_variant": bench.gflop_a_variant,
        "costs": [asdict(cost) for cost in costs],
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=2) + "\n")
    print()
    print(markdown(report))


class Bench:
    """Inputs in the forms the tools want, and one run of each tool."""

    def __init__(self, folder: Path, arguments: argparse.Namespace) -> None:
        self.folder = folder
        self.arguments = arguments
        self.gflop_a_variant: dict[str, float] = {}
        folder.mkdir(parents=True, exist_ok=True)
        if (arguments.fasta is None) != (arguments.genes is None):
            raise InputError("--fasta and --genes belong together: give both or neither")
        if arguments.fasta is None:
            self.fasta, self.table = artificial_genome(folder)
        else:
            self.fasta, self.table = plain_fasta(arguments.fasta, folder), arguments.genes
        self.genes = read_spliceai_table(self.table)
        self.weights = arguments.weights or untrained_weights(folder / "weights")
        self.genome = Genome(self.fasta)
        write_genes(self.genes, folder / "genes.parquet")

    def ours(
        self,
        density: str,
        *,
        distance: int = 50,
        members: int = 5,
        threads: int | None = None,
        engine: str = "incremental",
        variants: int | None = None,
    ) -> Cost:
        """Cost of this project's scorer: the process that a scoring task runs."""
        threads = threads or self.arguments.threads
        most = variants or self.arguments.variants
        bundle = self._bundle(members)
        usages = []
        chosen = choose_variants(self.genome, self.genes, SPACING[density], most)
        numbers = max(len(chosen) // 4, 1), len(chosen)
        for number in numbers:
            shard = self.folder / "shard.parquet"
            write_shard(chosen[:number], shard)
            summary = self.folder / "summary.json"
            command: list[object] = [sys.executable, ROOT / "bin" / "score_variants.py"]
            command += ["--shard", shard, "--fasta", self.fasta]
            command += ["--genes", self.folder / "genes.parquet", "--bundle", bundle]
            command += ["--distance", distance, "--device", "cpu", "--engine", engine]
            command += ["--threads", threads, "--output", self.folder / "scores.parquet"]
            usages.append(run_process([*command, "--summary", summary], threads))
            counts = json.loads(summary.read_text())
        tool = "spliceflow" if engine == "incremental" else "spliceflow, full passes"
        if engine == "incremental" and (distance, members) == (50, 5):
            self.gflop_a_variant[density] = 2e-9 * counts["multiply_adds"] / counts["alleles"]
        return cost_of(tool, density, distance, members, threads, numbers, usages)

    def peer(self, name: str, density: str) -> Cost:
        """Cost of a peer. It does not depend on the density: nothing is shared."""
        most = self.arguments.peer_variants
        chosen = choose_variants(self.genome, self.genes, SPACING[density], most)
        numbers = max(len(chosen) // 4, 1), len(chosen)
        executable = peer_environment(name, self.folder) / "bin" / name
        usages = []
        for number in numbers:
            vcf = self.folder / f"{name}.vcf"
            write_vcf(chosen[:number], self.genome, vcf)
            command = [executable, "-I", vcf, "-O", self.folder / f"{name}.scored.vcf"]
            command += ["-R", self.fasta, "-A", self.table, "-D", 50, "-M", 0]
            if name == "openspliceai":
                command.insert(1, "variant")
                command += ["-f", 10_000, "-m", self.weights, "-p", 6, "-b", 16]
            usages.append(run_process(command, self.arguments.threads))
            scored = (self.folder / f"{name}.scored.vcf").read_text()
            records = [line for line in scored.splitlines() if not line.startswith("#")]
            if sum("|" in line for line in records) != number:
                raise InputError(f"{name} did not score all of its {number} variants")
        return cost_of(name, density, 50, 5, self.arguments.threads, numbers, usages)

    def _bundle(self, members: int) -> Path:
        from spliceflow.models.weights import read_weights

        path = self.folder / f"bundle_{members}"
        read = read_weights(self.weights)
        chosen = read.members[:members]
        write_bundle(
            path,
            BundleCard(name="benchmark"),
            [MemberWeights.from_state_dict(read.config, state) for state in chosen],
        )
        return path


def artificial_genome(folder: Path, length: int = 6_000_000) -> tuple[Path, Path]:
    """A random contig with one gene on it."""
    fasta, table = folder / "artificial.fa", folder / "artificial.tsv"
    if not table.exists():
        bases = np.random.default_rng(1).choice(np.frombuffer(b"ACGT", "S1"), length)
        fasta.write_bytes(b">1\n" + bases.tobytes() + b"\n")
        columns = ["#NAME", "CHROM", "STRAND", "TX_START", "TX_END", "EXON_START", "EXON_END"]
        row = ["GENE", "1", "+", "20000", str(length - 20_000)]
        row += [f"20000,{length // 2},", f"20200,{length - 20_000},"]
        table.write_text("\t".join(columns) + "\n" + "\t".join(row) + "\n")
    return fasta, table


def plain_fasta(fasta: Path, folder: Path) -> Path:
    """The peers read plain FASTA only."""
    if not fasta.name.endswith(".gz"):
        return fasta
    plain = folder / fasta.name.removesuffix(".gz")
    if not plain.exists():
        with Genome(fasta) as genome, plain.open("w") as out:
            for contig, length in genome.contigs.items():
                out.write(f">{contig}\n")
                for start in range(0, length, 6_000_000):
                    letters = genome.sequence(contig, start, min(start + 6_000_000, length))
                    out.writelines(
                        letters[at : at + 60] + "\n" for at in range(0, len(letters), 60)
                    )
    return plain


def untrained_weights(folder: Path, members: int = 5) -> Path:
    """State dicts of the 10000nt network with random weights."""
    import torch

    from spliceflow.models.architecture import SpliceNetwork

    folder.mkdir(exist_ok=True)
    for member in range(members):
        path = folder / f"model_10000nt_rs{10 + member}.pt"
        if not path.exists():
            torch.manual_seed(member)
            torch.save(SpliceNetwork(DilatedCnn.of_context(10_000)).state_dict(), path)
    return folder


def choose_variants(
    genome: Genome, genes: Sequence[Gene], spacing: int, most: int
) -> list[Variant]:
    """Variants at about ``spacing``: 81 % substitutions, the rest indels of 1 to 10 bases."""
    rng = np.random.default_rng(7)
    variants: list[Variant] = []
    contig, end_of_last = "", -1
    for row, gene in enumerate(genes):
        if gene.contig != contig:
            contig, end_of_last = gene.contig, -1
        position = max(gene.tx_start, end_of_last) + 200
        while position < gene.tx_end - 200 and len(variants) < most:
            variant = propose(rng, genome, gene, row, position)
            if variant is not None:
                variants.append(variant)
            position += max(1, round(spacing * rng.uniform(0.5, 1.5)))
        end_of_last = max(end_of_last, gene.tx_end)
    if len(variants) < most:
        print(f"note: the genes have room for {len(variants)} variants of {most}", file=sys.stderr)
    return variants


def propose(
    rng: np.random.Generator, genome: Genome, gene: Gene, row: int, position: int
) -> Variant | None:
    """A variant at 0-based ``position``, or None where the reference is not ACGT."""
    length = int(rng.integers(1, 11))
    letters = genome.sequence(gene.contig, position, position + 11).upper()
    if set(letters) - set("ACGT"):
        return None
    kind = rng.uniform()
    if kind < 0.81:
        ref, alt = letters[0], str(rng.choice([base for base in "ACGT" if base != letters[0]]))
    elif kind < 0.9:
        ref, alt = letters[0], letters[0] + "".join(rng.choice(list("ACGT"), length))
    else:
        ref, alt = letters[: length + 1], letters[0]
    return Variant(gene.contig, position + 1, ref, alt, row)


def write_shard(variants: Sequence[Variant], path: Path) -> None:
    """A shard as SHARD_VARIANTS makes it."""
    rows = [asdict(variant) for variant in variants]
    pq.write_table(pa.Table.from_pylist(rows, schema=JOB_SCHEMA), path)


def write_vcf(variants: Sequence[Variant], genome: Genome, path: Path) -> None:
    """The same variants for the peers."""
    with path.open("w") as out:
        out.write("##fileformat=VCFv4.2\n")
        out.writelines(f"##contig=<ID={c},length={n}>\n" for c, n in genome.contigs.items())
        out.write("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        for v in variants:
            out.write(f"{v.contig}\t{v.pos}\t.\t{v.ref}\t{v.alt}\t.\t.\t.\n")


def peer_environment(name: str, folder: Path) -> Path:
    """A virtual environment with the peer, made once."""
    environment = folder / name
    if not (environment / "bin" / name).exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        pip = [environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        requirements = ROOT / "benchmarks" / f"requirements-{name}.txt"
        subprocess.run([*pip, "--require-hashes", "--requirement", requirements], check=True)
    return environment


def run_process(command: Sequence[object], threads: int) -> Usage:
    """Run a command; count its own CPU time, with its threads limited.

    Raises:
        InputError: it failed; the message has the end of what it printed.
    """
    limits = dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "MKL_NUM_THREADS",
            "TF_NUM_INTRAOP_THREADS",
            "TF_NUM_INTEROP_THREADS",
        ),
        str(threads),
    )
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command],
        env=os.environ | limits | {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise InputError(f"{command[0]} failed: {printed.decode(errors='replace')[-800:]}")
    return Usage(
        usage.ru_utime + usage.ru_stime, time.perf_counter() - started, usage.ru_maxrss * 1024
    )


def cost_of(
    tool: str,
    density: str,
    distance: int,
    members: int,
    threads: int,
    numbers: tuple[int, int],
    usages: Sequence[Usage],
) -> Cost:
    """Slope and start-up from two runs."""
    few, many = usages
    slope = (many.cpu_seconds - few.cpu_seconds) / (numbers[1] - numbers[0])
    wall = (many.wall_seconds - few.wall_seconds) / (many.cpu_seconds - few.cpu_seconds)
    return Cost(
        tool,
        density,
        distance,
        members,
        threads,
        numbers[1],
        slope,
        max(few.cpu_seconds - slope * numbers[0], 0.0),
        wall,
        many.peak_bytes / 1e6,
    )


def sgemm_gflops(size: int = 2_000, repeats: int = 4) -> float:
    """Peak of one thread of this machine in a float32 matrix product."""
    code = (
        "import numpy, time\n"
        f"a = numpy.random.default_rng(0).random(({size}, {size}), dtype='float32')\n"
        "a @ a\n"
        "t = time.process_time()\n"
        f"for _ in range({repeats}): a @ a\n"
        f"print({2e-9 * size**3 * repeats} / (time.process_time() - t))\n"
    )
    limits = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    printed = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | limits, capture_output=True, check=True
    )
    return float(printed.stdout)


def print_costs(costs: Sequence[Cost]) -> None:
    """One tab-separated line each, as they come."""
    writer = csv.writer(sys.stdout, delimiter="\t")
    for cost in costs:
        writer.writerow(
            f"{value:.4g}" if isinstance(value, float) else value for value in asdict(cost).values()
        )
    sys.stdout.flush()


def markdown(report: dict) -> str:
    """The tables and the chart of the documentation."""
    costs = [Cost(**cost) for cost in report["costs"]]
    peers = {cost.tool: cost for cost in costs if cost.tool in PEERS}
    head = ["tool", "density", "D", "members", "threads", "CPU-s a variant", "start-up CPU-s"]
    head += ["wall / CPU", "peak MB"] + [f"1 / … of {name}" for name in peers]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for cost in costs:
        cells = [cost.tool, cost.density, str(cost.distance), str(cost.members)]
        cells += [str(cost.threads), f"{cost.cpu_seconds_a_variant:.3f}"]
        cells += [f"{cost.start_up_cpu_seconds:.1f}", f"{cost.wall_over_cpu:.2f}"]
        cells += [f"{cost.peak_megabytes:.0f}"]
        for peer in peers.values():
            ratio = peer.cpu_seconds_a_variant / cost.cpu_seconds_a_variant
            cells.append("" if cost.tool in PEERS else f"{ratio:.1f}")
        lines.append("| " + " | ".join(cells) + " |")
    peak = report["peak_gflops"]
    lines += ["", f"One thread's float32 matrix product: {peak:.0f} GFLOP/s."]
    for cost in costs:
        gflop = report["gflop_a_variant"].get(cost.density)
        if cost.tool == "spliceflow" and (cost.distance, cost.members) == (50, 5) and gflop:
            reached = gflop / cost.cpu_seconds_a_variant
            lines.append(
                f"{cost.density}, {cost.threads} thread(s): {reached:.0f} GFLOP/s of convolution, "
                f"{reached / peak:.0%} of it."
            )
    return "\n".join([*lines, "", *chart(costs)])


def chart(costs: Sequence[Cost]) -> list[str]:
    """Bars of CPU seconds a variant, five members, D = 50, as a Mermaid chart."""
    names = {"openspliceai": "OpenSpliceAI", "spliceai": "SpliceAI"}
    fewest = min(cost.threads for cost in costs)
    shown = [
        cost
        for cost in costs
        if (cost.distance, cost.members, cost.threads) == (50, 5, fewest)
        and cost.tool in (*PEERS, "spliceflow")
    ]
    labels = ", ".join(f'"{names.get(cost.tool, cost.density)}"' for cost in shown)
    values = ", ".join(f"{cost.cpu_seconds_a_variant:.3f}" for cost in shown)
    return [
        "```mermaid",
        "xychart-beta",
        '    title "CPU seconds a variant (sparse, dense, cohort: spliceflow)"',
        f"    x-axis [{labels}]",
        '    y-axis "CPU seconds"',
        f"    bar [{values}]",
        "```",
    ]


if __name__ == "__main__":
    run_entrypoint(main)
