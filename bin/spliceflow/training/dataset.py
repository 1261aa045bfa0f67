"""From genes to training, validation and test splits: what goes where, and what stays out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spliceflow.errors import InputError
from spliceflow.genome.fasta import UNKNOWN, Genome, reverse_complement
from spliceflow.genome.genes import Gene
from spliceflow.genome.splice_sites import splice_sites
from spliceflow.training.sequences import gene_sequence
from spliceflow.training.shards import TaughtSequence

SPLIT_METHODS = ("genes", "contigs", "human", "none")
SPLITS = ("train", "validation", "test")
HUMAN_TEST = frozenset({"1", "3", "5", "7", "9"})
"""Chromosomes that SpliceAI and OpenSpliceAI keep for the test."""

_LETTERS = np.frombuffer(b"ACGTN", np.uint8)


@dataclass(frozen=True)
class SplitSettings:
    """How genes are divided.

    Attributes:
        method: ``genes`` draws genes (those that overlap together), ``contigs`` whole contigs,
            ``human`` takes chromosomes 1, 3, 5, 7 and 9 for the test; ``none`` puts everything
            into the test, to evaluate on an annotation.
        test_share: share of the bases for the test (``genes`` and ``contigs``).
        validation_share: share of the rest for validation, drawn by genes.
        keep_intronless: whether genes without an intron teach too.
        remove_paralogs: whether test genes like a gene of training or validation are left out.
        min_identity: of an alignment, matches by aligned columns, to count as a paralog.
        min_coverage: share of the test gene's exonic bases that is aligned to one other gene.
        max_unknown: share of N above which a gene is left out.
        seed: of the draw.
    """

    method: str = "genes"
    test_share: float = 0.2
    validation_share: float = 0.1
    keep_intronless: bool = False
    remove_paralogs: bool = True
    min_identity: float = 0.8
    min_coverage: float = 0.5
    max_unknown: float = 0.5
    seed: int = 42

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            InputError: a value is out of its range.
        """
        if self.method not in SPLIT_METHODS:
            raise InputError(f"split {self.method!r} is not one of {', '.join(SPLIT_METHODS)}.")
        for name in ("test_share", "validation_share"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)} is not at least 0 and below 1.")


@dataclass(frozen=True)
class GeneModel:
    """A gene with the transcripts whose sites count as its labels.

    ``transcripts[0]`` spans the gene: its ends are the outermost of all transcripts.
    """

    transcripts: tuple[Gene, ...]

    @property
    def gene(self) -> Gene:
        """Transcript that gives name, contig, strand and ends."""
        return self.transcripts[0]


@dataclass(frozen=True)
class LeftOut:
    """A gene that is in no split, and why."""

    name: str
    contig: str
    reason: str


@dataclass(frozen=True)
class Division:
    """Genes by split, in the order of the genome, and what was left out."""

    splits: dict[str, list[GeneModel]]
    left_out: list[LeftOut]


def gene_models(genes: Sequence[Gene]) -> list[GeneModel]:
    """Join the transcripts of each gene (same identifier, contig and strand)."""
    by_gene: dict[tuple[str, str, str], list[Gene]] = {}
    for gene in genes:
        by_gene.setdefault((gene.gene_id, gene.contig, gene.strand), []).append(gene)
    models = []
    for transcripts in by_gene.values():
        start = min(transcript.tx_start for transcript in transcripts)
        end = max(transcript.tx_end for transcript in transcripts)
        first = transcripts[0]
        spanning = Gene(
            first.name,
            first.gene_id,
            first.transcript_id,
            first.contig,
            first.strand,
            start,
            end,
            first.exon_starts,
            first.exon_ends,
            first.biotype,
        )
        models.append(GeneModel((spanning, *transcripts[1:])))
    return models


def divide(models: Sequence[GeneModel], genome: Genome, settings: SplitSettings) -> Division:
    """Put every gene into one split or leave it out.

    Raises:
        InputError: no gene can be used, or a split that was asked for would be empty.
    """
    usable: list[GeneModel] = []
    left_out: list[LeftOut] = []
    for model in models:
        reason = _unusable(model, genome, settings)
        if reason:
            left_out.append(LeftOut(model.gene.name, model.gene.contig, reason))
        else:
            usable.append(model)
    if not usable:
        raise InputError(
            "no gene can be used for the dataset; check that the annotation and the FASTA belong "
            "together and that its genes have introns (or keep intronless ones)."
        )
    groups = _overlapping(usable)
    rng = np.random.default_rng(settings.seed)
    in_test = _test_groups(groups, genome, settings, rng)
    rest = [group for group, test in zip(groups, in_test, strict=True) if not test]
    in_validation = _draw(rest, settings.validation_share, rng)
    splits: dict[str, list[GeneModel]] = {
        "train": _members(rest, in_validation, False),
        "validation": _members(rest, in_validation, True),
        "test": _members(groups, in_test, True),
    }
    if settings.remove_paralogs and splits["test"] and splits["train"]:
        known = splits["train"] + splits["validation"]
        paralogs = _paralogs(splits["test"], known, genome, settings)
        left_out += [
            LeftOut(model.gene.name, model.gene.contig, f"paralog_of_{paralogs[index]}")
            for index, model in enumerate(splits["test"])
            if index in paralogs
        ]
        splits["test"] = [
            model for index, model in enumerate(splits["test"]) if index not in paralogs
        ]
    _check(splits, settings)
    return Division(splits, left_out)


