#!/usr/bin/env python3
"""Put what was measured into a trained bundle, and write its model card and training page.

Takes the bundle as exported, the calibration, the evaluation on the test split, and log, run and
manifest files of the training. Writes the final bundle (temperature, metrics, provenance,
``MODEL_CARD.md``) and ``training.html`` (curves, reliability, table).
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from dataclasses import replace
from pathlib import Path

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError, run_entrypoint
from spliceflow.models.bundle import Bundle
from spliceflow.report.training_page import training_page
from spliceflow.training.calibration import (
    Calibration,
    CalibrationMetrics,
    ReliabilityBin,
)
from spliceflow.training.evaluation import SiteMetrics
from spliceflow.training.model_card import (
    CLINICAL_NOTE,
    calibration_metrics,
    evaluation_metrics,
    redescribe,
)
from spliceflow.training.records import read_log


def main() -> None:
    """Parse the command line and write bundle and page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", required=True, help="as exported")
    parser.add_argument("--calibration", type=Path, help="JSON of calibrate_model.py")
    parser.add_argument("--evaluation", type=Path, nargs="*", default=[], help="CSV")
    parser.add_argument("--logs", type=Path, nargs="*", default=[], help="log.csv of each member")
    parser.add_argument("--runs", type=Path, nargs="*", default=[], help="run.json of each member")
    parser.add_argument("--manifests", type=Path, nargs="*", default=[], help="of the datasets")
    parser.add_argument("--agreement", type=Path, help="JSON of compare_models.py")
    parser.add_argument("--provenance", default="", help="a sentence that goes before the facts")
    parser.add_argument("--species", default="")
    parser.add_argument("--assembly", default="")
    parser.add_argument("--licence", default="")
    parser.add_argument("--note", action="append", default=[], help="a sentence for the user")
    parser.add_argument("--output", required=True, type=Path, help="bundle")
    parser.add_argument("--page", type=Path, help="training.html")
    arguments = parser.parse_args()

    bundle = Bundle.load(arguments.bundle)
    evaluation = [row for path in arguments.evaluation for row in _evaluation(path)]
    calibration = _calibration(arguments.calibration) if arguments.calibration else None
    agreement = json.loads(arguments.agreement.read_text()) if arguments.agreement else None
    manifests = [json.loads(path.read_text()) for path in arguments.manifests]
    metrics = evaluation_metrics([row for row in evaluation if row.model == bundle.card.name])
    if calibration:
        metrics |= calibration_metrics(calibration)
    if agreement:
        metrics |= _agreement_metrics(agreement)
    # What a small test set can't tell, such as a correlation of two constants, is left out.
    metrics = {name: value for name, value in metrics.items() if math.isfinite(value)}
    card = replace(
        bundle.card,
        temperature=calibration.temperature if calibration else bundle.card.temperature,
        species=arguments.species or bundle.card.species,
        assembly=arguments.assembly or bundle.card.assembly,
        licence=arguments.licence or bundle.card.licence,
        provenance=" ".join(
            part for part in (arguments.provenance, *map(_taught_on, manifests)) if part
        )
        or bundle.card.provenance,
        notes=(*bundle.card.notes, *arguments.note, CLINICAL_NOTE),
        metrics=metrics,
    )
    final = redescribe(bundle, card, arguments.output)
    if arguments.page:
        runs = [json.loads(path.read_text()) for path in arguments.runs]
        labels = [f"seed {run['seed']}" for run in runs]
        logs = dict(zip(labels, map(read_log, arguments.logs), strict=True))
        page = training_page(final, logs, calibration, evaluation, agreement, manifests)
        with atomic_path(arguments.page) as temporary:
            temporary.write_text(page, encoding="utf-8")


def _taught_on(manifest: dict) -> str:
    if "train" not in manifest:
        return ""
    train, test = manifest["train"], manifest["test"]
    return (
        f"Taught on {train['genes']} genes of {manifest['name']} ({train['bases']} bases, "
        f"{train['acceptors']} acceptors, {train['donors']} donors; "
        f"{manifest['settings']['method']} split), tested on {test['genes']} others."
    )


def _evaluation(path: Path) -> list[SiteMetrics]:
    texts, counts = ("model", "contig", "site"), ("bases", "sites")
    try:
        with path.open(newline="") as lines:
            return [
                SiteMetrics(
                    **{
                        key: value
                        if key in texts
                        else int(value)
                        if key in counts
                        else float(value)
                        for key, value in row.items()
                    }
                )
                for row in csv.DictReader(lines)
            ]
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{path} is not an evaluation; make it with evaluate_model.py.") from error


def _calibration(path: Path) -> Calibration:
    try:
        content = json.loads(path.read_text())
        for key in ("before", "after"):
            content[key] = CalibrationMetrics(**content[key])
        for key in ("reliability_before", "reliability_after"):
            content[key] = [ReliabilityBin(**one) for one in content[key]]
        return Calibration(**content)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{path} is not a calibration; make it with calibrate_model.py."
        ) from error


def _agreement_metrics(agreement: dict) -> dict[str, float]:
    found = agreement["all"]
    metrics = {
        "held_out_alleles": found["alleles"],
        "held_out_delta_spearman": round(found["spearman"], 4),
    }
    for index, threshold in enumerate(found["thresholds"]):
        metrics[f"held_out_recall_at_ds_{threshold}"] = round(found["recall"][index], 4)
        metrics[f"held_out_precision_at_ds_{threshold}"] = round(found["precision"][index], 4)
    return metrics


if __name__ == "__main__":
    run_entrypoint(main)
