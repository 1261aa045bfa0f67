"""Scores of saturation mutagenesis as heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spliceflow.variants.mutagenesis import BASES


@dataclass(frozen=True)
class HeatMap:
    """Signed delta scores of one gene.

    Attributes:
        gene: symbol.
        strand: ``+`` or ``-``.
        positions: int64 (bases,), 1-based, ascending.
        reference: the base at each position, on the forward strand.
        values: float32 (4, bases): rows A, C, G, T on the forward strand; the delta score of
            largest size, gains positive and losses negative; nan for the reference base.
    """

    gene: str
    strand: str
    positions: np.ndarray
    reference: str
    values: np.ndarray


def heat_maps(rows: Sequence[dict]) -> list[HeatMap]:
    """One heat map a gene from scored rows of the scores table."""
    by_gene: dict[tuple[str, str], list[dict]] = {}
    for row in rows:
        if row["status"] == "scored":
            by_gene.setdefault((row["gene"], row["strand"]), []).append(row)
    maps = []
    for (gene, strand), scored in by_gene.items():
        reference = {row["pos"]: row["ref"] for row in scored}
        positions = np.array(sorted(reference), np.int64)
        column = {int(position): index for index, position in enumerate(positions)}
        values = np.full((len(BASES), positions.size), np.nan, np.float32)
        for row in scored:
            gain, loss = max(row["ds_ag"], row["ds_dg"]), max(row["ds_al"], row["ds_dl"])
            values[BASES.index(row["alt"]), column[row["pos"]]] = gain if gain > loss else -loss
        letters = "".join(reference[int(position)] for position in positions)
        maps.append(HeatMap(gene, strand, positions, letters, values))
    return maps
