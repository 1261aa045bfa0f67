#!/usr/bin/env python3
"""Train one network: from scratch, from given weights (transfer), or on a teacher's answers.

Writes weights.pt (a state dict with OpenSpliceAI's names), log.csv, run.json and checkpoint.pt
to the output folder. Run again with the same folder after an interruption, it goes on from the
last finished epoch and ends with the same weights.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from spliceflow.errors import InputError, run_entrypoint  # isort: split

import torch

from spliceflow.atomic import atomic_path
from spliceflow.models.architecture import SpliceNetwork
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.published import check_sums
from spliceflow.training.loop import PRECISIONS, SCHEDULES, FitSettings, choose_device, fit
from spliceflow.training.members import load_members
from spliceflow.training.objectives import Objective
from spliceflow.training.records import LOG, read_log
from spliceflow.training.shards import WindowSource, shard_paths
from spliceflow.training.transfer import trainable_names


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", required=True, nargs="+", help="folders with shards")
    parser.add_argument("--validation", nargs="*", default=[], help="folders with shards")
    parser.add_argument("--context", type=int, default=80, help="80, 400, 2000 or 10000 [80]")
    parser.add_argument("--channels", type=int, default=32)
    parser.add_argument("--initial-weights", help="weights to start from, or a folder of them")
    parser.add_argument(
        "--sha256", type=Path, help="file of 'SHA256  NAME' lines that these weights match"
    )
    parser.add_argument("--member", type=int, help="of the folder; default: seed modulo members")
    parser.add_argument("--unfreeze", default="all", help="all, or how many units from the end")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--schedule", choices=SCHEDULES, default="multistep")
    parser.add_argument("--warmup", type=float, default=0.0, metavar="EPOCHS")
    parser.add_argument("--patience", type=int, help="epochs; default: no early stopping")
    parser.add_argument("--loss", choices=("cross_entropy", "focal"), default="cross_entropy")
    parser.add_argument("--focal-gamma", type=float, default=2.0)
    parser.add_argument("--averaging", type=float, default=0.0, metavar="DECAY")
    parser.add_argument("--freeze-statistics", action="store_true", help="of batch norm")
    parser.add_argument("--batch-size", type=int, default=18, help="windows")
    parser.add_argument("--outputs", type=int, default=5_000, help="bases a window")
    parser.add_argument(
        "--sampled-share",
        type=float,
        help="sample this many bases a base, most around notable ones; default: all once",
    )
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 for all")
    parser.add_argument(
        "--checkpoints",
        type=Path,
        help="folder where checkpoints are found again by another call with the same inputs",
    )
    parser.add_argument("--output-dir", required=True, type=Path)
    arguments = parser.parse_args()

    began = time.monotonic()
    if arguments.sha256:
        if not arguments.initial_weights:
            raise InputError("--sha256 needs --initial-weights: the weights to check.")
        check_sums(Path(arguments.initial_weights), arguments.sha256)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    network = _network(arguments)
    patience = arguments.patience if arguments.validation else None
    settings = FitSettings(
        epochs=arguments.epochs,
        learning_rate=arguments.learning_rate,
        weight_decay=arguments.weight_decay,
        schedule=arguments.schedule,
        warmup=arguments.warmup,
        patience=patience,
        averaging=arguments.averaging,
        freeze_statistics=arguments.freeze_statistics,
        precision=arguments.precision,
        seed=arguments.seed,
    )
    context = network.config.context
    training = WindowSource(
        [path for folder in arguments.dataset for path in shard_paths(folder)],
        context,
        arguments.outputs,
        arguments.batch_size,
        arguments.seed,
        arguments.sampled_share,
    )
    validation = [path for folder in arguments.validation for path in shard_paths(folder)]
    state_dir = arguments.output_dir
    if arguments.checkpoints:
        state_dir = arguments.checkpoints / _fingerprint(
            network, training, validation, settings, arguments
        )
    fit(
        network,
        training,
        WindowSource(validation, context, arguments.outputs, arguments.batch_size)
        if validation
        else None,
        Objective(arguments.focal_gamma if arguments.loss == "focal" else 0.0),
        settings,
        state_dir,
        device=choose_device(arguments.device),
        trainable=trainable_names(network.config, arguments.unfreeze),
    )
    log = (state_dir / LOG).read_bytes()
    with atomic_path(arguments.output_dir / LOG) as temporary:
        temporary.write_bytes(log)
    with atomic_path(arguments.output_dir / "weights.pt") as temporary:
        torch.save(network.cpu().state_dict(), temporary)
    run = {
        "seed": arguments.seed,
        "context": context,
        "channels": network.config.channels,
        "epochs": len(read_log(arguments.output_dir / LOG)),
        "seconds": round(time.monotonic() - began, 1),
        "settings": asdict(settings),
    }
    with atomic_path(arguments.output_dir / "run.json") as temporary:
        temporary.write_text(json.dumps(run, indent=2) + "\n")


def _fingerprint(
    network: SpliceNetwork,
    training: WindowSource,
    validation: Sequence[Path],
    settings: FitSettings,
    arguments: argparse.Namespace,
) -> str:
    """Changes with everything that the trained weights depend on."""
    digest = hashlib.sha256(repr((settings, arguments.unfreeze, arguments.loss)).encode())
    digest.update(repr((arguments.focal_gamma, network.config)).encode())
    source = (training.outputs, training.batch_size, training.seed, training.sampled_share)
    digest.update(repr(source).encode())
    # the validation decides when to stop and what is kept
    for paths in (training.shards, validation):
        digest.update(repr(len(paths)).encode())
        for path in paths:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()[:16]


def _network(arguments: argparse.Namespace) -> SpliceNetwork:
    if not arguments.initial_weights:
        config = DilatedCnn.of_context(arguments.context, channels=arguments.channels)
        return SpliceNetwork(config)
    members = load_members(arguments.initial_weights)
    chosen = arguments.seed % len(members) if arguments.member is None else arguments.member
    if not 0 <= chosen < len(members):
        raise InputError(
            f"--member {chosen} is not one of the {len(members)} members (0 is the first)."
        )
    if members[chosen].config.context != arguments.context:
        raise InputError(
            f"the weights in {arguments.initial_weights} read a context of "
            f"{members[chosen].config.context} bases, not {arguments.context}; give the same."
        )
    return members[chosen]


if __name__ == "__main__":
    run_entrypoint(main)
