#!/usr/bin/env python3
"""Write the example cohort of assets/example: a synthetic genome, its genes and three VCFs.

No base comes from a real genome. Sequences are composed from rules that are written down here
(codon usage, splice site, branch point and polypyrimidine tract consensus, CpG depletion) and
then changed base by base until OpenSpliceAI-MANE reads the genes as genes: a change is kept
when it raises the probability of annotated sites, lowers that of every other position, and
leaves the reading frame open. Variants are designed with the sequence: decoys that one change
turns into a splice site are part of what is optimised.

What the finished sequence scores is measured with all five 10000nt and 400nt members and
written beside it (splice_sites.tsv, designed_variants.tsv). The same seed, weights and PyTorch
build give the same files; another build may round differently and take another path.

    tests/generate_example.py --weights DIR [--seed 7] [--output-dir assets/example]

DIR holds 10000nt/*.pt and 400nt/*.pt of OpenSpliceAI-MANE. Half an hour on two busy cores.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pysam

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bin"))

import torch
from torch.nn import functional

from spliceflow.errors import InputError, run_entrypoint
from spliceflow.models.architecture import SpliceNetwork
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.training.channels_last import logits

BASES = "ACGTN"
UNKNOWN = 4
ACCEPTOR, DONOR = 1, 2
DISTANCE = 50
"""Bases either side of a variant in which its effect is measured."""

_CODON_TABLE = """
TTT:18 TTC:20 TTA:8 TTG:13 CTT:13 CTC:20 CTA:7 CTG:40 ATT:16 ATC:21 ATA:7 ATG:22 GTT:11 GTC:14
GTA:7 GTG:28 TCT:15 TCC:18 TCA:12 TCG:4 CCT:17 CCC:20 CCA:17 CCG:7 ACT:13 ACC:19 ACA:15 ACG:6
GCT:18 GCC:28 GCA:16 GCG:7 TAT:12 TAC:15 CAT:11 CAC:15 CAA:12 CAG:34 AAT:17 AAC:19 AAA:24 AAG:32
GAT:22 GAC:25 GAA:29 GAG:40 TGT:11 TGC:13 TGG:13 CGT:5 CGC:10 CGA:6 CGG:11 AGT:12 AGC:19 AGA:12
AGG:12 GGT:11 GGC:22 GGA:16 GGG:16
"""
CODON_USAGE = {entry[:3]: float(entry[4:]) for entry in _CODON_TABLE.split()}
"""Codons per thousand in human coding sequence (Nakamura et al. 2000), rounded."""
STOPS = ("TAA", "TAG", "TGA")
ENHANCERS = ("GAAGAA", "GAGGAA", "GAAGAC", "CAGAAG", "GACGAA", "AAGAAG", "GAAGCA", "TGAAGA")
"""Purine-rich hexamers of the kind that exonic splicing enhancers are made of."""

DONOR_INTRON = ((0, 0, 1, 0), (0, 0, 0, 1), (8, 0, 2, 0), (9, 1, 0, 0), (0, 0, 9, 1), (2, 1, 1, 6))
"""Weights of A C G T at +1…+6 of an intron: GTRAGT, on the strong side of what is common."""
DONOR_EXON = ((5, 4, 1, 0), (9, 0, 1, 0), (0, 0, 9, 1))
"""At the last three bases of an exon: MAG."""
BRANCH_POINT = ((0, 5, 0, 4), (1, 1, 1, 1), (0, 4, 0, 5), (0, 0, 0, 1), (4, 0, 5, 0), (1, 0, 0, 0))
"""YNYTRA, followed by a pyrimidine."""


@dataclass(frozen=True)
class GenePlan:
    """What a gene shall look like; lengths in bases.

    Attributes:
        decoys: one letter for each planted decoy, in order along the gene: ``d``/``a`` a
            donor/acceptor that an SNV makes, ``i``/``x`` a donor that an insertion/deletion
            makes.
        skipped_exon: 0-based exon that a second, untagged transcript leaves out.
        overlap: bases of the 3' end shared with the gene before, which lies opposite.
    """

    name: str
    contig: str
    strand: str
    exons: int
    gap: int
    decoys: str = ""
    coding: bool = True
    skipped_exon: int | None = None
    overlap: int = 0
    median_intron: int = 950


PLANS = (
    GenePlan("XMPL1", "chrA", "+", 6, 1_600, "da"),
    GenePlan("XMPL2", "chrA", "-", 5, 14_000, "di"),
    GenePlan("XMPL3", "chrA", "+", 8, 17_000, "dad", skipped_exon=3),
    GenePlan("XMPL4", "chrA", "+", 4, 22_000, "d"),
    GenePlan("XMPL5", "chrA", "-", 6, 0, "ad", overlap=300),
    GenePlan("XMPL6", "chrA", "-", 7, 19_000, "dx", median_intron=1500),
    GenePlan("XMPL7", "chrB", "+", 3, 12_000, "d", median_intron=400),
    GenePlan("XMPL8", "chrB", "-", 7, 16_000, "dad"),
    GenePlan("XMPL9", "chrB", "+", 3, 13_000, "", coding=False),
    GenePlan("XMPL10", "chrB", "+", 8, 15_000, "did"),
    GenePlan("XMPL11", "chrB", "-", 1, 14_000),
)
CONTIGS = {"chrA": 180_000, "chrB": 120_000}


@dataclass(frozen=True)
class Edit:
    """A change in a gene's own orientation: ``ref`` bases from ``start`` (0-based) on."""

    start: int
    ref: str
    alt: str
    site: int
    """0-based position of the new or lost site, in coordinates of the unchanged gene."""
    kind: int
    """ACCEPTOR or DONOR."""
    label: str

    @property
    def shift(self) -> int:
        """Bases by which everything after the edit moves."""
        return len(self.alt) - len(self.ref)


