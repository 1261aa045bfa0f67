"""Weight files as PyTorch and Keras write them, made without either."""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np

from spliceflow.models.dilated_cnn import DilatedCnn

STORAGES = {
    "f8": "DoubleStorage",
    "f4": "FloatStorage",
    "f2": "HalfStorage",
    "i8": "LongStorage",
    "i4": "IntStorage",
    "u1": "ByteStorage",
}
ORDERED_DICT = b"ccollections\nOrderedDict\n)R"


def random_state(config: DilatedCnn, seed: int) -> dict[str, np.ndarray]:
    """Weights for which every layer counts, and whose batch norms are not the identity."""
    rng = np.random.default_rng(seed)
    state = {}
    for name, shape in config.tensor_shapes().items():
        if name.endswith("running_var"):
            array = rng.uniform(0.5, 2, shape)
        elif name.endswith("running_mean"):
            array = rng.normal(0, 0.3, shape)
        elif len(shape) == 3:
            array = rng.uniform(-1, 1, shape) / np.sqrt(shape[1] * shape[2])
        else:
            array = rng.normal("batchnorm" in name and name.endswith("weight"), 0.2, shape)
        state[name] = array.astype(np.float32)
    return state


def text(value: str) -> bytes:
    """Opcodes that leave a text."""
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def integer(value: int) -> bytes:
    """Opcode that leaves an integer, of 255 bytes at most."""
    encoded = pickle.encode_long(value)
    return b"\x8a" + bytes([len(encoded)]) + encoded


def integers(values: tuple[int, ...]) -> bytes:
    """Opcodes that leave a tuple of integers."""
    return b"(" + b"".join(map(integer, values)) + b"t"


def named(module: str, name: str) -> bytes:
    """Opcode that leaves what a module calls by a name."""
    return f"c{module}\n{name}\n".encode()


def storage(key: str, count: int, kind: str = "FloatStorage", device: str = "cpu") -> bytes:
    """Opcodes that leave a storage."""
    parts = text("storage"), named("torch", kind), text(key), text(device), integer(count)
    return b"(" + b"".join(parts) + b"tQ"


def tensor(stored: bytes, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    """Opcodes that leave a view of a storage."""
    view = integer(offset) + integers(shape) + integers(strides)
    builder = named("torch._utils", "_rebuild_tensor_v2")
    return builder + b"(" + stored + view + b"\x89" + ORDERED_DICT + b"tR"


def mapping(items: dict[str, bytes], start: bytes = b"}") -> bytes:
    """Opcodes that leave a dict, whose values are opcodes."""
    return start + b"(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def state_pickle(state: dict[str, np.ndarray]) -> tuple[bytes, list[np.ndarray]]:
    """Opcodes of a state dict as ``nn.Module.state_dict`` gives it, and its storages in order."""
    items, arrays = {}, []
    for name, array in state.items():
        array = np.asarray(array, order="C")
        kind = STORAGES[array.dtype.str[1:]]
        strides = tuple(step // array.itemsize for step in array.strides)
        stored = storage(str(len(arrays)), array.size, kind)
        items[name] = tensor(stored, 0, array.shape, strides)
        arrays.append(array)
    versions = mapping({"": mapping({"version": integer(1)})}, ORDERED_DICT)
    return mapping(items, ORDERED_DICT) + mapping({"_metadata": versions}) + b"b", arrays


def write_archive(
    path: Path,
    opcodes: bytes,
    storages: dict[str, bytes] | None = None,
    order: str | None = "little",
    top: str = "archive",
) -> Path:
    """An archive with the pickle of these opcodes, which lack PROTO and STOP."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{top}/data.pkl", b"\x80\x02" + opcodes + b".")
        if order:
            archive.writestr(f"{top}/byteorder", order)
        for key, raw in (storages or {}).items():
            archive.writestr(f"{top}/data/{key}", raw)
        archive.writestr(f"{top}/version", "3\n")
    return path


def write_torch(path: Path, state: dict[str, np.ndarray], order: str = "little") -> Path:
    """What ``torch.save`` writes of a state dict, in either byte order."""
    opcodes, arrays = state_pickle(state)
    storages = {
        str(key): array.astype(
            array.dtype.newbyteorder("<" if order == "little" else ">")
        ).tobytes()
        for key, array in enumerate(arrays)
    }
    return write_archive(path, opcodes, storages, order)


def write_keras(path: Path, config: DilatedCnn, state: dict[str, np.ndarray]) -> Path:
    """One of SpliceAI's files: layers are numbered in the order in which they were built."""
    unit_names, skip_names = config.layer_names()
    skips = iter(skip_names)
    convolutions, norms = ["initial_conv", "initial_skip.conv"], []
    for unit, name in enumerate(unit_names):
        norms += [f"{name}.batchnorm1", f"{name}.batchnorm2"]
        convolutions += [f"{name}.conv1", f"{name}.conv2"]
        if config.has_skip_after(unit):
            convolutions.append(next(skips))
    convolutions.append("final_conv")
    layers = {}
    for number, name in enumerate(convolutions, start=1):
        kernel = state[f"{name}.weight"].transpose(2, 1, 0)
        layers[f"conv1d_{number}"] = {"kernel": kernel, "bias": state[f"{name}.bias"]}
    for number, name in enumerate(norms, start=1):
        layers[f"batch_normalization_{number}"] = {
            "gamma": state[f"{name}.weight"],
            "beta": state[f"{name}.bias"],
            "moving_mean": state[f"{name}.running_mean"],
            "moving_variance": state[f"{name}.running_var"],
        }
    norm = {"class_name": "BatchNormalization", "config": {"epsilon": config.batch_norm_eps}}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"config": {"layers": [norm]}}).encode()
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [name.encode() for name in layers]
        for name, parts in layers.items():
            group = weights.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{part}:0".encode() for part in parts]
            for part, array in parts.items():
                group[f"{name}/{part}:0"] = array
    return path
