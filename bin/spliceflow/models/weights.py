"""Importers of published weights: file formats of each family → state dicts.

A state dict here is float32 numpy arrays by OpenSpliceAI's names (see
:meth:`spliceflow.models.dilated_cnn.DilatedCnn.tensor_shapes`). A new format is a new reader and a
line in :func:`read_weights`. No reader needs the framework that wrote the file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import safetensors

from spliceflow.errors import InputError
from spliceflow.models.bundle import BundleCard
from spliceflow.models.dilated_cnn import DilatedCnn
from spliceflow.models.torch_archive import numbers_of, read_archive

LARGEST_FILE = 1 << 30
"""Bytes of the largest weight file that is read; one of 10,000 nt has 3 MB."""

LARGEST_NETWORK = 1 << 26
"""Numbers of the largest network that is read; one of 10,000 nt has 0.7 million."""

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

    ``.pt``, ``.pth`` and ``.safetensors`` are state dicts with OpenSpliceAI's names; ``.h5`` are
    SpliceAI's Keras files. Members are taken in the order of their names.

    Raises:
        InputError: no weight files, files of several kinds, or a file is not what its name says.
    """
    path = Path(path)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    readers: dict[str, tuple[Callable[[Path], tuple[DilatedCnn, StateDict]], BundleCard]] = {
        ".pt": (read_state_dict, OPENSPLICEAI_CARD),
        ".pth": (read_state_dict, OPENSPLICEAI_CARD),
        ".safetensors": (read_safetensors, OPENSPLICEAI_CARD),
        ".h5": (read_keras, SPLICEAI_CARD),
    }
    files = [file for file in files if file.suffix in readers and file.is_file()]
    if not files:
        raise InputError(
            f"{path} has no model weights: give a bundle directory, a directory of OpenSpliceAI "
            ".pt, .pth or .safetensors files or of SpliceAI .h5 files, or a name from the model "
            "catalogue"
        )
    if len({readers[file.suffix][0] for file in files}) > 1:
        suffixes = " and ".join(sorted({file.suffix for file in files}))
        raise InputError(f"{path} mixes {suffixes} weights: give one kind of model")
    reader, card = readers[files[0].suffix]
    for file in files:
        _check_content(file)
    networks = [reader(file) for file in files]
    configs = {config for config, _ in networks}
    if len(configs) > 1:
        shapes = ", ".join(
            sorted(f"context {config.context}, {config.channels} channels" for config in configs)
        )
        raise InputError(
            f"the weights in {path} are of different networks ({shapes}): an ensemble has one shape"
        )
    return Weights(networks[0][0], [state for _, state in networks], card)


def read_state_dict(path: Path) -> tuple[DilatedCnn, StateDict]:
    """Read a state dict that PyTorch saved; nothing in the file is executed.

    The state dict is all there is, or stands under ``state_dict`` or ``model_state_dict``.

    Raises:
        InputError: not a state dict of this family.
    """
    content = read_archive(path)
    for part in ("", "state_dict", "model_state_dict"):
        tensors = content.get(part) if part and isinstance(content, dict) else content
        if isinstance(tensors, dict) and _units(tensors):
            return _openspliceai_network(path, tensors)
    raise InputError(f"{path} holds no state dict with OpenSpliceAI's names: check --model")


def read_safetensors(path: Path) -> tuple[DilatedCnn, StateDict]:
    """Read a safetensors file with OpenSpliceAI's names.

    Raises:
        InputError: not a safetensors file, or not a state dict of this family.
    """
    elements = {
        **{"F64": "f8", "F32": "f4", "F16": "f2", "BF16": "bfloat16", "BOOL": "bool"},
        **{"I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1", "U8": "u1"},
    }
    try:
        tensors = {}
        for name, tensor in safetensors.deserialize(path.read_bytes()):
            if tensor["dtype"] not in elements:
                raise ValueError(f"{name} has numbers of type {tensor['dtype']}")
            numbers = numbers_of(tensor["data"], elements[tensor["dtype"]], "<")
            tensors[name] = numbers.reshape(tensor["shape"])
    except (safetensors.SafetensorError, ValueError, OSError) as error:
        raise InputError(
            f"{path} is not a safetensors file that can be read ({_line(error)}): "
            "fetch or save it again"
        ) from error
    return _openspliceai_network(path, tensors)


def check_state_dict(config: DilatedCnn, tensors: Mapping[str, object], source: str) -> None:
    """Compare names and shapes with those of the network.

    Counts of batches, which PyTorch keeps for training, are passed over.

    Args:
        config: shape of the network.
        tensors: arrays by OpenSpliceAI's names.
        source: what the arrays are from, for the message.

    Raises:
        InputError: a tensor is missing, unknown, of another shape, or the network is too large.
    """
    shapes = config.tensor_shapes()
    if sum(map(math.prod, shapes.values())) > LARGEST_NETWORK:
        raise InputError(
            f"{source} is of a network of {config.channels} channels: that is too large"
        )
    names = {name for name in tensors if not str(name).endswith("num_batches_tracked")}
    faults = [f"{name} is missing" for name in shapes if name not in names]
    faults += [f"{_line(name)} is unknown" for name in sorted(map(str, names - shapes.keys()))]
    for name in sorted(names & shapes.keys()):
        array = tensors[name]
        if not isinstance(array, np.ndarray):
            faults.append(f"{name} is no tensor")
        elif array.shape != shapes[name]:
            faults.append(f"{name} has shape {array.shape} and not {shapes[name]}")
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise InputError(
            f"{source} does not fit a network of context {config.context}: "
            f"{', '.join(faults[:3])}{more}"
        )


