from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs PyTorch: run 'make setup-training'")
import torch

from spliceflow.errors import InputError
from spliceflow.models.architecture import SpliceNetwork
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.training import channels_last
from spliceflow.training.loop import FitSettings, _FromCodes, fit
from spliceflow.training.members import state_dict_of
from spliceflow.training.objectives import Objective
from spliceflow.training.records import read_log
from spliceflow.training.shards import TaughtSequence, WindowSource, write_shards
from spliceflow.training.transfer import trainable_names

ROOT = Path(__file__).parents[3]
TINY = DilatedCnn(kernel_widths=(5, 5), dilations=(1, 2), channels=8)


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    sequences = []
    for number in range(3):
        codes = rng.integers(0, 4, 400).astype(np.uint8)
        # A donor is the base before every GT: simple enough to be learnt in a few steps.
        donor = np.zeros(400, np.float16)
        donor[:-2] = (codes[1:-1] == 2) & (codes[2:] == 3)
        sequences.append(
            TaughtSequence(
                f"g{number}", "1", codes, np.zeros_like(donor), donor, np.ones_like(donor)
            )
        )
    return write_shards(sequences, tmp_path / "data", shard_bases=500)


def train(shards: list[Path], folder: Path, epochs: int = 3, **options) -> SpliceNetwork:
    torch.manual_seed(1)
    torch.set_num_threads(1)
    source = WindowSource(shards, TINY.context, 100, 4, seed=1)
    settings = FitSettings(epochs=epochs, learning_rate=0.02, **options)
    return fit(SpliceNetwork(TINY), source, source, Objective(), settings, folder, report=print)


def same(a: SpliceNetwork, b: SpliceNetwork) -> bool:
    first, second = state_dict_of(a), state_dict_of(b)
    return all(np.array_equal(first[name], second[name]) for name in first)


def test_channels_last_gives_the_numbers_of_the_network() -> None:
    torch.manual_seed(0)
    network = SpliceNetwork(TINY)
    encoded = channels_last.one_hot(torch.randint(0, 5, (2, 60), dtype=torch.uint8))
    for mode in (True, False):
        network.train(mode)
        with torch.no_grad():
            expected = network(encoded)
            actual = channels_last.logits(network, encoded)
        assert torch.allclose(expected, actual, atol=1e-5)


def test_tiles_give_the_numbers_of_one_pass() -> None:
    torch.manual_seed(0)
    network = SpliceNetwork(TINY).eval()
    codes = np.random.default_rng(1).integers(0, 5, 333).astype(np.uint8)
    whole = channels_last.ensemble_probabilities([network], codes, tile=1_000)
    tiled = channels_last.ensemble_probabilities([network], codes, tile=50)
    assert whole.shape == (3, 333)
    assert np.allclose(whole, tiled, atol=1e-6)
    assert np.allclose(whole.sum(0), 1, atol=1e-5)


def test_it_learns_and_logs_every_epoch(shards: list[Path], tmp_path: Path) -> None:
    train(shards, tmp_path / "run", epochs=6)
    records = read_log(tmp_path / "run" / "log.csv")
    assert [record.epoch for record in records] == [1, 2, 3, 4, 5, 6]
    assert records[-1].validation_loss < records[0].validation_loss / 2
    assert records[-1].donor_auprc > 0.9


