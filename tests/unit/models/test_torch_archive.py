"""Archives of torch.save, read without PyTorch: what is in them, and what is refused."""

from __future__ import annotations

import io
import pickle
import pickletools
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spliceflow.errors import InputError
from spliceflow.models.torch_archive import read_archive

# protocol 2: a dict with one float32 tensor of shape (2, 3) over storage 0 of six numbers
TENSOR = (
    b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    b"X\x01\x00\x00\x000X\x06\x00\x00\x00cuda:0K\x06tQK\x00K\x02K\x03\x86K\x03K\x01\x86\x89"
    b"ccollections\nOrderedDict\n)RtR"
)
STATE = b"\x80\x02}X\x01\x00\x00\x00a" + TENSOR + b"s."
NUMBERS = np.arange(6, dtype="<f4")


def archive(path: Path, pickled: bytes, storages: dict[str, bytes] | None = None) -> Path:
    """An archive as torch.save writes it, from its parts."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("model/data.pkl", pickled)
        file.writestr("model/byteorder", "little")
        for key, content in ({"0": NUMBERS.tobytes()} if storages is None else storages).items():
            file.writestr(f"model/data/{key}", content)
        file.writestr("model/version", "3\n")
    return path


def test_a_tensor_of_an_archive_made_by_hand(tmp_path: Path) -> None:
    content = read_archive(archive(tmp_path / "a.pt", STATE))
    assert list(content) == ["a"]
    np.testing.assert_array_equal(content["a"], NUMBERS.reshape(2, 3))


def test_it_reads_what_torch_saves(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    module = torch.nn.Sequential(torch.nn.Conv1d(3, 4, 5), torch.nn.BatchNorm1d(4))
    saved = {
        "state": module.state_dict(),
        "plain": {"view": base[1:3, ::2], "turned": base.t(), "same": base, "scalar": base[2, 3]},
        "parameter": torch.nn.Parameter(torch.randn(3)),
        "kinds": [
            torch.randn(5).to(kind)
            for kind in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32)
        ],
        "flags": torch.tensor([True, False]),
        "rest": [1, 2.5, "text", None, True, (1, 2), [], {}],
    }
    torch.save(saved, tmp_path / "a.pt")
    content = read_archive(tmp_path / "a.pt")
    loaded = torch.load(tmp_path / "a.pt", weights_only=True)
    assert content["rest"] == loaded["rest"]
    for part in ("state", "plain"):
        assert list(content[part]) == list(loaded[part])
        for name, tensor in loaded[part].items():
            assert content[part][name].shape == tuple(tensor.shape)
            np.testing.assert_array_equal(content[part][name], tensor.numpy())
    for array, tensor in zip(content["kinds"], loaded["kinds"], strict=True):
        # NumPy has no bfloat16
        expected = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
        np.testing.assert_array_equal(array, expected)
    np.testing.assert_array_equal(content["parameter"], loaded["parameter"].detach())
    np.testing.assert_array_equal(content["flags"], [True, False])


class Payload:
    """Pickled as a call of whatever is given."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_global_is_named_and_never_looked_up(tmp_path: Path, protocol: int) -> None:
    witness = tmp_path / "witness"
    payloads = {
        "open": Payload(open, str(witness), "w"),
        "eval": Payload(eval, f"open({str(witness)!r}, 'w')"),
        "system": Payload(__import__("os").system, f"touch {witness}"),
    }
    for name, payload in payloads.items():
        pickled = pickle.dumps({"a": payload}, protocol=protocol)
        with pytest.raises(InputError) as refusal:
            read_archive(archive(tmp_path / "a.pt", pickled))
        assert "holds something else than tensors" in str(refusal.value)
        assert name in str(refusal.value)
        assert "\n" not in str(refusal.value)
    assert not witness.exists()


