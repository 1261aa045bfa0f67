"""The last step of a training: what was measured goes into the bundle and onto its model card."""

from __future__ import annotations

import json
import math
import os
import shutil
from dataclasses import asdict

from spliceflow.atomic import atomic_path
from spliceflow.models.bundle import DESCRIPTION, Bundle, BundleCard
from spliceflow.training.calibration import Calibration
from spliceflow.training.evaluation import EVERYTHING, SiteMetrics

CARD_FILE = "MODEL_CARD.md"

CLINICAL_NOTE = (
    "Not validated for clinical use: confirm every finding with a full published ensemble."
)


def evaluation_metrics(rows: list[SiteMetrics], prefix: str = "test") -> dict[str, float]:
    """Numbers of the line over all contigs, by the name they have in a bundle's card."""
    metrics: dict[str, float] = {}
    for row in rows:
        if row.contig == EVERYTHING and row.site != "both":
            for name in ("auprc", "top_k_1", "precision", "recall", "f1"):
                value = getattr(row, name)
                if not math.isnan(value):
                    metrics[f"{prefix}_{name}_{row.site}"] = round(value, 4)
    return metrics


def calibration_metrics(calibration: Calibration) -> dict[str, float]:
    """Numbers before and after calibration, by the name they have in a bundle's card."""
    metrics = {}
    for when, values in (("before", calibration.before), ("after", calibration.after)):
        for name, value in asdict(values).items():
            if not math.isnan(value):
                metrics[f"validation_{name}_{when}_calibration"] = float(f"{value:.4g}")
    return metrics


def redescribe(bundle: Bundle, card: BundleCard, path: str | os.PathLike[str]) -> Bundle:
    """Copy a bundle with another card and write its model card beside the description."""
    with atomic_path(path) as partial:
        partial.mkdir()
        for name in bundle.files:
            shutil.copyfile(bundle.path / name, partial / name)
        content = json.loads((bundle.path / DESCRIPTION).read_text(encoding="utf-8"))
        content |= asdict(card)
        (partial / DESCRIPTION).write_text(
            json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        (partial / CARD_FILE).write_text(model_card(card, bundle), encoding="utf-8")
    return Bundle.load(path)


def model_card(card: BundleCard, bundle: Bundle) -> str:
    """The card as Markdown: what it is, what it was taught on, how good it is, its limits."""
    members = len(bundle.members)
    rows = "".join(
        f"| {name.replace('_', ' ')} | {value:g} |\n" for name, value in card.metrics.items()
    )
    notes = "".join(f"- {note}\n" for note in card.notes)
    species = " ".join(part for part in (card.species, card.assembly) if part)
    return f"""# {card.name}

{members} network{"s" if members > 1 else ""} of the SpliceAI family; each reads {bundle.context}
bases around a base and gives the probabilities of neither, acceptor and donor.

| | |
|---|---|
| version | {card.version} |
| species | {species or "not stated"} |
| INFO key | {card.info_tag} |
| calibration temperature | {card.temperature:g} |
| licence | {card.licence or "not stated"} |

## Where it comes from
{card.provenance or "Not stated."}

{card.citation}

## How good it is
| measured | value |
|---|---|
{rows or "| nothing measured | |" + chr(10)}
## Before you use it
{notes or "- " + CLINICAL_NOTE + chr(10)}"""