def read_keras(path: Path) -> tuple[DilatedCnn, StateDict]:
    """Read one of SpliceAI's Keras files with h5py.

    Raises:
        InputError: not a Keras file of SpliceAI's network.
    """
    try:
        with h5py.File(path) as file:
            arrays, described = _keras_layers(file["model_weights"]), file.attrs["model_config"]
        eps = {
            layer["config"]["epsilon"]
            for layer in json.loads(described)["config"]["layers"]
            if layer["class_name"] == "BatchNormalization"
        }
        if len(eps) != 1 or not 0 < (batch_norm_eps := float(eps.pop())) < 1:
            raise ValueError("its batch norms have no common epsilon")
        convolutions = _numbered(arrays, "conv1d")
        norms = _numbered(arrays, "batch_normalization")
        widths = tuple(arrays[name]["kernel"].shape[0] for name in convolutions)
        unit_widths = tuple(width for width in widths if width > 1)[::2]
        channels = arrays[convolutions[0]]["kernel"].shape[2]
        config = _config_of(path, unit_widths, channels, negative_slope=0.0, eps=batch_norm_eps)
        tensors = _name_keras_layers(config, arrays, convolutions, norms)
    except (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        # RuntimeError is also what h5py raises of the library below it
        raise InputError(
            f"{path} is not a Keras file of SpliceAI's network ({_line(error)}): "
            "give the five .h5 files of the SpliceAI package"
        ) from error
    return config, _state_dict(config, tensors, str(path))


def _keras_layers(layers: h5py.Group) -> dict[str, dict[str, np.ndarray]]:
    """Weights by layer and by what they are: kernel, bias, gamma, …"""
    arrays: dict[str, dict[str, np.ndarray]] = {}
    size = 0
    for layer in map(_text, layers.attrs["layer_names"]):
        for name in map(_text, layers[layer].attrs["weight_names"]):
            dataset = layers[layer][name]
            # a file can declare more than it holds
            size += dataset.size
            if size > LARGEST_NETWORK or dataset.dtype.kind != "f":
                raise ValueError(f"{name} holds no weights")
            part = name.rsplit("/", 1)[-1].split(":")[0]
            arrays.setdefault(layer, {})[part] = np.asarray(dataset)
    return arrays


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
        state[f"{target}.weight"] = arrays[layer]["kernel"].transpose(2, 1, 0)
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


def _line(text: object) -> str:
    """A message or a name from a file as one line."""
    letters = (letter if letter.isprintable() else " " for letter in str(text))
    return " ".join("".join(letters).split()).strip("'\"")


def _check_content(path: Path) -> None:
    """Tell what often stands in the place of a file that was not fetched.

    Raises:
        InputError: a pointer of Git LFS, a web page, nothing, or larger than any network.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            start = stream.read(256)
    except OSError as error:
        raise InputError(f"{path} can't be read ({_line(error)}): check its permissions") from error
    if size > LARGEST_FILE:
        raise InputError(f"{path} is larger than any network that is known: check --model")
    if not start:
        raise InputError(f"{path} is empty: fetch the weights again")
    if start.startswith(b"version https://git-lfs"):
        raise InputError(
            f"{path} is a pointer of Git LFS, not the weights: fetch them with 'git lfs pull'"
        )
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        raise InputError(f"{path} is a web page, not the weights: fetch the file itself")


def _units(tensors: Mapping[object, object]) -> dict[int, object]:
    """First convolution of each residual unit by the unit's running index."""
    units = {}
    for name, array in tensors.items():
        match = re.fullmatch(r"residual_units\.(\d{1,4})\.conv1\.weight", str(name), re.ASCII)
        if match:
            units[int(match[1])] = array
    return units


def _openspliceai_network(
    path: Path, tensors: Mapping[str, object]
) -> tuple[DilatedCnn, StateDict]:
    units = _units(tensors)
    kernels = [units[index] for index in sorted(units)]
    if not kernels or not all(isinstance(k, np.ndarray) and k.ndim == 3 for k in kernels):
        raise InputError(f"{path} holds no state dict with OpenSpliceAI's names: check --model")
    widths = tuple(kernel.shape[2] for kernel in kernels)
    config = _config_of(path, widths, kernels[0].shape[0], negative_slope=0.1, eps=1e-5)
    return config, _state_dict(config, tensors, str(path))


def _state_dict(config: DilatedCnn, tensors: Mapping[str, object], source: str) -> StateDict:
    """Tensors that fit the network, as float32 arrays of their own."""
    check_state_dict(config, tensors, source)
    state = {}
    for name in tensors:
        if name not in config.tensor_shapes():
            continue
        with np.errstate(all="ignore"):
            state[name] = np.array(tensors[name], np.float32, order="C")
        if not np.isfinite(state[name]).all():
            raise InputError(f"{source} holds numbers in {name} that are not finite: it is damaged")
        if name.endswith("running_var") and (state[name] < 0).any():
            raise InputError(f"{source} holds negative variances in {name}: it is damaged")
    return state


def _config_of(
    path: Path, widths: tuple[int, ...], channels: int, *, negative_slope: float, eps: float
) -> DilatedCnn:
    if channels < 1:
        raise InputError(f"{path} holds a network without channels: it is damaged")
    for context in (80, 400, 2_000, 10_000):
        config = DilatedCnn.of_context(
            context, channels=channels, negative_slope=negative_slope, batch_norm_eps=eps
        )
        if config.kernel_widths == widths:
            return config
    more = ", …" if len(widths) > 16 else ""
    raise InputError(
        f"{path} holds no network of the SpliceAI family that is known: its residual units "
        f"have kernel widths {', '.join(map(str, widths[:16]))}{more}"
    )
