"""The training loop: epochs, validation, checkpoints, a log; the same for every way of teaching."""

from __future__ import annotations

import copy
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import torch

from spliceflow.atomic import atomic_path
from spliceflow.errors import InputError
from spliceflow.models.architecture import SpliceNetwork
from spliceflow.training import channels_last
from spliceflow.training.metrics import SiteCounts
from spliceflow.training.objectives import Objective
from spliceflow.training.records import LOG, EpochRecord, write_log
from spliceflow.training.shards import Batch, WindowSource

SCHEDULES = ("multistep", "cosine_restarts", "cosine")
PRECISIONS = ("fp32", "tf32", "bf16")
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class FitSettings:
    """How a network is trained.

    Attributes:
        epochs: at most this many.
        learning_rate: peak of AdamW.
        weight_decay: of AdamW.
        schedule: ``multistep`` halves the rate after epochs 6, 7, 8, 9 of every ten (scaled to
            ``epochs``); ``cosine_restarts`` falls to a hundredth and restarts every 5 epochs;
            ``cosine`` falls to a hundredth once over all epochs.
        warmup: share of the first epoch over which the rate rises from 0.
        patience: epochs without a better validation loss before stopping; None never stops early.
        averaging: decay a step of the moving average of the weights that is kept as the result;
            0 keeps the last weights themselves.
        freeze_statistics: leave the running mean and variance of batch norm as they are.
        gradient_norm: gradients are scaled down to this norm.
        precision: ``fp32``, ``tf32`` or ``bf16``; the last two act on GPUs only.
        keep_best: return the epoch of the best validation loss instead of the last.
        seed: of the initial weights; the order of the data has its own in ``WindowSource``.
    """

    epochs: int = 10
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    schedule: str = "multistep"
    warmup: float = 0.0
    patience: int | None = None
    averaging: float = 0.0
    freeze_statistics: bool = False
    gradient_norm: float = 1.0
    precision: str = "fp32"
    keep_best: bool = True
    seed: int = 42

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise InputError(f"schedule {self.schedule!r} is not one of {', '.join(SCHEDULES)}.")
        if self.precision not in PRECISIONS:
            raise InputError(f"precision {self.precision!r} is not one of {', '.join(PRECISIONS)}.")
        if self.epochs < 1:
            raise InputError("the number of epochs is below 1; give at least 1.")

    def rate_at(self, progress: float) -> float:
        """Learning rate at ``progress`` epochs from the start (a fraction inside an epoch)."""
        if self.warmup and progress < self.warmup:
            return self.learning_rate * progress / self.warmup
        low = self.learning_rate / 100
        if self.schedule == "multistep":
            milestones = (
                0.6 * self.epochs,
                0.7 * self.epochs,
                0.8 * self.epochs,
                0.9 * self.epochs,
            )
            return self.learning_rate * 0.5 ** sum(int(progress) >= m for m in milestones)
        period = 5.0 if self.schedule == "cosine_restarts" else float(self.epochs)
        phase = (progress % period) / period
        return low + (self.learning_rate - low) * (1 + math.cos(math.pi * phase)) / 2


