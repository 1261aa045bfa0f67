"""Importers of published weights: file formats of each family → state dicts.

A state dict here is float32 numpy arrays by OpenSpliceAI's names (see
:mod:`spliceflow.models.architecture`). A new format is a new reader and a line in
:func:`read_weights`.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spliceflow.errors import InputError
from spliceflow.models.bundle import BundleCard
from spliceflow.models.dilated_cnn import DilatedCnn

StateDict = dict[str, np.ndarray]


@dataclass(frozen=True)
class Weights:
    """An ensemble read from disk: the shape, a state dict for each member, what is known."""

    config: DilatedCnn
    members: list[StateDict]
    card: BundleCard


SPLICEAI_CARD = BundleCard(
    name="spliceai",
    version="1.3",
    info_tag="SpliceAI",
    family="spliceai",
    species="Homo sapiens",
    assembly="GRCh37",
    licence="CC-BY-NC-4.0 (Illumina)",
    citation=(
        "Jaganathan K et al. Predicting splicing from primary sequence with deep learning. "
        "Cell 176, 535-548 (2019). doi:10.1016/j.cell.2018.12.015"
    ),
    provenance="Keras files of the SpliceAI package",
)

OPENSPLICEAI_CARD = BundleCard(
    name="openspliceai",
    info_tag="OpenSpliceAI",
    family="openspliceai",
    licence="GPL-3.0",
    citation=(
        "Chao K-H et al. OpenSpliceAI provides an efficient modular implementation of SpliceAI "
        "enabling easy retraining across nonhuman species. eLife 14, RP107454 (2025)."
    ),
    provenance="PyTorch state dicts in OpenSpliceAI's layout",
)


def read_weights(path: str | Path) -> Weights:
    """Read a weight file, or all weight files of a directory as one ensemble.

    ``.pt`` and ``.pth`` are state dicts with OpenSpliceAI's names; ``.h5`` are SpliceAI's Keras
    files. Members are taken in the order of their names.

    Raises:
        InputError: no weight files, files of both kinds, or a file is not what its name says.
    """
    path = Path(path)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    readers: dict[str, tuple[Callable[[Path], tuple[DilatedCnn, StateDict]], BundleCard]] = {
        ".pt": (read_state_dict, OPENSPLICEAI_CARD),
        ".pth": (read_state_dict, OPENSPLICEAI_CARD),
        ".h5": (read_keras, SPLICEAI_CARD),
    }
    found = [file for file in files if file.suffix in readers and file.is_file()]
    if not found:
        raise InputError(
            f"{path} has no model weights: give a bundle directory, a directory of OpenSpliceAI "
            ".pt files or of SpliceAI .h5 files, or a name from the model catalogue"
        )
    if len({readers[file.suffix][0] for file in found}) > 1:
        raise InputError(f"{path} mixes .pt and .h5 weights: give one kind of model")
    reader, card = readers[found[0].suffix]
    networks = [reader(file) for file in found]
    configs = {config for config, _ in networks}
    if len(configs) > 1:
        contexts = ", ".join(str(config.context) for config in sorted(configs, key=hash))
        raise InputError(
            f"the weights in {path} are of different networks (contexts {contexts}): "
            "an ensemble has one shape"
        )
    return Weights(networks[0][0], [state for _, state in networks], card)


def read_state_dict(path: Path) -> tuple[DilatedCnn, StateDict]:
    """Read a PyTorch state dict; pickled code is never executed.

    Raises:
        InputError: not a state dict of this family, or PyTorch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f"reading {path.name} needs PyTorch, which is not installed: "
            "run 'make setup-training', or give an exported bundle"
        ) from error
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
        state = {name: tensor.numpy() for name, tensor in loaded.items()}
    except (pickle.UnpicklingError, RuntimeError, AttributeError, EOFError, OSError) as error:
        raise InputError(
            f"{path} is not a PyTorch state dict that can be loaded without executing code"
        ) from error
    shapes = {}
    for name, array in state.items():
        unit = re.fullmatch(r"residual_units\.(\d+)\.conv1\.weight", name)
        if unit:
            shapes[int(unit[1])] = array.shape
    widths = tuple(shapes[index][2] for index in sorted(shapes))
    channels = shapes[min(shapes)][0] if shapes else 0
    return _config_of(path, widths, channels, negative_slope=0.1, eps=1e-5), state


