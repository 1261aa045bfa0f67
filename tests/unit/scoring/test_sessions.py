"""Choice of the device, and the layout of ONNX Runtime's CPU kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spliceflow.errors import InputError
from spliceflow.scoring import sessions
from spliceflow.scoring.sessions import Device, choose_device, cpu_block_size, free_memory

ROOT = Path(__file__).parents[3]


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(sessions, "_cuda_problem", lambda: "this test has no GPU")


def test_cuda_that_can_not_be_had_is_an_error(no_gpu):
    with pytest.raises(InputError, match="--device cuda was asked for, but this test has no GPU"):
        choose_device("cuda")


def test_auto_falls_back_to_the_cpu(no_gpu):
    assert choose_device("auto").kind == "cpu"


def test_auto_takes_a_gpu_where_one_works(monkeypatch):
    monkeypatch.setattr(sessions, "_cuda_problem", lambda: None)
    device = choose_device("auto", "fp16")
    assert (device.kind, device.precision, device.block, device.half) == ("cuda", "fp16", 1, True)
    assert choose_device("cpu").kind == "cpu"


@pytest.mark.parametrize("precision", ["fp16", "tf32"])
def test_the_cpu_scores_in_fp32_only(no_gpu, precision):
    with pytest.raises(InputError, match="needs a GPU"):
        choose_device("auto", precision)


def test_block_size_divides_the_channels():
    assert cpu_block_size() in (1, 8, 16)
    assert np.gcd(32, cpu_block_size()) == cpu_block_size()


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_provider_that_falls_back_is_noticed(monkeypatch):
    """The GPU build imports without a GPU and would silently use the CPU."""
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    sessions._cuda_problem.cache_clear()
    try:
        with pytest.raises(InputError, match="--device cuda was asked for"):
            choose_device("cuda")
    finally:
        sessions._cuda_problem.cache_clear()


def test_scoring_reports_nothing_to_the_makers_of_the_runtime(tmp_path):
    model = ROOT / "assets" / "models" / "spliceflow-human"
    program = (
        "from pathlib import Path; from spliceflow.scoring import sessions; "
        f"sessions.onnxruntime.InferenceSession(next(Path({str(model)!r}).glob('*.onnx')))"
    )
    clean = {name: os.environ[name] for name in os.environ if name != "ORT_DISABLE_TELEMETRY"}
    environment = clean | {
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT / "bin"),
    }
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    # it would keep an identity of the machine and a queue of events there
    assert not list(tmp_path.iterdir())


class CudaRuntime:
    """Answers as the CUDA runtime does."""

    def __init__(self, name: str) -> None:
        if name != "libcudart.so.12":
            raise OSError(name)

    def cudaMemGetInfo(self, free, total) -> int:  # noqa: N802
        free._obj.value, total._obj.value = 3_000_000_000, 8_000_000_000
        return 0


def test_free_memory_is_asked_of_whichever_runtime_there_is():
    assert free_memory(Device("cuda", "fp32", 1), CudaRuntime) == 3_000_000_000
    assert free_memory(Device("cpu", "fp32", 16), CudaRuntime) is None


def test_no_runtime_no_answer():
    def missing(name: str):
        raise OSError(name)

    assert free_memory(Device("cuda", "fp32", 1), missing) is None