@dataclass
class DesignedGene:
    """A gene in its own orientation, 5' to 3'; 0-based half-open coordinates.

    Attributes:
        codes: uint8 (length,), A C G T = 0 1 2 3.
        frozen: bool (length,), bases that the optimiser leaves alone.
        codon_of: int (length,), first base's index into ``coding``, or -1.
        coding: positions of the coding bases in order, stop codon included.
        gains: planted edits that each make a site.
    """

    plan: GenePlan
    codes: np.ndarray
    exons: list[tuple[int, int]]
    frozen: np.ndarray
    coding: list[int] = field(default_factory=list)
    gains: list[Edit] = field(default_factory=list)
    offset: int = 0

    def __post_init__(self) -> None:
        self.codon_of = np.full(len(self.codes), -1)
        self.codon_of[self.coding] = np.arange(len(self.coding)) // 3

    @property
    def acceptors(self) -> list[int]:
        """First base of each exon but the first."""
        return [start for start, _ in self.exons[1:]]

    @property
    def donors(self) -> list[int]:
        """Last base of each exon but the last."""
        return [end - 1 for _, end in self.exons[:-1]]

    def text(self, start: int, end: int) -> str:
        """Bases of [start, end)."""
        return "".join(BASES[code] for code in self.codes[start:end])

    def write(self, start: int, bases: str, *, freeze: bool = False) -> None:
        """Put ``bases`` at ``start``."""
        self.codes[start : start + len(bases)] = [BASES.index(base) for base in bases]
        if freeze:
            self.frozen[start : start + len(bases)] = True

    def has_stop(self, position: int) -> bool:
        """Whether the codon of ``position`` is a stop, other than the last one."""
        codon = self.codon_of[position]
        if codon < 0 or codon == len(self.coding) // 3 - 1:
            return False
        at = self.coding[3 * codon : 3 * codon + 3]
        return "".join(BASES[self.codes[i]] for i in at) in STOPS


# --- composing ---------------------------------------------------------------------------


def weighted(rng: np.random.Generator, weights: Sequence[float]) -> str:
    """One base drawn with the weights of A C G T."""
    return str(rng.choice(list("ACGT"), p=np.array(weights) / sum(weights)))


def background(rng: np.random.Generator, length: int, gc: float, strand_t: float = 0.5) -> str:
    """Bases with GC content ``gc``, T among A/T in share ``strand_t``, and few CpG."""
    weights = [(1 - gc) * (1 - strand_t), gc / 2, gc / 2, (1 - gc) * strand_t]
    drawn = rng.choice(4, size=length, p=weights)
    for i in range(1, length):
        # A methylated CpG decays to TpG or CpA: one in five is left, as in human DNA.
        if drawn[i - 1] == 1 and drawn[i] == 2 and rng.random() < 0.8:
            drawn[i] = 0 if rng.random() < 0.7 else 1
    return "".join("ACGT"[i] for i in drawn)