def test_the_same_seed_gives_the_same_weights(shards: list[Path], tmp_path: Path) -> None:
    assert same(train(shards, tmp_path / "a"), train(shards, tmp_path / "b"))


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_resuming_gives_what_an_uninterrupted_training_gives(
    shards: list[Path], tmp_path: Path, averaging: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(shards, tmp_path / "whole", averaging=averaging)
    epoch = WindowSource.epoch

    def killed(self: WindowSource, number: int):
        for step, batch in enumerate(epoch(self, number)):
            if number == 2 and step == 1:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(WindowSource, "epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        train(shards, tmp_path / "killed", averaging=averaging)
    monkeypatch.setattr(WindowSource, "epoch", epoch)
    assert same(whole, train(shards, tmp_path / "killed", averaging=averaging))
    logs = [read_log(tmp_path / name / "log.csv") for name in ("whole", "killed")]
    for first, second in zip(*logs, strict=True):
        assert (first.train_loss, first.validation_loss) == (
            second.train_loss,
            second.validation_loss,
        )


def test_a_checkpoint_of_other_settings_is_refused(shards: list[Path], tmp_path: Path) -> None:
    train(shards, tmp_path / "run", epochs=1)
    with pytest.raises(InputError, match=r"other settings \(epochs\)"):
        train(shards, tmp_path / "run", epochs=2)


def test_early_stopping_ends_before_the_last_epoch(shards: list[Path], tmp_path: Path) -> None:
    train(shards, tmp_path / "run", epochs=40, patience=1, weight_decay=0.0)
    assert len(read_log(tmp_path / "run" / "log.csv")) < 40


def test_only_what_is_unfrozen_learns(shards: list[Path], tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = SpliceNetwork(TINY)
    before = state_dict_of(network)
    before = {name: array.copy() for name, array in before.items()}
    source = WindowSource(shards, TINY.context, 100, 4)
    fit(
        network,
        source,
        None,
        Objective(),
        FitSettings(epochs=1, freeze_statistics=True),
        tmp_path,
        trainable=trainable_names(TINY, 1),
        report=print,
    )
    changed = {
        n for n, array in state_dict_of(network).items() if not np.array_equal(array, before[n])
    }
    units, _ = TINY.layer_names()
    assert any(name.startswith("final_conv") for name in changed)
    assert any(name.startswith(f"{units[-1]}.") for name in changed)
    assert not any(name.startswith((f"{units[0]}.", "initial_conv")) for name in changed)


def test_a_loss_that_is_no_number_stops_the_training(
    shards: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Objective.__call__

    def broken(self: Objective, logits, target, weight):
        loss = plain(self, logits, target, weight)
        return loss * torch.nan if logits.requires_grad == in_training else loss

    for in_training in (True, False):
        monkeypatch.setattr(Objective, "__call__", broken)
        with pytest.raises(InputError, match="loss of epoch 1 is not a number"):
            train(shards, tmp_path / str(in_training))
        assert not list((tmp_path / str(in_training)).iterdir()), "no checkpoint of that epoch"
        monkeypatch.setattr(Objective, "__call__", plain)


def test_the_log_is_made_again_from_the_checkpoint(shards: list[Path], tmp_path: Path) -> None:
    train(shards, tmp_path, epochs=2)
    written = (tmp_path / "log.csv").read_text()
    (tmp_path / "log.csv").unlink()
    train(shards, tmp_path, epochs=2)
    assert (tmp_path / "log.csv").read_text() == written


def test_precision_holds_in_the_threads_of_several_gpus() -> None:
    threads = []

    def autocast() -> torch.autocast:
        threads.append(threading.current_thread().name)
        return torch.autocast("cpu", torch.bfloat16)

    module = _FromCodes(SpliceNetwork(TINY), autocast)
    codes = torch.zeros((1, 50), dtype=torch.uint8)
    made = []
    thread = threading.Thread(target=lambda: made.append(module(codes)), name="a replica")
    thread.start()
    thread.join()
    assert threads == ["a replica"]
    assert made[0].dtype == torch.bfloat16


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_loss_has_a_slope_where_the_answer_is_certain(gamma: float) -> None:
    logits = torch.tensor([[[40.0], [0.0], [0.0]]], requires_grad=True)
    target = torch.tensor([[[1.0], [0.0], [0.0]]])
    Objective(focal_gamma=gamma)(logits, target, torch.ones(1, 1)).backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("change", ["fewer", "none"])
def test_checkpoints_of_another_validation_are_not_taken(
    shards: list[Path], tmp_path: Path, change: str
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(shards[0], other)

    def call(output: str, *validation: Path) -> float:
        command = [
            *(sys.executable, ROOT / "bin" / "train_member.py", "--dataset", shards[0].parent),
            *("--context", "80", "--channels", "8", "--epochs", "1", "--outputs", "100"),
            *("--batch-size", "4", "--threads", "1", "--checkpoints", tmp_path / "checkpoints"),
            *("--output-dir", tmp_path / output, "--device", "cpu"),
        ]
        for folder in validation:
            command += ["--validation", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return read_log(tmp_path / output / "log.csv")[0].validation_loss

    first = call("first", shards[0].parent)
    assert call("again", shards[0].parent) == first
    second = call("second", *([other] if change == "fewer" else []))
    assert np.isnan(second) if change == "none" else second != first


def test_focal_loss_looks_less_at_what_is_easy() -> None:
    logits = torch.tensor([[[4.0, 0.5], [0.0, 0.0], [0.0, 0.0]]])
    target = torch.tensor([[[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]])
    weight = torch.ones(1, 2)
    first, second = (torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    plain, focal = Objective(), Objective(focal_gamma=2.0)
    easy = focal(logits, target, first) / plain(logits, target, first)
    hard = focal(logits, target, second) / plain(logits, target, second)
    assert easy < hard < 1
    assert plain(logits, target, weight) > 0


def test_an_equal_distribution_has_no_loss() -> None:
    logits = torch.randn(2, 3, 7)
    target = torch.softmax(logits, 1)
    assert abs(float(Objective()(logits, target, torch.ones(2, 7)))) < 1e-6


@pytest.mark.parametrize("schedule", ["multistep", "cosine", "cosine_restarts"])
def test_learning_rates_stay_within_their_bounds(schedule: str) -> None:
    settings = FitSettings(epochs=10, schedule=schedule, warmup=0.5)
    rates = [settings.rate_at(step / 10) for step in range(100)]
    assert rates[0] == 0
    assert max(rates) <= settings.learning_rate
    assert min(rates[6:]) > 0
    assert rates[99] < rates[10]


def test_unfreeze_takes_a_number_or_all() -> None:
    assert trainable_names(TINY, "all")("initial_conv.weight")
    with pytest.raises(InputError, match="units to unfreeze"):
        trainable_names(TINY, "7")
    with pytest.raises(InputError, match="units to unfreeze"):
        trainable_names(TINY, "some")
