"""Genes that are kept from a student, so that it can be compared with its teacher on them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from spliceflow.genome.genes import Gene


def is_held_out(names: Sequence[str], one_in: int = 5) -> bool:
    """Whether a group of genes is kept from the student, by the hash of its first name.

    Genes that overlap or are neighbours form a group and are kept or taught together. Paralogs are
    not looked for: a held-out gene can have one among the taught.
    """
    digest = hashlib.sha256(min(names).encode()).digest()
    return int.from_bytes(digest[:4], "big") % one_in == 0


def overlap_groups(genes: Sequence[Gene], gap: int = 10_000) -> list[list[Gene]]:
    """Genes of one contig that overlap or lie within ``gap`` bases of each other."""
    groups: list[list[Gene]] = []
    end, contig = 0, None
    for gene in sorted(genes, key=lambda gene: (gene.contig, gene.tx_start)):
        if gene.contig != contig or gene.tx_start > end + gap:
            groups.append([])
            contig, end = gene.contig, 0
        groups[-1].append(gene)
        end = max(end, gene.tx_end)
    return groups


def held_out_names(genes: Sequence[Gene], one_in: int) -> set[str]:
    """Names of the genes that are kept from the student; all of them if ``one_in`` is 0."""
    return {
        gene.name
        for group in overlap_groups(genes)
        if not one_in or is_held_out([gene.name for gene in group], one_in)
        for gene in group
    }