def choose_device(name: str) -> torch.device:
    """``auto``, ``cpu`` or ``cuda`` → device.

    Raises:
        InputError: cuda was asked for and there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda was asked for but there is no usable GPU; use cpu or auto.")
    return torch.device(name)


def fit(
    network: SpliceNetwork,
    training: WindowSource,
    validation: WindowSource | None,
    objective: Objective,
    settings: FitSettings,
    output_dir: str | os.PathLike[str],
    *,
    device: torch.device | str = "cpu",
    trainable: Callable[[str], bool] = lambda name: True,
    report: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
) -> SpliceNetwork:
    """Train ``network`` in place and return it with the weights that are to be kept.

    After every epoch ``checkpoint.pt`` and ``log.csv`` in ``output_dir`` are replaced. A call that
    finds a checkpoint there goes on from it and ends with the same weights as one that was never
    interrupted (on a CPU with the same number of threads; on GPUs up to rounding).

    Args:
        network: its weights are the start; ignored where a checkpoint is found.
        training: windows to learn from.
        validation: windows for early stopping and the log; None keeps the last epoch.
        objective: loss.
        settings: how to train.
        output_dir: folder for checkpoint and log.
        device: where to compute; all visible GPUs are used if it is ``cuda``.
        trainable: says of a parameter's name whether it is taught.
        report: receives the progress lines.

    Raises:
        InputError: the checkpoint belongs to other settings, or a loss is not a number.
    """
    device = torch.device(device)
    output_dir = Path(output_dir)
    output_dir.mkdir(parents=True, exist_ok=True)
    _configure(settings, device)
    network.to(device)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(trainable(name))
    optimizer = torch.optim.AdamW(
        [parameter for parameter in network.parameters() if parameter.requires_grad],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )
    averaged = copy.deepcopy(network)
    best = copy.deepcopy(network.state_dict())
    records: list[EpochRecord] = []
    checkpoint = output_dir / CHECKPOINT
    if checkpoint.exists():
        best, records = _resume(checkpoint, settings, network, averaged, optimizer, device=device)
        # a call that was killed between the checkpoint and the log left an older log, or none
        write_log(output_dir / LOG, records)
        report(f"going on after epoch {len(records)} of {settings.epochs}")

    forward = _forward(network, settings, device)
    steps = training.batches_per_epoch()
    for epoch in range(len(records), settings.epochs):
        if _should_stop(records, settings):
            report(f"stopped early: no better validation loss in {settings.patience} epochs")
            break
        began = time.monotonic()
        network.train()
        if settings.freeze_statistics:
            _freeze_statistics(network)
        loss_sum = 0.0
        last_line = began
        for step, batch in enumerate(training.epoch(epoch)):
            rate = settings.rate_at(epoch + step / steps)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
            loss = objective(forward(_codes(batch, device)), *_targets(batch, device))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), settings.gradient_norm)
            optimizer.step()
            if settings.averaging:
                _average(averaged, network, settings.averaging, epoch * steps + step)
            loss_sum += loss.item()
            now = time.monotonic()
            if now - last_line > 15:
                last_line = now
                left = (now - began) / (step + 1) * (steps - step - 1)
                report(
                    f"epoch {epoch + 1}/{settings.epochs}  batch {step + 1}/{steps}  "
                    f"loss {loss_sum / (step + 1):.3e}  {left:.0f} s left"
                )
        _check_finite(loss_sum, epoch)
        kept = averaged if settings.averaging else network
        record = _validate(
            kept, validation, objective, settings, device, epoch, loss_sum / steps, began
        )
        if validation is not None:
            _check_finite(record.validation_loss, epoch)
        best_so_far = min((r.validation_loss for r in records), default=math.inf)
        if not settings.keep_best or validation is None or record.validation_loss < best_so_far:
            best = copy.deepcopy(kept.state_dict())
        records.append(record)
        _save(checkpoint, settings, network, averaged, optimizer, best, records)
        write_log(output_dir / LOG, records)
        report(
            f"epoch {epoch + 1}/{settings.epochs} done in {record.seconds:.0f} s: "
            f"training loss {record.train_loss:.3e}, validation loss {record.validation_loss:.3e}, "
            f"top-k acceptor {record.acceptor_top_k:.3f} donor {record.donor_top_k:.3f}"
        )
    network.load_state_dict(best)
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    return network.eval()


def predicted(
    network: SpliceNetwork, source: WindowSource, device: torch.device | str
) -> Iterator[tuple[Batch, torch.Tensor]]:
    """Batches in order with the network's logits (N, 3, L), without gradients."""
    network.eval()
    for batch in source.in_order():
        with torch.no_grad():
            encoded = channels_last.one_hot(_codes(batch, torch.device(device)))
            yield batch, channels_last.logits(network, encoded)


def _validate(
    network: SpliceNetwork,
    validation: WindowSource | None,
    objective: Objective,
    settings: FitSettings,
    device: torch.device,
    epoch: int,
    train_loss: float,
    began: float,
) -> EpochRecord:
    loss, weight = 0.0, 0.0
    counts = (SiteCounts(), SiteCounts())
    if validation is not None:
        for batch, output in predicted(network, validation, device):
            target, weights = _targets(batch, device)
            batch_weight = float(weights.sum())
            loss += float(objective(output, target, weights)) * batch_weight
            weight += batch_weight
            probability = torch.softmax(output.float(), 1).cpu().numpy()
            counted = batch.weight > 0
            for kind in (1, 2):
                counts[kind - 1].add(
                    probability[:, kind][counted], batch.target[:, kind][counted] >= 0.5
                )
    return EpochRecord(
        epoch=epoch + 1,
        learning_rate=settings.rate_at(epoch + 1 - 1e-9),
        train_loss=train_loss,
        validation_loss=loss / weight if weight else math.nan,
        acceptor_top_k=counts[0].top_k(),
        donor_top_k=counts[1].top_k(),
        acceptor_auprc=counts[0].auprc(),
        donor_auprc=counts[1].auprc(),
        seconds=time.monotonic() - began,
    )


