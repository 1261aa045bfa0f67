"""Weights of every kind become the same bundle where PyTorch can't be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import safetensors.numpy
from test_torch_archive import archive

from spliceflow.errors import InputError
from spliceflow.models.bundle import Bundle
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.numpy_forward import probabilities
from spliceflow.models.weights import read_weights

ROOT = Path(__file__).parents[3]
CONFIG = DilatedCnn.of_context(80)


def random_state(config: DilatedCnn = CONFIG, seed: int = 3) -> dict[str, np.ndarray]:
    """Weights that react to every base."""
    source = np.random.default_rng(seed)
    state = {}
    for name, shape in config.tensor_shapes().items():
        values = source.normal(0, 0.4 / np.sqrt(np.prod(shape[1:])), shape)
        if name.endswith("running_var"):
            values = source.uniform(0.5, 2, shape)
        elif "batchnorm" in name and name.endswith("weight"):
            values = source.normal(1, 0.2, shape)
        elif name.startswith("final_conv"):
            values = source.normal(0, 1, shape)
        state[name] = values.astype(np.float32)
    return state


def write_pt(path: Path, state: dict[str, np.ndarray]) -> None:
    """A state dict as torch.save writes it, by hand: protocol 2, a storage for each tensor."""

    def text(value: str) -> bytes:
        return b"X" + len(value).to_bytes(4, "little") + value.encode()

    def number(value: int) -> bytes:
        return b"J" + value.to_bytes(4, "little", signed=True)

    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    program = b"\x80\x02ccollections\nOrderedDict\n)R"
    storages = {}
    for key, (name, array) in enumerate(state.items()):
        storages[str(key)] = array.tobytes()
        strides = tuple(stride // 4 for stride in array.strides)
        program += text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n("
        program += b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(str(key))
        program += text("cpu") + number(array.size) + b"tQ" + number(0)
        program += numbers(array.shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtRs"
    archive(path, program + b".", storages)


def write_h5(path: Path, config: DilatedCnn, state: dict[str, np.ndarray]) -> None:
    """The same weights as a Keras file of SpliceAI, layers numbered in the order of building."""
    units, skips = config.layer_names()
    pending = iter(skips)
    convolutions, norms = ["initial_conv", "initial_skip.conv"], []
    for unit, name in enumerate(units):
        convolutions += [f"{name}.conv1", f"{name}.conv2"]
        norms += [f"{name}.batchnorm1", f"{name}.batchnorm2"]
        if config.has_skip_after(unit):
            convolutions.append(next(pending))
    convolutions.append("final_conv")
    layers: dict[str, dict[str, np.ndarray]] = {}
    for number, name in enumerate(convolutions, 1):
        kernel = state[f"{name}.weight"].transpose(2, 1, 0)
        layers[f"conv1d_{number}"] = {"kernel": kernel, "bias": state[f"{name}.bias"]}
    parts = {"gamma": "weight", "beta": "bias"}
    parts |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    for number, name in enumerate(norms, 1):
        layers[f"batch_normalization_{number}"] = {
            part: state[f"{name}.{own}"] for part, own in parts.items()
        }
    norm = {"class_name": "BatchNormalization", "config": {"epsilon": 1e-3}}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"config": {"layers": [norm]}})
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in layers]
        for layer, arrays in layers.items():
            own = group.create_group(layer)
            own.attrs["weight_names"] = [f"{layer}/{part}:0".encode() for part in arrays]
            for part, array in arrays.items():
                own[f"{layer}/{part}:0"] = array


def write(folder: Path, kind: str) -> DilatedCnn:
    """Weights of a kind; the network that they are of."""
    folder.mkdir()
    config = CONFIG
    if kind == "h5":
        config = DilatedCnn.of_context(80, negative_slope=0.0, batch_norm_eps=1e-3)
        write_h5(folder / "m.h5", config, random_state())
    elif kind == "safetensors":
        safetensors.numpy.save_file(random_state(), folder / "m.safetensors")
    else:
        write_pt(folder / f"m.{kind}", random_state())
    return config


@pytest.mark.parametrize("kind", ["pt", "pth", "safetensors", "h5"])
def test_export_where_pytorch_can_not_be_imported(tmp_path: Path, kind: str) -> None:
    config = write(tmp_path / "weights", kind)
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "torch.py").write_text("raise ImportError('not here')\n")
    done = subprocess.run(
        [
            *(sys.executable, ROOT / "bin" / "export_model.py"),
            *("--weights", tmp_path / "weights", "--output", tmp_path / "bundle"),
        ],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "without")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    said = json.loads(done.stdout)["check"]
    assert said["compared_with"] == "NumPy"
    assert said["largest_difference"] < 2e-6
    bundle = Bundle.load(tmp_path / "bundle")
    assert bundle.network == config
    assert bundle.card.family == ("spliceai" if kind == "h5" else "openspliceai")


def test_every_kind_holds_the_same_numbers(tmp_path: Path) -> None:
    state = random_state()
    for kind in ("pt", "safetensors", "h5"):
        write(tmp_path / kind, kind)
        (found,) = read_weights(tmp_path / kind).members
        assert found.keys() == state.keys()
        for name, array in state.items():
            assert found[name].dtype == np.float32
            np.testing.assert_array_equal(found[name], array)


def test_the_plain_forward_equals_pytorch() -> None:
    torch = pytest.importorskip("torch")
    from spliceflow.models.architecture import SpliceNetwork

    for context in (80, 400):
        config = DilatedCnn.of_context(context, negative_slope=0.0, batch_norm_eps=1e-3)
        state = random_state(config)
        network = SpliceNetwork(config).eval()
        tensors = {name: torch.from_numpy(array) for name, array in state.items()}
        network.load_state_dict(tensors, strict=False)
        codes = np.random.default_rng(1).integers(0, 5, context + 300).astype(np.uint8)
        one_hot = torch.from_numpy(np.eye(5, 4, dtype=np.float32)[codes].T[None].copy())
        with torch.inference_mode():
            expected = torch.softmax(network(one_hot), dim=1)[0].T.numpy()
        actual = probabilities(config, state, codes)
        assert actual.shape == (300, 3)
        assert expected.std() > 0.01
        np.testing.assert_allclose(actual, expected, atol=2e-6)


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_what_does_not_fit_is_told(tmp_path: Path, kind: str) -> None:
    def read(state: dict[str, np.ndarray]) -> None:
        path = tmp_path / f"m.{kind}"
        if kind == "pt":
            write_pt(path, state)
        else:
            safetensors.numpy.save_file(state, path)
        read_weights(path)

    state = random_state()
    read(state)
    name = "residual_units.1.conv2.bias"
    cases = [
        ({n: a for n, a in state.items() if n != name}, f"{name} is missing"),
        (state | {"head.weight": np.zeros(3, np.float32)}, "head.weight is unknown"),
        (state | {name: np.zeros(31, np.float32)}, r"has shape \(31,\) and not \(32,\)"),
        (state | {name: np.full(32, np.nan, np.float32)}, "not finite"),
        ({"weight": np.zeros(3, np.float32)}, "no state dict with OpenSpliceAI's names"),
    ]
    for wrong, message in cases:
        with pytest.raises(InputError, match=message) as refusal:
            read(wrong)
        assert "\n" not in str(refusal.value)


def test_what_stands_in_the_place_of_weights_is_told(tmp_path: Path) -> None:
    for kind in ("pt", "safetensors", "h5"):
        path = tmp_path / f"m.{kind}"
        for content, message in (
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
            (b"<!DOCTYPE html>\n<html></html>", "web page"),
            (b"", "is empty"),
            (b"\x00\x01\x02 nothing of the kind", path.name),
        ):
            path.write_bytes(content)
            with pytest.raises(InputError, match=message) as refusal:
                read_weights(path)
            assert "\n" not in str(refusal.value)
