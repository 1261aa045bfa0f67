"""Archives of torch.save that are made to harm: nothing runs, and little memory is taken."""

from __future__ import annotations

import contextlib
import io
import pickle
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from weight_files import integer, mapping, named, storage, tensor, text, write_archive, write_torch

from spliceflow.errors import InputError
from spliceflow.models.torch_archive import read_archive

SMALL = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a.half": np.array([1, 2, 65504], np.float16),
    "a.count": np.array(7, np.int64),
    "a.flags": np.array([[1], [255]], np.uint8),
}
FOUR = {"0": np.arange(4, dtype="<f4").tobytes()}
VALID = tensor(storage("0", 4), 0, (4,), (1,))


class Watch:
    """Notes what only a pickle that is executed would do. An audit hook stays for good."""

    def __init__(self) -> None:
        self.events: list[str] | None = None
        sys.addaudithook(self.note)

    def note(self, event: str, arguments: tuple) -> None:
        if self.events is None:
            return
        loads = event == "import" and not str(arguments[0]).startswith("encodings")
        runs = ("os.", "subprocess.", "ctypes.", "exec", "compile", "shutil.", "pickle.")
        if loads or event.startswith(runs):
            self.events.append(event)


WATCH = Watch()


@contextlib.contextmanager
def watched():
    """Fail if anything is executed or imported."""
    WATCH.events = []
    try:
        yield
    finally:
        events, WATCH.events = WATCH.events, None
    assert not events


@pytest.fixture(autouse=True, scope="module")
def codecs_are_loaded(tmp_path_factory):
    """zipfile loads a codec when it first reads a name."""
    read_archive(write_archive(tmp_path_factory.mktemp("first") / "m.pt", VALID, FOUR))


def refusal(path: Path) -> str:
    """The sentence with which an archive is refused."""
    with watched(), pytest.raises(InputError) as caught:
        read_archive(path)
    sentence = str(caught.value)
    assert path.name in sentence
    assert len(sentence.splitlines()) == 1
    return sentence


def test_the_watch_notices_what_a_pickle_runs(tmp_path):
    opcodes = named("posix", "mkdir") + b"(" + text(str(tmp_path / "made")) + b"tR"
    with pytest.raises(AssertionError), watched():
        pickle.load(io.BytesIO(b"\x80\x02" + opcodes + b"."))
    assert (tmp_path / "made").is_dir()
    path = write_archive(tmp_path / "m.pt", mapping({"a": opcodes}), FOUR)
    assert "posix.mkdir" in refusal(path)


@pytest.mark.parametrize("device", ["cpu", "cuda:0", "mps", "xla:7"])
def test_the_device_of_a_tensor_does_not_matter(tmp_path, device):
    opcodes = tensor(storage("0", 4, device=device), 0, (4,), (1,))
    with watched():
        read = read_archive(write_archive(tmp_path / "m.pt", opcodes, FOUR))
    np.testing.assert_array_equal(read, np.arange(4))


def test_bfloat16_becomes_float32_in_either_byte_order(tmp_path):
    values = np.array([1, -2.5, 3e38, 0], np.float32)
    opcodes = tensor(storage("0", 4, "BFloat16Storage"), 0, (4,), (1,))
    for order, letter in (("little", "<"), ("big", ">")):
        raw = (values.view(np.uint32) >> 16).astype(f"{letter}u2").tobytes()
        read = read_archive(write_archive(tmp_path / "m.pt", opcodes, {"0": raw}, order))
        np.testing.assert_allclose(read, values, rtol=2**-7)
        assert read.dtype == np.float32


def test_two_files_of_one_name(tmp_path):
    path = write_archive(tmp_path / "m.pt", VALID, FOUR)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("archive/data/0", bytes(16))
    assert "two files of one name" in refusal(path)


def test_two_pickles_and_a_wrong_byte_order(tmp_path):
    path = write_archive(tmp_path / "m.pt", VALID, FOUR)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/data.pkl", b"\x80\x02N.")
    assert "no data.pkl in a folder of its own" in refusal(path)
    assert "byte order" in refusal(write_archive(tmp_path / "m.pt", VALID, FOUR, "middle"))