def _check_finite(loss: float, epoch: int) -> None:
    """A loss that is not a number compares as no better than any: the start would be kept."""
    if not math.isfinite(loss):
        raise InputError(
            f"the loss of epoch {epoch + 1} is not a number; give a lower learning rate, or "
            "train in fp32."
        )


def _should_stop(records: list[EpochRecord], settings: FitSettings) -> bool:
    if settings.patience is None or not records:
        return False
    losses = [record.validation_loss for record in records]
    return len(losses) - 1 - losses.index(min(losses)) >= settings.patience


def _configure(settings: FitSettings, device: torch.device) -> None:
    if device.type == "cuda":
        allow = settings.precision != "fp32"
        torch.backends.cuda.matmul.allow_tf32 = allow
        torch.backends.cudnn.allow_tf32 = allow


def _autocast(settings: FitSettings, device: torch.device) -> torch.autocast:
    enabled = settings.precision == "bf16" and device.type == "cuda"
    return torch.autocast(device.type, torch.bfloat16, enabled=enabled)


class _FromCodes(torch.nn.Module):
    """The network on base codes, in the precision of the training.

    Autocast is entered in here: DataParallel calls modules in threads of its own, where the
    caller's choice of bfloat16 does not hold.
    """

    def __init__(self, network: SpliceNetwork, autocast: Callable[[], torch.autocast]) -> None:
        super().__init__()
        self.network = network
        self.autocast = autocast

    def forward(self, codes: torch.Tensor) -> torch.Tensor:
        with self.autocast():
            return channels_last.logits(self.network, channels_last.one_hot(codes))


def _forward(
    network: SpliceNetwork, settings: FitSettings, device: torch.device
) -> torch.nn.Module:
    module = _FromCodes(network, partial(_autocast, settings, device))
    if device.type == "cuda" and torch.cuda.device_count() > 1:
        return torch.nn.DataParallel(module)
    return module


def _codes(batch: Batch, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(batch.codes).to(device)


def _targets(batch: Batch, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(batch.target).to(device), torch.from_numpy(batch.weight).to(device)


def _freeze_statistics(network: SpliceNetwork) -> None:
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.eval()


@torch.no_grad()
def _average(averaged: SpliceNetwork, network: SpliceNetwork, decay: float, step: int) -> None:
    # Early steps count less far back, or the start would weigh on a short training.
    decay = min(decay, (1 + step) / (10 + step))
    for mean, value in zip(averaged.parameters(), network.parameters(), strict=True):
        mean.lerp_(value, 1 - decay)
    for mean, value in zip(averaged.buffers(), network.buffers(), strict=True):
        mean.copy_(value)


def _save(
    path: Path,
    settings: FitSettings,
    network: SpliceNetwork,
    averaged: SpliceNetwork,
    optimizer: torch.optim.Optimizer,
    best: dict[str, torch.Tensor],
    records: list[EpochRecord],
) -> None:
    with atomic_path(path) as temporary:
        torch.save(
            {
                "settings": asdict(settings),
                "network": network.state_dict(),
                "averaged": averaged.state_dict(),
                "optimizer": optimizer.state_dict(),
                "best": best,
                "records": [asdict(record) for record in records],
            },
            temporary,
        )


def _resume(
    path: Path,
    settings: FitSettings,
    network: SpliceNetwork,
    averaged: SpliceNetwork,
    optimizer: torch.optim.Optimizer,
    *,
    device: torch.device,
) -> tuple[dict[str, torch.Tensor], list[EpochRecord]]:
    saved = torch.load(path, map_location=device, weights_only=True)
    if saved["settings"] != asdict(settings):
        different = [
            f.name
            for f in fields(settings)
            if saved["settings"].get(f.name) != getattr(settings, f.name)
        ]
        raise InputError(
            f"{path} is of a training with other settings ({', '.join(different)}); give another "
            "output folder or remove it."
        )
    network.load_state_dict(saved["network"])
    averaged.load_state_dict(saved["averaged"])
    optimizer.load_state_dict(saved["optimizer"])
    return saved["best"], [EpochRecord(**record) for record in saved["records"]]