def read_keras(path: Path) -> tuple[DilatedCnn, StateDict]:
    """Read one of SpliceAI's Keras files with h5py.

    Raises:
        InputError: not a Keras file of SpliceAI's network.
    """
    import h5py

    try:
        with h5py.File(path) as file:
            layers = file["model_weights"]
            arrays: dict[str, dict[str, np.ndarray]] = {}
            for layer in layers.attrs["layer_names"]:
                layer = _text(layer)
                for name in layers[layer].attrs["weight_names"]:
                    part = _text(name).rsplit("/", 1)[-1].split(":")[0]
                    arrays.setdefault(layer, {})[part] = np.asarray(layers[layer][name])
            described = json.loads(file.attrs["model_config"])
        convolutions = _numbered(arrays, "conv1d")
        norms = _numbered(arrays, "batch_normalization")
        widths = tuple(arrays[name]["kernel"].shape[0] for name in convolutions)
        unit_widths = tuple(width for width in widths if width > 1)[::2]
        channels = arrays[convolutions[0]]["kernel"].shape[2]
        eps = {
            layer["config"]["epsilon"]
            for layer in described["config"]["layers"]
            if layer["class_name"] == "BatchNormalization"
        }
        config = _config_of(path, unit_widths, channels, negative_slope=0.0, eps=eps.pop())
        return config, _name_keras_layers(config, arrays, convolutions, norms)
    except (OSError, KeyError, IndexError, ValueError) as error:
        raise InputError(
            f"{path} is not a Keras file of SpliceAI's network ({error}): "
            "give the five .h5 files of the SpliceAI package"
        ) from error


def _name_keras_layers(
    config: DilatedCnn,
    arrays: dict[str, dict[str, np.ndarray]],
    convolutions: list[str],
    norms: list[str],
) -> StateDict:
    """Keras numbers its layers in the order in which the network was built."""
    unit_names, skip_names = config.layer_names()
    skips = iter(skip_names)
    targets = ["initial_conv", "initial_skip.conv"]
    norm_targets = []
    for unit, name in enumerate(unit_names):
        targets += [f"{name}.conv1", f"{name}.conv2"]
        norm_targets += [f"{name}.batchnorm1", f"{name}.batchnorm2"]
        if config.has_skip_after(unit):
            targets.append(next(skips))
    targets.append("final_conv")
    state: StateDict = {}
    for layer, target in zip(convolutions, targets, strict=True):
        state[f"{target}.weight"] = arrays[layer]["kernel"].transpose(2, 1, 0).copy()
        state[f"{target}.bias"] = arrays[layer]["bias"]
    for layer, target in zip(norms, norm_targets, strict=True):
        state[f"{target}.weight"] = arrays[layer]["gamma"]
        state[f"{target}.bias"] = arrays[layer]["beta"]
        state[f"{target}.running_mean"] = arrays[layer]["moving_mean"]
        state[f"{target}.running_var"] = arrays[layer]["moving_variance"]
    return state


def _numbered(arrays: dict[str, dict[str, np.ndarray]], kind: str) -> list[str]:
    names = [name for name in arrays if re.fullmatch(rf"{kind}_\d+", name)]
    return sorted(names, key=lambda name: int(name.rsplit("_", 1)[1]))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _config_of(
    path: Path, widths: tuple[int, ...], channels: int, *, negative_slope: float, eps: float
) -> DilatedCnn:
    for context in (80, 400, 2_000, 10_000):
        config = DilatedCnn.of_context(
            context, channels=channels, negative_slope=negative_slope, batch_norm_eps=eps
        )
        if config.kernel_widths == widths:
            return config
    raise InputError(
        f"{path} holds no network of the SpliceAI family that is known: its residual units "
        f"have kernel widths {list(widths)}"
    )