def test_a_file_that_claims_the_bytes_of_others(tmp_path):
    path = write_archive(tmp_path / "m.pt", VALID, FOUR | {"1": bytes(1000)})
    content = path.read_bytes()
    at = content.rindex(b"archive/data/0") - 46  # its entry in the directory
    sizes = struct.pack("<II", 1 << 20, 1 << 20)
    path.write_bytes(content[: at + 20] + sizes + content[at + 28 :])
    assert "larger than the whole" in refusal(path)


def test_a_wrong_checksum(tmp_path):
    path = write_torch(tmp_path / "m.pt", SMALL)
    content = path.read_bytes()
    at = content.index(SMALL["a.weight"].tobytes())
    path.write_bytes(content[:at] + b"\1" + content[at + 1 :])
    assert "CRC" in refusal(path)


@pytest.mark.parametrize(
    "opcodes",
    [
        b"Nr\xff\xff\xff\x7f",  # memo number 2^31
        b"X\xff\xff\xff\x7f",  # text of 2 GB
        b"\x8d" + struct.pack("<Q", 1 << 40),
        b"\x96" + struct.pack("<Q", 1 << 40),
        b"\x8b\xff\xff\xff\x7f",  # integer of 2 GB
        b"\x95" + struct.pack("<Q", 1 << 40),
        tensor(storage("0", 1 << 40), 0, (1 << 39,), (1,)),
        b"(" + tensor(storage("0", 4), 0, (1 << 30,), (0,)) * 50 + b"t",
        b"(" * 50_000 + b"N" + b"t" * 50_000,
        b"]" + b"2a" * 50_000,
    ],
)
def test_little_memory_is_taken_whatever_a_file_declares(tmp_path, opcodes):
    path = write_archive(tmp_path / "m.pt", opcodes, FOUR)
    tracemalloc.start()
    try:
        with watched(), contextlib.suppress(InputError):
            read_archive(path)
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def read_or_refuse(path: Path) -> None:
    """Nothing but an InputError of one line comes out, and nothing is executed."""
    sentence = ""
    with watched():
        try:
            read_archive(path)
        except InputError as error:
            sentence = str(error)
    assert len(sentence.splitlines()) <= 1


FUZZ = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@FUZZ
@given(data=st.data())
def test_flipped_bytes_of_the_pickle_run_nothing(tmp_path, data):
    path = write_torch(tmp_path / "m.pt", SMALL)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    opcodes = bytearray(entries["archive/data.pkl"])
    for _ in range(data.draw(st.integers(1, 4), label="changes")):
        at = data.draw(st.integers(0, len(opcodes) - 1), label="position")
        opcodes[at] = data.draw(st.integers(0, 255), label="byte")
    entries["archive/data.pkl"] = bytes(opcodes)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    read_or_refuse(path)


PIECES = st.one_of(
    st.sampled_from(
        [bytes([opcode]) for opcode in b"().]}l0d1tu2aesNRQbo\x81\x85\x86\x92\x93\x94"]
    ),
    st.builds(
        named,
        st.sampled_from(["os", "builtins", "torch", "collections", "torch._utils"]),
        st.sampled_from(["system", "eval", "FloatStorage", "OrderedDict", "_rebuild_tensor_v2"]),
    ),
    st.builds(text, st.sampled_from(["0", "storage", "cpu", "__class__", "os", "system"])),
    st.builds(integer, st.integers(-(2**70), 2**70)),
    st.sampled_from([b"q\1", b"h\1", b"q\2", b"h\2", VALID, storage("0", 4), b"ios\nsystem\n"]),
)


@FUZZ
@given(parts=st.lists(PIECES, max_size=25))
def test_random_pickles_run_nothing(tmp_path, parts):
    read_or_refuse(write_archive(tmp_path / "m.pt", b"".join(parts), FOUR))
