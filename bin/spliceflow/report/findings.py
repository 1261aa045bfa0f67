"""What a finished run has to tell: summaries and scores, read once, in small numbers.

Each part is optional, so that a report can be made of any run; a section that misses its part
stays out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from spliceflow.errors import InputError
from spliceflow.models.bundle import Bundle

EFFECTS = {
    "ag": "acceptor gain",
    "al": "acceptor loss",
    "dg": "donor gain",
    "dl": "donor loss",
}
"""Suffix of the ds_/dp_ columns → the effect's name."""

HISTOGRAM_EDGES = np.round(np.linspace(0.0, 1.0, 101), 2)
"""Edges of the delta-score bins, 0.01 wide; the last bin holds 1.0 too."""

TOP_VARIANTS = 100
"""Rows of the table of top variants."""

SHOWN_DELTA = 0.05
"""Smallest delta score that is shown as a point."""

SHOWN_POINTS = 2_000
"""Points shown at most, the highest scores first."""

Summary = Mapping[str, Any]


@dataclass(frozen=True)
class Effect:
    """The largest effect of one allele on one gene.

    Attributes:
        contig: named as in the FASTA.
        pos: 1-based position of REF.
        kind: key of ``EFFECTS``.
        ds: its delta score, 0 to 1.
        dp: bases from ``pos`` to the site, in genome direction.
        all_ds: delta scores of all four kinds, in the order of ``EFFECTS``.
    """

    contig: str
    pos: int
    ref: str
    alt: str
    gene: str
    strand: str
    kind: str
    ds: float
    dp: int
    all_ds: tuple[float, float, float, float]


@dataclass(frozen=True)
class ScoreDigest:
    """The scores table in small numbers.

    Attributes:
        pairs: scored allele × gene pairs.
        histograms: by effect, counts of pairs in the bins of ``HISTOGRAM_EDGES``.
        largest: the same for the largest of the four scores of a pair.
        top: the pairs with the largest scores, highest first.
        genes: by gene symbol, pairs whose largest score is at least 0.5.
    """

    pairs: int
    histograms: dict[str, np.ndarray]
    largest: np.ndarray
    top: tuple[Effect, ...]
    genes: dict[str, int]

    def at_least(self, threshold: float) -> int:
        """Pairs whose largest score is ``threshold`` (a multiple of 0.01) or more."""
        return int(self.largest[round(threshold * 100) :].sum())


@dataclass(frozen=True)
class Findings:
    """Everything a report can be made of.

    Attributes:
        scores: digest of ``scores.parquet``.
        genes: summary of PREPARE_GENES.
        variants: summary of SHARD_VARIANTS.
        annotated: summaries of ANNOTATE_VCF, one a file.
        runs: summaries of SCORE_VARIANTS, one a shard.
        bundle: the model.
        params: the pipeline's parameters.
        versions: software → version, by process.
    """

    scores: ScoreDigest | None = None
    genes: Summary | None = None
    variants: Summary | None = None
    annotated: tuple[Summary, ...] = ()
    runs: tuple[Summary, ...] = ()
    bundle: Bundle | None = None
    params: Summary | None = None
    versions: dict[str, dict[str, str]] = field(default_factory=dict)


def read_summary(path: Path) -> Summary:
    """A JSON object written by an entrypoint.

    Raises:
        InputError: not readable, or not an object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read as a summary ({error}): run its step again") from (
            error
        )
    if not isinstance(content, dict):
        raise InputError(f"{path} is not a JSON object: run the step that made it again")
    return content


def digest_scores(path: Path) -> ScoreDigest:
    """Read ``scores.parquet`` in batches and keep the small numbers.

    Raises:
        InputError: the file is no scores table.
    """
    names = [f"{what}_{kind}" for what in ("ds", "dp") for kind in EFFECTS]
    columns = ["contig", "pos", "ref", "alt", "gene", "strand", "status", *names]
    bins = len(HISTOGRAM_EDGES) - 1
    histograms = {kind: np.zeros(bins, dtype=np.int64) for kind in EFFECTS}
    largest = np.zeros(bins, dtype=np.int64)
    pairs = 0
    genes: dict[str, int] = {}
    top: list[Effect] = []
    try:
        batches = pq.ParquetFile(path).iter_batches(columns=columns)
        for batch in batches:
            scored = batch.filter(pc.is_valid(batch["ds_ag"]))
            if not scored.num_rows:
                continue
            pairs += scored.num_rows
            ds = np.stack([scored[f"ds_{kind}"].to_numpy() for kind in EFFECTS])
            for kind, values in zip(EFFECTS, ds, strict=True):
                histograms[kind] += _histogram(values)
            best = ds.max(axis=0)
            largest += _histogram(best)
            for symbol in scored["gene"].take(pa.array(np.flatnonzero(best >= 0.5))).to_pylist():
                genes[symbol] = genes.get(symbol, 0) + 1
            top = _merge_top(top, _effects(scored, ds, best))
    except (OSError, pa.ArrowException, KeyError) as error:
        raise InputError(f"{path} can't be read as a scores table ({error})") from error
    genes = dict(sorted(genes.items(), key=lambda item: (-item[1], item[0])))
    return ScoreDigest(pairs, histograms, largest, tuple(top), genes)


def _histogram(values: np.ndarray) -> np.ndarray:
    # Rounding first: float32 0.2 lies just above, 0.7 just below its edge.
    hundredths = np.floor(np.round(values.astype(np.float64), 6) * 100 + 1e-9).astype(np.int64)
    bins = len(HISTOGRAM_EDGES) - 1
    return np.bincount(np.clip(hundredths, 0, bins - 1), minlength=bins)


def _effects(scored: pa.RecordBatch, ds: np.ndarray, best: np.ndarray) -> list[Effect]:
    keep = np.flatnonzero(best >= SHOWN_DELTA)
    keep = keep[np.argsort(-best[keep], kind="stable")][:SHOWN_POINTS]
    kinds = list(EFFECTS)
    effects = []
    for row, values in zip(scored.take(pa.array(keep)).to_pylist(), ds[:, keep].T, strict=True):
        kind = kinds[int(values.argmax())]
        effects.append(
            Effect(
                row["contig"],
                row["pos"],
                row["ref"],
                row["alt"],
                row["gene"],
                row["strand"],
                kind,
                float(values.max()),
                row[f"dp_{kind}"],
                tuple(float(value) for value in values),
            )
        )
    return effects


def _merge_top(first: list[Effect], second: list[Effect]) -> list[Effect]:
    def rank(effect: Effect) -> tuple[float, str, int, str, str]:
        return (-effect.ds, effect.contig, effect.pos, effect.alt, effect.gene)

    return sorted([*first, *second], key=rank)[:SHOWN_POINTS]


def parse_versions(path: Path) -> dict[str, dict[str, str]]:
    """Software → version, by process, from the ``versions.yml`` of a run.

    Raises:
        InputError: not YAML of that form.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return {
            str(process).rpartition(":")[2]: {str(tool): str(v) for tool, v in tools.items()}
            for process, tools in content.items()
        }
    except (OSError, yaml.YAMLError, AttributeError) as error:
        raise InputError(f"{path} can't be read as versions of software ({error})") from error
