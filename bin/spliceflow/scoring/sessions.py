"""ONNX Runtime sessions: which device, how many threads, which layout of activations."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from spliceflow.errors import InputError
from spliceflow.models.graphs import BLOCKED_DOMAIN, IR_VERSION, OPSET

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Device:
    """Where sessions run.

    Attributes:
        kind: ``cpu`` or ``cuda``.
        precision: ``fp32``; on a GPU also ``tf32`` or ``fp16``.
        block: channels stored side by side in activations; 1 is the ordinary layout.
    """

    kind: str
    precision: str
    block: int

    def for_channels(self, channels: int) -> Device:
        """This device in the ordinary layout if a network's channels fill no whole blocks."""
        return self if channels % self.block == 0 else replace(self, block=1)

    @property
    def half(self) -> bool:
        """Whether weights and activations are float16."""
        return self.precision == "fp16"


def choose_device(asked: str, precision: str = "fp32") -> Device:
    """Pick the device; ``auto`` takes a GPU where ONNX Runtime can really use one.

    Raises:
        InputError: CUDA was asked for and can't be had, or the CPU can't do the precision.
    """
    if asked != "cpu":
        problem = _cuda_problem()
        if problem is None:
            return Device("cuda", precision, 1)
        if asked == "cuda":
            raise InputError(
                f"--device cuda was asked for, but {problem}; "
                "install onnxruntime-gpu with a CUDA driver, or use --device cpu"
            )
    if precision != "fp32":
        raise InputError(f"--precision {precision} needs a GPU; the CPU scores in fp32")
    return Device("cpu", "fp32", cpu_block_size())


def open_session(model: onnx.ModelProto, device: Device) -> onnxruntime.InferenceSession:
    """Open a session with one thread; callers run several batches side by side.

    Raises:
        InputError: the session fell back to the CPU though a GPU was chosen.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if device.kind == "cpu":
        _share_cpu_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    settings = {
        "use_tf32": "1" if device.precision == "tf32" else "0",
        "cudnn_conv_algo_search": "HEURISTIC",
        # each session has a pool of its own, which would else grow by doubling
        "arena_extend_strategy": "kSameAsRequested",
    }
    session = onnxruntime.InferenceSession(
        model.SerializeToString(),
        options,
        providers=[("CUDAExecutionProvider", settings), "CPUExecutionProvider"],
    )
    if session.get_providers()[0] != "CUDAExecutionProvider":
        raise InputError(
            "ONNX Runtime fell back to the CPU though CUDA was chosen; "
            "check the GPU driver and the CUDA libraries, or use --device cpu"
        )
    return session


@lru_cache(maxsize=1)
def _share_cpu_memory() -> None:
    """Let all sessions take activations from one pool.

    Each session's own pool would keep the largest tile it has seen: five members, five tiles.
    """
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu",
        onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
        0,
        onnxruntime.OrtMemType.DEFAULT,
    )
    onnxruntime.create_and_register_allocator(memory, None)


def available_threads() -> int:
    """CPU cores this process may use."""
    return len(os.sched_getaffinity(0))


def free_memory(device: Device, load: Callable[[str], ctypes.CDLL] = ctypes.CDLL) -> int | None:
    """Bytes free on the GPU, as the CUDA runtime says; None for a CPU or if it can't tell.

    Args:
        device: where sessions run.
        load: loads a shared library by name.
    """
    if device.kind != "cuda":
        return None
    for version in (13, 12):
        try:
            runtime = load(f"libcudart.so.{version}")
        except OSError:
            continue
        free, total = ctypes.c_size_t(0), ctypes.c_size_t(0)
        if runtime.cudaMemGetInfo(ctypes.byref(free), ctypes.byref(total)) == 0:
            return free.value
    return None


@lru_cache(maxsize=1)
def _cuda_problem() -> str | None:
    """Why CUDA can't be used, or None: asks for a session, not only for the provider's name."""
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "this ONNX Runtime is built without CUDA"
    try:  # asked for first: the runtime would print pages about it
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return "there is no NVIDIA driver (libcuda.so.1) here"
    preload = getattr(onnxruntime, "preload_dlls", None)
    if preload is not None:
        preload()
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "probe",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(),
            options,
            providers=["CUDAExecutionProvider", "CPUExecutionProvider"],
        )
    except Exception as error:
        return f"no CUDA session can be opened ({str(error).splitlines()[0]})"
    if session.get_providers()[0] != "CUDAExecutionProvider":
        return "ONNX Runtime finds no usable GPU"
    return None


@lru_cache(maxsize=1)
def cpu_block_size() -> int:
    """Channels in a block of ONNX Runtime's fast CPU kernels here: 16, 8, or 1 for none.

    Read off the runtime itself: its own layout conversion is run on numbered channels.
    """
    channels = 32
    graph = helper.make_graph(
        [helper.make_node("ReorderInput", ["x"], ["y"], domain=BLOCKED_DOMAIN)],
        "probe",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, channels, 1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(BLOCKED_DOMAIN, 1)],
        ir_version=IR_VERSION,
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    x = np.arange(2 * channels, dtype=np.float32).reshape(1, channels, 1, 2)
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        flat = session.run(None, {"x": x})[0].reshape(-1)
    except Exception:
        return 1
    for block in (16, 8):
        expected = x.reshape(channels // block, block, 2).transpose(0, 2, 1).reshape(-1)
        if np.array_equal(flat, expected):
            return block
    return 1