@pytest.mark.parametrize(
    ("pickled", "storages", "message"),
    [
        (STATE, {}, "lacks"),
        (STATE, {"0": b"\0" * 20}, "has 20 bytes"),
        (STATE.replace(b"K\x02K\x03\x86K\x03", b"K\x02K\x09\x86K\x03"), None, ""),
        (STATE.replace(b"K\x03K\x01\x86\x89", b"K\xffK\x01\x86\x89"), None, ""),
        (STATE.replace(b"tQK\x00", b"tQK\x05"), None, ""),
        (STATE.replace(b"K\x03K\x01\x86", b"J\xff\xff\xff\xffK\x01\x86"), None, ""),
        (STATE.replace(b"FloatStorage", b"StrangeStorage"), None, ""),
        (STATE[:-20], None, ""),
        (b"\x80\x02}X\x01\x00\x00\x00aK\x05sb.", None, ""),
        (b"garbage", None, ""),
        (b"", None, ""),
    ],
)
def test_damage_is_told_in_one_sentence(tmp_path: Path, pickled, storages, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        read_archive(archive(tmp_path / "a.pt", pickled, storages))
    text = str(refusal.value)
    assert message in text
    assert "a.pt" in text
    assert "\n" not in text


def test_other_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    legacy = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
    for content, message in (
        (legacy, "before version 1.6"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "no file that torch.save"),
        (b"<!DOCTYPE html><html></html>", "no file that torch.save"),
        (b"", "no file that torch.save"),
        (b"PK\x03\x04", "damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            read_archive(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("m/data.pkl", STATE)
        file.writestr("m/data/0", b"\0" * 100_000_000)
    with pytest.raises(InputError, match="compressed"):
        read_archive(path)


def test_a_small_file_can_not_claim_a_large_tensor(tmp_path: Path) -> None:
    """A stride of 0 repeats a number; what is read stays a view of the file's own bytes."""
    size = b"J" + struct.pack("<i", 2_000_000_000)
    huge = STATE.replace(b"K\x02K\x03\x86K\x03K\x01\x86", size + b"K\x03\x86K\x00K\x01\x86")
    assert huge != STATE
    try:
        content = read_archive(archive(tmp_path / "a.pt", huge))
    except InputError:
        return
    assert content["a"].base is not None
    assert content["a"].strides[0] == 0


def whole() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("m/data.pkl", STATE)
        file.writestr("m/byteorder", "little")
        file.writestr("m/data/0", NUMBERS.tobytes())
    return buffer.getvalue()


WHOLE = whole()


def read_or_refuse(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    message = ""
    try:
        read_archive(path)
    except InputError as refusal:
        message = str(refusal)
    assert "\n" not in message


@settings(max_examples=300, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=6),
    cut=st.none() | st.integers(0, len(WHOLE)),
)
def test_any_damage_of_the_file_is_read_or_refused(tmp_path_factory, changes, cut) -> None:
    content = bytearray(WHOLE)
    for at, byte in changes:
        content[at] = byte
    read_or_refuse(tmp_path_factory.mktemp("fuzz") / "a.pt", bytes(content[:cut]))


@settings(max_examples=300, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(2, len(STATE) - 1), st.integers(0, 255)), max_size=8),
    inserted=st.binary(max_size=12),
    at=st.integers(2, len(STATE)),
)
def test_any_damage_of_the_pickle_is_read_or_refused(
    tmp_path_factory, changes, inserted, at
) -> None:
    content = bytearray(STATE)
    for place, byte in changes:
        content[place] = byte
    content[at:at] = inserted
    path = archive(tmp_path_factory.mktemp("fuzz") / "a.pt", bytes(content))
    read_or_refuse(path, path.read_bytes())


OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]


PIECES = [TENSOR, b"K\x01", b"X\x01\x00\x00\x00a", b"cos\nsystem\n", b")R"]


@settings(max_examples=300, deadline=None)
@given(
    program=st.lists(
        st.sampled_from([*OPCODES, *PIECES]),
        max_size=25,
    )
)
def test_any_program_of_opcodes_is_read_or_refused(tmp_path_factory, program: list[bytes]) -> None:
    path = archive(tmp_path_factory.mktemp("fuzz") / "a.pt", b"\x80\x02" + b"".join(program) + b".")
    read_or_refuse(path, path.read_bytes())


@pytest.mark.parametrize(
    "program",
    [b"(" * 100_000 + b"t" * 100_000, b"]q\x00h\x00a", b"}q\x00X\x01\x00\x00\x00ah\x00s"],
    ids=["tuples", "list", "dict"],
)
def test_nests_without_end_are_read_or_refused(tmp_path: Path, program: bytes) -> None:
    path = archive(tmp_path / "a.pt", b"\x80\x02" + program + b".")
    read_or_refuse(path, path.read_bytes())


def test_a_state_dict_of_a_module_has_a_version_that_does_no_harm(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    state = torch.nn.Linear(2, 3).state_dict()
    assert isinstance(state, OrderedDict)
    assert state._metadata
    torch.save(state, tmp_path / "a.pt")
    assert list(read_archive(tmp_path / "a.pt")) == ["weight", "bias"]