def taught_sequences(
    models: Sequence[GeneModel], genome: Genome, seed: int
) -> Iterator[TaughtSequence]:
    """Genes with hard targets, in random order, so that every shard is a mixture."""
    for index in np.random.default_rng(seed).permutation(len(models)):
        model = models[index]
        sequence = gene_sequence(genome, model.gene, model.transcripts[1:])
        yield TaughtSequence(
            sequence.name,
            sequence.contig,
            sequence.codes,
            (sequence.labels == 1).astype(np.float16),
            (sequence.labels == 2).astype(np.float16),
            np.ones(sequence.labels.size, np.float16),
        )


def _unusable(model: GeneModel, genome: Genome, settings: SplitSettings) -> str:
    gene = model.gene
    if gene.contig not in genome.contigs or gene.tx_start >= genome.contigs[gene.contig]:
        return "no_sequence"
    has_intron = any(splice_sites(transcript)[0][0].size for transcript in model.transcripts)
    if not settings.keep_intronless and not has_intron:
        return "no_intron"
    codes = genome.codes(gene.contig, gene.tx_start, gene.tx_end)
    if (codes >= UNKNOWN).mean() > settings.max_unknown:
        return "mostly_unknown_bases"
    return ""


def _overlapping(models: Sequence[GeneModel]) -> list[list[GeneModel]]:
    groups: list[list[GeneModel]] = []
    contig, end = None, 0
    for model in sorted(models, key=lambda model: (model.gene.contig, model.gene.tx_start)):
        if model.gene.contig != contig or model.gene.tx_start >= end:
            groups.append([])
            contig, end = model.gene.contig, 0
        groups[-1].append(model)
        end = max(end, model.gene.tx_end)
    return groups


def _test_groups(
    groups: Sequence[list[GeneModel]],
    genome: Genome,
    settings: SplitSettings,
    rng: np.random.Generator,
) -> np.ndarray:
    if settings.method == "none":
        return np.ones(len(groups), bool)
    if settings.method == "human":
        test = [group[0].gene.contig.removeprefix("chr") in HUMAN_TEST for group in groups]
        return np.array(test)
    if settings.method == "genes":
        return _draw(groups, settings.test_share, rng)
    by_contig: dict[str, list[GeneModel]] = {}
    for group in groups:
        by_contig.setdefault(group[0].gene.contig, []).extend(group)
    contigs = list(by_contig)
    chosen = _draw([by_contig[contig] for contig in contigs], settings.test_share, rng)
    test_contigs = {contig for contig, test in zip(contigs, chosen, strict=True) if test}
    return np.array([group[0].gene.contig in test_contigs for group in groups])


def _draw(groups: Sequence[list[GeneModel]], share: float, rng: np.random.Generator) -> np.ndarray:
    """Draw groups until they hold ``share`` of the bases; never all of them."""
    chosen = np.zeros(len(groups), bool)
    sizes = [sum(m.gene.tx_end - m.gene.tx_start for m in group) for group in groups]
    wanted, taken = share * sum(sizes), 0
    for index in rng.permutation(len(groups)):
        if taken >= wanted or chosen.sum() + 1 >= len(groups):
            break
        # A group that overshoots by more than stopping falls short is passed over.
        if taken and taken + sizes[index] - wanted > wanted - taken:
            continue
        chosen[index] = True
        taken += sizes[index]
    return chosen


def _members(
    groups: Sequence[list[GeneModel]], chosen: np.ndarray, wanted: bool
) -> list[GeneModel]:
    return [
        model
        for group, one in zip(groups, chosen, strict=True)
        if bool(one) == wanted
        for model in group
    ]


def _check(splits: dict[str, list[GeneModel]], settings: SplitSettings) -> None:
    needed = {
        "train": settings.method != "none",
        "validation": settings.method != "none" and settings.validation_share > 0,
        "test": settings.method in ("human", "none") or settings.test_share > 0,
    }
    for split, is_needed in needed.items():
        if is_needed and not splits[split]:
            raise InputError(
                f"the {split} split would be empty ({settings.method} split); choose another "
                "split method or other shares, or give more genes."
            )


def spliced(gene: Gene, genome: Genome) -> str:
    """Exonic bases of a transcript in its direction."""
    codes = np.concatenate(
        [
            genome.codes(gene.contig, start, end)
            for start, end in zip(gene.exon_starts, gene.exon_ends, strict=True)
        ]
    )
    if gene.strand == "-":
        codes = reverse_complement(codes)
    return _LETTERS[codes].tobytes().decode()


def _paralogs(
    tested: Sequence[GeneModel],
    known: Sequence[GeneModel],
    genome: Genome,
    settings: SplitSettings,
) -> dict[int, str]:
    """Index in ``tested`` → name of the gene in ``known`` that it is like."""
    import mappy

    found: dict[int, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "known.fa"
        with path.open("w") as out:
            for index, model in enumerate(known):
                out.write(f">{index}\n{spliced(model.gene, genome)}\n")
        # Short words, because paralogs of 80 % identity share few long ones.
        aligner = mappy.Aligner(str(path), k=11, w=5, n_threads=1)
        if not aligner:
            raise InputError("the exons of the training genes can't be indexed by minimap2.")
        for index, model in enumerate(tested):
            query = spliced(model.gene, genome)
            covered: dict[str, int] = {}
            for hit in aligner.map(query):
                if hit.mlen >= settings.min_identity * hit.blen:
                    covered[hit.ctg] = covered.get(hit.ctg, 0) + hit.q_en - hit.q_st
            for other, bases in covered.items():
                if bases >= settings.min_coverage * len(query):
                    found[index] = known[int(other)].gene.name
    return found