def coding_sequence(rng: np.random.Generator, length: int) -> str:
    """``length`` bases (a multiple of 3): start codon, enhancer-rich codons, stop codon."""
    codons = list(CODON_USAGE)
    usage = np.array(list(CODON_USAGE.values()))
    parts = ["ATG"]
    while len(parts) < length // 3 - 1:
        if rng.random() < 0.12:
            hexamer = str(rng.choice(ENHANCERS[:-1]))
            parts += [hexamer[:3], hexamer[3:]]
        else:
            parts.append(str(rng.choice(codons, p=usage / usage.sum())))
    return "".join(parts[: length // 3 - 1]) + "TAA"


def intron(rng: np.random.Generator, length: int) -> str:
    """GTRAGT … branch point, polypyrimidine tract, CAG."""
    donor = "".join(weighted(rng, weights) for weights in DONOR_INTRON)
    branch = "".join(weighted(rng, weights) for weights in BRANCH_POINT) + "C"
    spacer = background(rng, int(rng.integers(2, 8)), 0.4, 0.7).replace("AG", "TC")
    tract = "".join(weighted(rng, (0.4, 3.2, 0.4, 6)) for _ in range(int(rng.integers(14, 22))))
    acceptor = tract.replace("AG", "TC") + weighted(rng, (1, 1, 1, 1)) + "CAG"
    tail = branch + spacer + acceptor
    return donor + background(rng, length - len(donor) - len(tail), 0.40, 0.56) + tail


def compose(rng: np.random.Generator, plan: GenePlan) -> DesignedGene:
    """A gene by the rules alone."""
    internal = np.clip(rng.lognormal(np.log(125), 0.25, plan.exons), 75, 220).astype(int)
    lengths = [int(length) for length in internal]
    lengths[0] = int(rng.integers(180, 320))
    lengths[-1] = int(rng.integers(600, 950)) if plan.exons > 1 else 1_400
    introns = np.clip(
        rng.lognormal(np.log(plan.median_intron), 0.6, plan.exons - 1), 180, 5_000
    ).astype(int)

    utr5 = int(rng.integers(70, 120))
    coding_length = 0
    if plan.coding:
        coding_length = (sum(lengths[:-1]) - utr5 + int(rng.integers(90, 160))) // 3 * 3
    transcript = background(rng, utr5, 0.62)[:-6] + "GCCACC" if plan.coding else ""
    transcript += coding_sequence(rng, coding_length) if plan.coding else ""
    rest = sum(lengths) - len(transcript)
    transcript += background(rng, rest, 0.42 if plan.coding else 0.47)

    parts, exons, at, used = [], [], 0, 0
    for index, length in enumerate(lengths):
        exons.append((at, at + length))
        parts.append(transcript[used : used + length])
        at, used = at + length, used + length
        if index < len(introns):
            parts.append(intron(rng, int(introns[index])))
            at += int(introns[index])
    codes = np.array([BASES.index(base) for base in "".join(parts)], dtype=np.uint8)
    exonic = [i for start, end in exons for i in range(start, end)]
    coding = exonic[utr5 : utr5 + coding_length] if plan.coding else []
    gene = DesignedGene(plan, codes, exons, np.zeros(len(codes), dtype=bool), coding)

    for _, end in exons[:-1]:
        gene.write(end - 3, "".join(weighted(rng, weights) for weights in DONOR_EXON))
        gene.frozen[end : end + 2] = True
    for start, _ in exons[1:]:
        gene.write(start, weighted(rng, (2, 1, 6, 1)))
        gene.frozen[start - 2 : start] = True
    if plan.coding:
        gene.frozen[coding[:3]] = gene.frozen[coding[-3:]] = True
    gene.write(len(codes) - 22, "AATAAA", freeze=True)
    plant_decoys(gene)
    for position in coding:
        while gene.has_stop(position):
            free = [i for i in codon_positions(gene, position) if not gene.frozen[i]]
            gene.codes[rng.choice(free)] = rng.integers(0, 4)
    return gene


def codon_positions(gene: DesignedGene, position: int) -> list[int]:
    """Positions of the three bases of the codon that ``position`` is in."""
    codon = gene.codon_of[position]
    return gene.coding[3 * codon : 3 * codon + 3]


def plant_decoys(gene: DesignedGene) -> None:
    """Write sequences that are one change short of a splice site, each by an exon of its own.

    A donor decoy lies 30 bases into the intron, so that the change makes the exon longer; an
    acceptor decoy 33 bases before the exon's own acceptor.
    """
    internal = range(1, len(gene.exons) - 1)
    step = max(1, len(internal) // max(1, len(gene.plan.decoys)))
    for letter, index in zip(gene.plan.decoys, internal[::step], strict=False):
        start, end = gene.exons[index]
        at = end + 30
        if letter == "d":
            gene.write(at - 3, "CAGGCAAGTA", freeze=False)
            edit = Edit(at + 1, "C", "T", at - 1, DONOR, "donor_gain")
        elif letter == "i":
            gene.write(at - 3, "CAGGAAGTAT")
            edit = Edit(at, "G", "GT", at - 1, DONOR, "donor_gain")
        elif letter == "x":
            gene.write(at - 3, "CAGGCTAAGTA")
            edit = Edit(at, "GC", "G", at - 1, DONOR, "donor_gain")
        else:
            at = start - 33
            gene.write(at - 27, "TACTAACATTTTCTTTCTTTTTTGCAAG", freeze=False)
            edit = Edit(at - 1, "A", "G", at, ACCEPTOR, "acceptor_gain")
        gene.frozen[edit.start - 1 : edit.start + 2] = True
        gene.gains.append(edit)


# --- the model in the loop ---------------------------------------------------------------


class Teacher:
    """The members of one OpenSpliceAI ensemble."""

    def __init__(self, directory: Path, context: int) -> None:
        files = sorted((directory / f"{context}nt").glob("*.pt"))
        if not files:
            raise InputError(f"no .pt files in {directory}/{context}nt: give OpenSpliceAI's models")
        self.context = context
        self.members: list[SpliceNetwork] = []
        for path in files:
            network = SpliceNetwork(DilatedCnn.of_context(context))
            state = torch.load(path, map_location="cpu", weights_only=True)
            network.load_state_dict(state, strict=True)
            self.members.append(network.eval().requires_grad_(False))

    def log_probabilities(self, member: int, one_hot: torch.Tensor) -> torch.Tensor:
        """(4, L) → (3, L): neither, acceptor, donor; N beyond both ends."""
        half = self.context // 2
        padded = functional.pad(one_hot, (half, half))[None]
        return functional.log_softmax(logits(self.members[member], padded)[0], dim=0)

    @torch.inference_mode()
    def probabilities(self, codes: np.ndarray) -> np.ndarray:
        """Mean over the members, float (3, L)."""
        one_hot = to_one_hot(codes)
        members = range(len(self.members))
        return np.mean([self.log_probabilities(m, one_hot).exp().numpy() for m in members], axis=0)


def to_one_hot(codes: np.ndarray) -> torch.Tensor:
    """uint8 (L,) → float32 (4, L); N is all zeros."""
    return torch.from_numpy(np.eye(5, dtype=np.float32)[codes][:, :4].T.copy())


def edited(one_hot: torch.Tensor, edits: Sequence[Edit]) -> torch.Tensor:
    """The sequence with all edits made; differentiable in what they leave alone."""
    parts, at = [], 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        codes = np.array([BASES.index(base) for base in edit.alt], dtype=np.uint8)
        parts += [one_hot[:, at : edit.start], to_one_hot(codes)]
        at = edit.start + len(edit.ref)
    return torch.cat([*parts, one_hot[:, at:]], dim=1)


def moved(position: int, edits: Sequence[Edit]) -> int:
    """Where a position lies after the edits."""
    return position + sum(edit.shift for edit in edits if edit.start < position)


def loss_of(gene: DesignedGene, one_hot: torch.Tensor, teacher: Teacher, member: int):
    """Minus log-probability of what shall be a site and of what shall not.

    Sites above 0.9 and positions that are no site below 0.05 are content and count nothing.
    """

    def wanted(log_p: torch.Tensor, sites: dict[int, list[int]], content: float) -> torch.Tensor:
        terms = torch.cat([log_p[kind, at] for kind, at in sites.items()])
        return -(terms.clamp(max=float(np.log(content)))).sum()

    log_p = teacher.log_probabilities(member, one_hot)
    sites = {ACCEPTOR: gene.acceptors, DONOR: gene.donors}
    loss = wanted(log_p, sites, 0.9)
    for kind, at in sites.items():
        p = log_p[kind].exp().clone()
        p[at] = 0.0
        loss = loss - torch.log1p(-p[p > 0.05].clamp(max=0.999)).sum()
    if gene.gains:
        log_p = teacher.log_probabilities(member, edited(one_hot, gene.gains))
        gained = {
            kind: [moved(edit.site, gene.gains) for edit in gene.gains if edit.kind == kind]
            for kind in (ACCEPTOR, DONOR)
        }
        loss = loss + wanted(log_p, gained, 0.85)
    return loss


def improve(
    gene: DesignedGene, teachers: Sequence[Teacher], steps: int, rng: np.random.Generator
) -> None:
    """Change the bases whose gradient promises most, keep what lowers the loss.

    Each step looks at one member of each teacher, in turn, so that no single member is
    pleased alone. A member that no change pleases is passed over; when all of them are
    stuck, one promising base is changed regardless.
    """
    members = len(teachers[0].members)
    size, content, stuck = 12, 0, 0
    for step in range(steps):
        one_hot = to_one_hot(gene.codes).requires_grad_()
        total = sum(loss_of(gene, one_hot, teacher, step % members) for teacher in teachers)
        loss = float(total.detach())
        if loss < (content_floor(gene) + 0.02) * len(teachers):
            content += 1
            if content == members:
                return
            continue
        content = 0
        total.backward()
        gradient = one_hot.grad.numpy()
        here = np.arange(len(gene.codes))
        gain = gradient[gene.codes, here] - gradient
        gain[:, gene.frozen] = -np.inf
        gain[gene.codes, here] = -np.inf
        best = gain.argmax(axis=0).astype(np.uint8)
        order = np.argsort(-gain.max(axis=0), kind="stable")
        before = gene.codes.copy()
        for attempt in (size, max(1, size // 4), 1):
            change(gene, order[: 4 * attempt], best, attempt)
            with torch.inference_mode():
                now = to_one_hot(gene.codes)
                new = float(sum(loss_of(gene, now, t, step % members) for t in teachers))
            if new < loss:
                size, stuck = min(24, attempt + 2), 0
                break
            gene.codes[:] = before
        else:
            size, stuck = 4, stuck + 1
            if stuck == members:
                change(gene, rng.permutation(order[:20]), best, 1)
                stuck = 0


def change(gene: DesignedGene, positions: np.ndarray, best: np.ndarray, count: int) -> None:
    """Write the best base at the first ``count`` positions where it makes no stop codon."""
    for position in positions:
        if count == 0:
            return
        old = gene.codes[position]
        gene.codes[position] = best[position]
        if gene.has_stop(position):
            gene.codes[position] = old
        else:
            count -= 1


def content_floor(gene: DesignedGene) -> float:
    """The loss of a gene whose every site is content."""
    sites = len(gene.acceptors) + len(gene.donors)
    return -(sites * np.log(0.9) + len(gene.gains) * np.log(0.85))


def shortfall(gene: DesignedGene, teacher: Teacher) -> float:
    """How far the ensemble's mean is from the design: 0 when all sites, gains and silences hold.

    The worst of: a site below 0.8, a planted gain below 0.75, any other position above 0.2.
    """
    p = teacher.probabilities(gene.codes)
    lacking = [0.0, *(0.8 - p[ACCEPTOR, gene.acceptors]), *(0.8 - p[DONOR, gene.donors])]
    p[ACCEPTOR, gene.acceptors] = p[DONOR, gene.donors] = 0.0
    lacking.append(float(p[[ACCEPTOR, DONOR]].max()) - 0.2)
    for edit in gene.gains:
        codes = edited(to_one_hot(gene.codes), [edit]).numpy()
        p = teacher.probabilities(codes.argmax(axis=0).astype(np.uint8))
        lacking.append(0.75 - p[edit.kind, moved(edit.site, [edit])])
    return max(lacking)


def design(
    rng: np.random.Generator, plan: GenePlan, small: Teacher, large: Teacher, before: DesignedGene
) -> DesignedGene:
    """Compose a gene, then improve it until both ensembles read it as planned.

    The small model finds most of the way; the large one, forty times dearer, the rest.
    """
    gene = compose(rng, plan)
    if plan.overlap:
        shared = 3 - before.codes[-plan.overlap :][::-1]
        gene.codes[-plan.overlap :] = shared
        gene.frozen[-plan.overlap :] = True
    best, best_codes = float("inf"), gene.codes.copy()
    for attempt in range(6):
        improve(gene, [small], 30 if attempt == 0 else 12, rng)
        lacking = shortfall(gene, small)
        lacking = lacking if lacking > 0.3 else max(lacking, shortfall(gene, large))
        print(f"{plan.name}: round {attempt + 1}, {lacking:.2f} short of the plan", flush=True)
        if lacking < best:
            best, best_codes = lacking, gene.codes.copy()
        if lacking <= 0:
            break
        improve(gene, [large, small], 8, rng)
    gene.codes[:] = best_codes
    return gene


def groups() -> list[list[GenePlan]]:
    """Plans that have to be designed one after the other, because their genes overlap."""
    found: list[list[GenePlan]] = []
    for plan in PLANS:
        if plan.overlap:
            found[-1].append(plan)
        else:
            found.append([plan])
    return found


def design_group(weights: Path, seed: int, plans: Sequence[GenePlan]) -> list[DesignedGene]:
    """Design genes in a process of its own."""
    torch.set_num_threads(1)
    small, large = Teacher(weights, 400), Teacher(weights, 10_000)
    genes: list[DesignedGene] = []
    for plan in plans:
        rng = np.random.default_rng([seed, PLANS.index(plan)])
        genes.append(design(rng, plan, small, large, genes[-1] if genes else None))
    return genes


# --- genome and annotation ---------------------------------------------------------------


@dataclass(frozen=True)
class Placed:
    """A designed gene on the genome; ``start`` is 0-based on its contig."""

    gene: DesignedGene
    start: int
    number: int

    @property
    def end(self) -> int:
        """Half-open end."""
        return self.start + len(self.gene.codes)

    def interval(self, start: int, end: int) -> tuple[int, int]:
        """Gene coordinates [start, end) → genome coordinates, 0-based half-open."""
        if self.gene.plan.strand == "+":
            return self.start + start, self.start + end
        return self.end - end, self.end - start


def reverse_complement(bases: str) -> str:
    """Of upper-case bases."""
    return bases[::-1].translate(str.maketrans("ACGTN", "TGCAN"))


def lay_out(
    rng: np.random.Generator, genes: Sequence[DesignedGene]
) -> tuple[dict[str, str], list[Placed]]:
    """Put the genes on their contigs with intergenic sequence between them."""
    contigs = {name: background(rng, length, 0.40) for name, length in CONTIGS.items()}
    placed: list[Placed] = []
    at = dict.fromkeys(CONTIGS, 0)
    for number, gene in enumerate(genes, 1):
        contig = gene.plan.contig
        start = at[contig] + gene.plan.gap - gene.plan.overlap
        item = Placed(gene, start, number)
        bases = gene.text(0, len(gene.codes))
        bases = bases if gene.plan.strand == "+" else reverse_complement(bases)
        contigs[contig] = contigs[contig][:start] + bases + contigs[contig][item.end :]
        if item.end > CONTIGS[contig]:
            raise InputError(f"the genes of {contig} end at {item.end}: make the contig longer")
        at[contig] = item.end
        placed.append(item)
    return contigs, placed


def soften(
    rng: np.random.Generator, contigs: dict[str, str], placed: Sequence[Placed]
) -> dict[str, str]:
    """Lower-case stretches as repeat masking leaves them, a gap of N, one IUPAC code.

    None of it is near a splice site, so that the measured probabilities stay true.
    """
    finished = {}
    for name, bases in contigs.items():
        text = bytearray(bases, "ascii")
        here = [item for item in placed if item.gene.plan.contig == name]
        edges = [0, *(edge for item in here for edge in (item.start, item.end)), len(text)]
        between = list(zip(edges[::2], edges[1::2], strict=True))
        introns = [
            item.interval(left[1], right[0])
            for item in here
            for left, right in zip(item.gene.exons, item.gene.exons[1:], strict=False)
        ]
        for start, end in [*between, *introns]:
            for _ in range((end - start) // 2_500):
                length = int(rng.integers(150, 400))
                at = int(rng.integers(start + 300, end - 300 - length))
                text[at : at + length] = text[at : at + length].lower()
        gap = max(between, key=lambda pair: pair[1] - pair[0])
        text[gap[0] + 6_000 : gap[0] + 6_500] = b"N" * 500
        longest = max(introns, key=lambda pair: pair[1] - pair[0])
        text[sum(longest) // 2 + 60] = ord("R")
        finished[name] = text.decode()
    return finished


def gtf_lines(placed: Sequence[Placed]) -> Iterator[str]:
    """GENCODE-like GTF, one gene after the other along the genome."""
    yield "##description: synthetic genes of the spliceflow example"
    yield "##provider: spliceflow"
    yield "##format: gtf"
    for item in placed:
        plan = item.gene.plan
        kept = range(len(item.gene.exons))
        yield from _gene_lines(item, plan.contig, list(kept))
    # A contig that the FASTA leaves out on purpose: annotations often have more than genomes.
    yield from _gene_lines(placed[6], "chrC", list(range(len(placed[6].gene.exons))), 12)


def _gene_lines(item: Placed, contig: str, exons: list[int], number: int = 0) -> Iterator[str]:
    gene, plan = item.gene, item.gene.plan
    number = number or item.number
    name = f"XMPL{number}"
    biotype = "protein_coding" if plan.coding else "lncRNA"

    def line(kind: str, start: int, end: int, attributes: str, frame: str = ".") -> str:
        start, end = item.interval(start, end)
        columns = (contig, "spliceflow", kind, start + 1, end, ".", plan.strand, frame, attributes)
        return "\t".join(str(column) for column in columns)

    gene_id = f"XMPLG{number:011d}.1"
    base = f'gene_id "{gene_id}"; gene_type "{biotype}"; gene_name "{name}"; level 1;'
    yield line("gene", 0, len(gene.codes), base)
    transcripts = [(exons, biotype, ["basic", "Ensembl_canonical"])]
    if plan.coding:
        transcripts[0][2].append("MANE_Select")
    if plan.skipped_exon is not None:
        some = [exon for exon in exons if exon != plan.skipped_exon]
        transcripts.append((some, "protein_coding_CDS_not_defined", ["alternative_3_UTR"]))
    for rank, (kept, transcript_type, tags) in enumerate(transcripts, 1):
        transcript_id = f"XMPLT{number:09d}{rank:02d}.1"
        common = (
            f'gene_id "{gene_id}"; transcript_id "{transcript_id}"; gene_type "{biotype}"; '
            f'gene_name "{name}"; transcript_type "{transcript_type}"; '
            f'transcript_name "{name}-20{rank}"; '
        )
        tail = "level 1; " + " ".join(f'tag "{tag}";' for tag in tags)
        yield line("transcript", gene.exons[kept[0]][0], gene.exons[kept[-1]][1], common + tail)
        coded = 0
        for order, exon in enumerate(kept, 1):
            start, end = gene.exons[exon]
            exon_id = f'exon_number {order}; exon_id "XMPLE{number:08d}{exon + 1:03d}.1"; '
            yield line("exon", start, end, common + exon_id + tail)
            coding = [i for i in gene.coding[:-3] if start <= i < end]
            if coding and rank == 1:
                frame = str(-coded % 3)
                yield line("CDS", coding[0], coding[-1] + 1, common + exon_id + tail, frame)
                coded += len(coding)
            for kind, codon in (("start_codon", gene.coding[:3]), ("stop_codon", gene.coding[-3:])):
                if codon and rank == 1 and start <= codon[0] < end:
                    yield line(kind, codon[0], codon[-1] + 1, common + exon_id + tail, "0")


# --- variants ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Allele:
    """One ALT on the genome, minimal and left-aligned; ``position`` is 1-based."""

    contig: str
    position: int
    ref: str
    alt: str
    gene: str = ""
    effect: str = ""


def normalised(contigs: dict[str, str], contig: str, start: int, ref: str, alt: str) -> Allele:
    """Trim shared bases and shift an indel left; ``start`` is 0-based."""
    while (ref and alt and ref[-1] == alt[-1]) or not ref or not alt:
        if not ref or not alt:
            start -= 1
            ref, alt = contigs[contig][start] + ref, contigs[contig][start] + alt
        else:
            ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        start, ref, alt = start + 1, ref[1:], alt[1:]
    return Allele(contig, start + 1, ref, alt)


def on_genome(contigs: dict[str, str], item: Placed, edit: Edit) -> Allele:
    """An edit of a gene as an allele of the genome."""
    start, _ = item.interval(edit.start, edit.start + len(edit.ref))
    ref, alt = edit.ref, edit.alt
    if item.gene.plan.strand == "-":
        ref, alt = reverse_complement(ref), reverse_complement(alt)
    allele = normalised(contigs, item.gene.plan.contig, start, ref, alt)
    plan = item.gene.plan
    return Allele(plan.contig, allele.position, allele.ref, allele.alt, plan.name, edit.label)


def breaks(gene: DesignedGene, first: int) -> Iterator[Edit]:
    """Changes that take a site away, of another form at each exon of each gene.

    ``first`` is the form to begin with.
    """
    others = {"A": "C", "C": "A", "G": "T", "T": "G"}
    for index, exon in enumerate(range(0, len(gene.exons) - 1, 2)):
        end, start = gene.exons[exon][1], gene.exons[exon + 1][0]
        last, after = gene.text(end - 1, end), gene.text(start, start + 1)
        forms = (
            Edit(end, "G", "A", end - 1, DONOR, "donor_loss"),
            Edit(start - 1, "G", "C", start, ACCEPTOR, "acceptor_loss"),
            Edit(end, "GT", "CA", end - 1, DONOR, "donor_loss"),
            Edit(end + 1, "T", "C", end - 1, DONOR, "donor_loss"),
            Edit(end - 2, gene.text(end - 2, end + 3), "", end - 1, DONOR, "donor_loss"),
            Edit(start - 2, "A", "T", start, ACCEPTOR, "acceptor_loss"),
            Edit(start - 2, "AG", "TTC", start, ACCEPTOR, "acceptor_loss"),
            Edit(end, "G", "GCA", end - 1, DONOR, "donor_loss"),
            Edit(start - 3, gene.text(start - 3, start + 1), "", start, ACCEPTOR, "acceptor_loss"),
            Edit(end - 1, last, others[last], end - 1, DONOR, "donor_weakened"),
            Edit(start, after, others[after], start, ACCEPTOR, "acceptor_weakened"),
        )
        yield forms[(first + index) % len(forms)]


def bystanders(
    rng: np.random.Generator,
    contigs: dict[str, str],
    finished: dict[str, str],
    placed: Sequence[Placed],
) -> Iterator[Allele]:
    """Variants that nobody designed: in exons, introns, between genes."""
    for name, bases in contigs.items():
        here = [item for item in placed if item.gene.plan.contig == name]
        spots = [int(rng.integers(item.start + 5, item.end - 30)) for item in here for _ in "abcd"]
        for item in here:
            exon = item.gene.exons[int(rng.integers(len(item.gene.exons)))]
            start, end = item.interval(*exon)
            spots += [int(rng.integers(start + 4, end - 8)) for _ in "ab"]
        spots += [int(spot) for spot in rng.integers(1_000, len(bases) - 1_000, 8)]
        for at in spots:
            if set(finished[name][at - 1 : at + 15].upper()) & {"N", "R"}:
                continue
            draw, base = rng.random(), bases[at]
            transition = {"A": "G", "G": "A", "C": "T", "T": "C"}[base]
            if draw < 0.55:
                ref, alt = base, transition
            elif draw < 0.75:
                ref, alt = base, "".join(sorted(set("ACGT") - {base, transition}))[0]
            elif draw < 0.85:
                ref, alt = bases[at : at + int(rng.integers(2, 14))], base
            elif draw < 0.95:
                ref, alt = base, base + background(rng, int(rng.integers(1, 9)), 0.4)
            else:
                ref, alt = bases[at : at + 2], transition + reverse_complement(bases[at + 1])
            allele = normalised(contigs, name, at, ref, alt)
            gene = ",".join(item.gene.plan.name for item in here if item.start < at < item.end)
            yield Allele(name, allele.position, allele.ref, allele.alt, gene, "bystander")


@dataclass(frozen=True)
class CohortFile:
    """One VCF of the cohort."""

    name: str
    file: str
    samples: tuple[str, ...]
    prefix: str = "chr"
    """``chr`` or nothing: the panel names its contigs otherwise than the FASTA does."""


FILES = (
    CohortFile("family", "family.vcf.gz", ("child", "mother", "father")),
    CohortFile("patients", "patients.vcf", ("patient_1", "patient_2")),
    CohortFile("panel", "panel.vcf.gz", (), prefix=""),
)


@dataclass(frozen=True)
class Record:
    """A VCF record; ``alts`` may hold any ALT the format allows."""

    contig: str
    position: int
    ref: str
    alts: tuple[str, ...]
    info: str = ""


def deal(rng: np.random.Generator, alleles: Sequence[Allele]) -> dict[str, list[Record]]:
    """Give each allele to one, two or all three of the files."""
    dealt: dict[str, list[Record]] = {cohort.name: [] for cohort in FILES}
    names = [cohort.name for cohort in FILES]
    for index, allele in enumerate(alleles):
        count = int(rng.choice([1, 2, 3], p=[0.68, 0.2, 0.12]))
        holders = {names[index % 3], *rng.permutation(names)[: count - 1]}
        for name in sorted(holders):
            dealt[name].append(Record(allele.contig, allele.position, allele.ref, (allele.alt,)))
    return dealt


def unusual(contigs: dict[str, str], placed: Sequence[Placed]) -> dict[str, list[Record]]:
    """Records that other tools drop, skip or crash on; each has its place and its status."""

    def inside(number: int, exon: int, into: int) -> tuple[str, int]:
        item = placed[number - 1]
        start, _ = item.interval(item.gene.exons[exon][1] + into, item.gene.exons[exon][1] + into)
        return item.gene.plan.contig, start

    def record(spot: tuple[str, int], length: int, *alts: str, info: str = "") -> Record:
        contig, at = spot
        return Record(contig, at + 1, contigs[contig][at : at + length], alts, info)

    def other(spot: tuple[str, int]) -> str:
        return {"A": "G", "G": "A", "C": "T", "T": "C"}[contigs[spot[0]][spot[1]]]

    multi, star, mate = inside(3, 1, 70), inside(1, 2, 90), inside(6, 2, 400)
    multi_ref = contigs[multi[0]][multi[1]]
    multi_alts = tuple(base for base in "ACGT" if base != multi_ref)
    wrong = inside(8, 2, 120)
    far = inside(10, 4, 150)
    contig, at = inside(2, 1, 60)
    deletion = contigs[contig][at : at + 6]
    return {
        "family": [
            record(multi, 1, *multi_alts[:2]),
            record(star, 1, other(star), "*"),
            record(inside(2, 2, 200), 1, "<DEL>", info="SVTYPE=DEL;SVLEN=-900"),
            Record(contig, at + 1, deletion, (deletion[0], deletion[:3], deletion + "GA")),
        ],
        "patients": [
            record(multi, 1, multi_alts[0]),
            record(mate, 1, f"{contigs[mate[0]][mate[1]]}[chrB:{far[1] + 1}["),
            record(far, 1, f"]chrA:{mate[1] + 1}]{contigs[far[0]][far[1]]}"),
            record(inside(5, 2, 150), 1, "."),
            Record(wrong[0], wrong[1] + 1, other(wrong), (contigs[wrong[0]][wrong[1]],)),
            Record("chrC", 5_000, "A", ("G",)),
        ],
        "panel": [
            record(multi, 1, *multi_alts),
            record(inside(8, 3, 180), 1, "<DUP>", info="SVTYPE=DUP;SVLEN=1200"),
            record(inside(6, 3, 100), 1, "N"),
            record(inside(10, 1, 60), 121, contigs["chrB"][inside(10, 1, 60)[1]]),
            record(inside(7, 0, 120), 1, "<INS>", info="SVTYPE=INS;SVLEN=300"),
        ],
    }


def vcf_text(
    rng: np.random.Generator, cohort: CohortFile, records: Sequence[Record]
) -> Iterator[str]:
    """Header and records of one file, sorted, duplicates left out."""

    def renamed(text: str) -> str:
        return text.replace("chr", cohort.prefix)

    yield "##fileformat=VCFv4.2"
    yield "##source=spliceflow_example"
    yield '##FILTER=<ID=PASS,Description="All filters passed">'
    lengths = {**CONTIGS, "chrC": 50_000}
    for name, length in lengths.items():
        yield f"##contig=<ID={renamed(name)},length={length}>"
    yield '##INFO=<ID=AC,Number=A,Type=Integer,Description="Allele count">'
    yield '##INFO=<ID=SVTYPE,Number=1,Type=String,Description="Type of structural variant">'
    yield '##INFO=<ID=SVLEN,Number=.,Type=Integer,Description="Length difference of REF and ALT">'
    for kind in ("DEL", "DUP", "INS"):
        yield f'##ALT=<ID={kind},Description="Structural variant {kind}">'
    if cohort.samples:
        yield '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">'
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    yield "\t".join(columns + (["FORMAT", *cohort.samples] if cohort.samples else []))
    order = {name: rank for rank, name in enumerate(lengths)}
    ranked = sorted(set(records), key=lambda r: (order[r.contig], r.position, r.ref, r.alts))
    for number, record in enumerate(ranked, 1):
        genotypes = _genotypes(rng, cohort, len(record.alts))
        counts = ",".join(
            str(sum(genotype.count(str(alt)) for genotype in genotypes))
            if cohort.samples
            else str(int(rng.geometric(0.15)))
            for alt in range(1, len(record.alts) + 1)
        )
        info = ";".join(part for part in (f"AC={counts}", record.info) if part)
        if record.alts == (".",):
            info, genotypes = ".", ["0/0"] * len(cohort.samples)
        fields = [
            renamed(record.contig),
            str(record.position),
            f"{cohort.name}_{number}",
            record.ref,
            renamed(",".join(record.alts)),
            str(int(rng.integers(30, 99))),
            "PASS",
            info,
        ]
        yield "\t".join(fields + (["GT", *genotypes] if cohort.samples else []))


def _genotypes(rng: np.random.Generator, cohort: CohortFile, alts: int) -> list[str]:
    """At least one sample carries each ALT; in the trio the child inherits from a parent."""
    if not cohort.samples:
        return []
    drawn = [["0", "0"] for _ in cohort.samples]
    for alt in range(1, alts + 1):
        carriers = {int(rng.integers(len(drawn)))}
        if cohort.name == "family" and 0 in carriers and rng.random() < 0.8:
            carriers.add(int(rng.integers(1, 3)))
        for carrier in sorted(carriers):
            drawn[carrier][(alt - 1) % 2] = str(alt)
    return ["/".join(sorted(pair)) for pair in drawn]


# --- measuring ---------------------------------------------------------------------------


def effect_of(
    allele: Allele, contigs: dict[str, str], item: Placed, teacher: Teacher
) -> tuple[np.ndarray, np.ndarray]:
    """DS and DP of acceptor gain, acceptor loss, donor gain, donor loss (Jaganathan 2019).

    Written out here a second time, apart from the pipeline's own arithmetic, as a check on it.
    The ALT span is brought to REF's length: its maximum, then zeros.
    """
    half = teacher.context // 2 + DISTANCE
    at = allele.position - 1
    window = "".join(
        contigs[allele.contig][i] if item.start <= i < item.end else "N"
        for i in range(at - half, at + half + 1)
    )
    changed = window[:half] + allele.alt + window[half + len(allele.ref) :]

    def read(bases: str) -> np.ndarray:
        minus = item.gene.plan.strand == "-"
        bases = reverse_complement(bases) if minus else bases
        codes = np.array([BASES.find(base) for base in bases], dtype=np.uint8)
        one_hot = to_one_hot(codes)[None]
        with torch.inference_mode():
            p = np.mean(
                [logits(net, one_hot)[0].softmax(dim=0).numpy() for net in teacher.members], axis=0
            )
        return p[:, ::-1] if minus else p

    ref, alt = read(window), read(changed)
    span = alt[:, DISTANCE : DISTANCE + len(allele.alt)].max(axis=1, keepdims=True)
    padding = np.zeros((3, len(allele.ref) - 1), dtype=np.float32)
    alt = np.hstack([alt[:, :DISTANCE], span, padding, alt[:, DISTANCE + len(allele.alt) :]])
    if alt.shape[1] < ref.shape[1]:
        raise InputError(f"{allele} is longer than the window")
    alt = alt[:, : ref.shape[1]]
    gain, loss = alt - ref, ref - alt
    rows = [gain[ACCEPTOR], loss[ACCEPTOR], gain[DONOR], loss[DONOR]]
    return (
        np.array([row.max() for row in rows]),
        np.array([row.argmax() - DISTANCE for row in rows]),
    )


EFFECT_COLUMN = {"acceptor_gain": 0, "acceptor_loss": 1, "donor_gain": 2, "donor_loss": 3}
EFFECT_COLUMN |= {"acceptor_weakened": 1, "donor_weakened": 3}


def measure_sites(placed: Sequence[Placed], teachers: Sequence[Teacher]) -> Iterator[list[str]]:
    """Probability of every annotated site, sequence outside the gene read as N."""
    yield ["gene", "contig", "position", "strand", "site", *(f"p_{t.context}nt" for t in teachers)]
    for item in placed:
        read = [teacher.probabilities(item.gene.codes) for teacher in teachers]
        for site, kind, positions in (
            ("acceptor", ACCEPTOR, item.gene.acceptors),
            ("donor", DONOR, item.gene.donors),
        ):
            for position in positions:
                start, _ = item.interval(position, position + 1)
                plan = item.gene.plan
                yield [plan.name, plan.contig, str(start + 1), plan.strand, site] + [
                    f"{p[kind, position]:.3f}" for p in read
                ]


def measure_variants(
    alleles: Sequence[Allele],
    contigs: dict[str, str],
    placed: Sequence[Placed],
    teachers: Sequence[Teacher],
) -> Iterator[list[str]]:
    """Delta score and position of every designed effect."""
    names = [f"{what}_{teacher.context}nt" for teacher in teachers for what in ("ds", "dp")]
    yield ["contig", "position", "ref", "alt", "gene", "effect", *names]
    by_name = {item.gene.plan.name: item for item in placed}
    for allele in alleles:
        row = [allele.contig, str(allele.position), allele.ref, allele.alt, allele.gene]
        row.append(allele.effect)
        for teacher in teachers:
            ds, dp = effect_of(allele, contigs, by_name[allele.gene], teacher)
            column = EFFECT_COLUMN[allele.effect]
            row += [f"{ds[column]:.3f}", str(dp[column])]
        yield row


# --- writing -----------------------------------------------------------------------------


def write_cohort(
    output: Path, seed: int, genes: Sequence[DesignedGene], teachers: Sequence[Teacher]
) -> None:
    """All files of the example from the designed genes."""
    output.mkdir(parents=True, exist_ok=True)
    contigs, placed = lay_out(np.random.default_rng([seed, 100]), genes)
    designed = [
        on_genome(contigs, item, edit)
        for item in placed
        for edit in [*item.gene.gains, *breaks(item.gene, 4 * item.number)]
    ]
    designed.sort(key=lambda allele: (allele.contig, allele.position, allele.alt))
    rng = np.random.default_rng([seed, 101])
    finished = soften(rng, contigs, placed)
    others = list(bystanders(rng, contigs, finished, placed))
    odd = unusual(contigs, placed)

    fasta = output / "genome.fa"
    with fasta.open("w") as handle:
        for name, bases in finished.items():
            handle.write(f">{name} synthetic sequence of the spliceflow example\n")
            handle.writelines(f"{bases[i : i + 80]}\n" for i in range(0, len(bases), 80))
    pysam.tabix_compress(str(fasta), f"{fasta}.gz", force=True)
    fasta.unlink()
    pysam.faidx(f"{fasta}.gz")
    gtf = output / "genes.gtf"
    gtf.write_text("\n".join(gtf_lines(placed)) + "\n")
    pysam.tabix_compress(str(gtf), f"{gtf}.gz", force=True)
    gtf.unlink()

    dealt = deal(rng, [*designed, *others])
    for cohort in FILES:
        lines = vcf_text(rng, cohort, [*dealt[cohort.name], *odd[cohort.name]])
        text = "\n".join(lines) + "\n"
        plain = output / f"{cohort.name}.vcf"
        plain.write_text(text)
        if cohort.file.endswith(".gz"):
            pysam.tabix_compress(str(plain), f"{plain}.gz", force=True)
            plain.unlink()
    pysam.tabix_index(str(output / "family.vcf.gz"), preset="vcf", force=True)
    rows = "".join(f"{cohort.name},{cohort.file}\n" for cohort in FILES)
    (output / "samplesheet.csv").write_text("sample,vcf\n" + rows)

    for name, table in (
        ("splice_sites.tsv", measure_sites(placed, teachers)),
        ("designed_variants.tsv", measure_variants(designed, contigs, placed, teachers)),
    ):
        with (output / name).open("w", newline="") as handle:
            csv.writer(handle, delimiter="\t", lineterminator="\n").writerows(table)


def main() -> None:
    """Design the genes, lay out the genome, deal the variants, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, required=True, help="OpenSpliceAI-MANE's models")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--jobs", type=int, default=2, help="genes designed at a time")
    parser.add_argument(
        "--output-dir",
        type=Path,
        default=Path(__file__).resolve().parents[1] / "assets" / "example",
    )
    arguments = parser.parse_args()
    with ProcessPoolExecutor(arguments.jobs) as pool:
        work = [
            pool.submit(design_group, arguments.weights, arguments.seed, group)
            for group in groups()
        ]
        genes = [gene for done in work for gene in done.result()]
    small, large = Teacher(arguments.weights, 400), Teacher(arguments.weights, 10_000)
    write_cohort(arguments.output_dir, arguments.seed, genes, (large, small))


if __name__ == "__main__":
    run_entrypoint(main)
