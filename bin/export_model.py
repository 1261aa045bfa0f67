#!/usr/bin/env python3
"""Turn trained weights into a model bundle: ONNX files and a description.

Weights are a bundle (checked and copied), a directory of OpenSpliceAI state dicts (.pt, .pth or
.safetensors), or a directory of SpliceAI .h5 files. The exported graphs are compared with PyTorch
before the bundle appears, or with NumPy where PyTorch is not installed. Prints one line of JSON:
name, fingerprint, members, context, and how the export compares and with what.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import asdict, fields, replace
from pathlib import Path

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError, run_entrypoint
from spliceflow.models.bundle import DESCRIPTION, Bundle, BundleCard
from spliceflow.models.export import export_bundle
from spliceflow.models.published import check_sums
from spliceflow.models.weights import read_weights


def main() -> None:
    """Parse the command line and export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, type=Path, help="bundle or weights directory")
    parser.add_argument("--output", required=True, type=Path, help="bundle directory to write")
    parser.add_argument("--name", help="name of the model [from the weights]")
    parser.add_argument("--info-tag", help="INFO key in annotated VCFs [from the weights]")
    parser.add_argument("--card", type=Path, help="JSON with further fields of the bundle's card")
    parser.add_argument(
        "--sha256", type=Path, help="file of 'SHA256  NAME' lines that the weights have to match"
    )
    arguments = parser.parse_args()
    if not arguments.weights.exists():
        raise InputError(f"model {arguments.weights} does not exist: check --model")
    if arguments.sha256:
        check_sums(arguments.weights, arguments.sha256)
    if (arguments.weights / DESCRIPTION).is_file():
        Bundle.load(arguments.weights)
        with atomic_path(arguments.output) as partial:
            shutil.copytree(arguments.weights, partial)
        bundle, check = Bundle.load(arguments.output), None
    else:
        weights = read_weights(arguments.weights)
        card = _card(weights.card, arguments)
        bundle, check = export_bundle(weights.members, weights.config, card, arguments.output)
    print(
        json.dumps(
            {
                "name": bundle.card.name,
                "fingerprint": bundle.fingerprint,
                "members": len(bundle.members),
                "context": bundle.context,
                "check": asdict(check) if check else None,
            }
        )
    )


def _card(card: BundleCard, arguments: argparse.Namespace) -> BundleCard:
    if arguments.card:
        try:
            values = json.loads(arguments.card.read_text(encoding="utf-8"))
            unknown = set(values) - {field.name for field in fields(BundleCard)}
        except (ValueError, TypeError, OSError) as error:
            raise InputError(f"{arguments.card} is not a JSON object: {error}") from error
        if unknown:
            raise InputError(f"{arguments.card} has unknown fields: {', '.join(sorted(unknown))}")
        card = replace(card, **values)
    if arguments.name:
        card = replace(card, name=arguments.name)
    if arguments.info_tag:
        card = replace(card, info_tag=arguments.info_tag)
    return card


if __name__ == "__main__":
    run_entrypoint(main)
