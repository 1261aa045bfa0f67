"""Reads what ``torch.save`` writes, without PyTorch, and builds tensors and nothing else.

The format (since PyTorch 1.6) is a zip of ``TOP/data.pkl``, a pickle whose tensors point at raw
storages ``TOP/data/KEY``. A pickle is a program; here it runs on a machine of our own, which
knows text, numbers, lists, tuples, dicts and the three builders of tensors. Nothing is imported
or called that a file names. What is built takes a small multiple of the file's own size: entries
are stored uncompressed, and tensors are views of them.
"""

from __future__ import annotations

import pickletools
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NoReturn

import numpy as np

from spliceflow.errors import InputError

LARGEST_PICKLE = 1 << 20
"""Bytes of the largest ``data.pkl`` that is read; that of a network of 10,000 nt has 40,000."""

LARGEST_EXTENT = 1 << 40
"""Limit of each length and stride of a tensor, so that products of them stay in 64 bits."""

ELEMENTS = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "bool",
}
"""Kinds of storages that are read, in the words of :func:`numbers_of`."""

_ORDERED_DICT = "collections OrderedDict"
_TENSOR = "torch._utils _rebuild_tensor_v2"
_PARAMETER = "torch._utils _rebuild_parameter"
_DAMAGE = (
    zipfile.BadZipFile,
    RuntimeError,
    EOFError,
    OSError,
    struct.error,
    ValueError,
    IndexError,
    KeyError,
    OverflowError,
)
"""What zipfile, pickletools and NumPy raise on damaged files."""

_LEGACY_START = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."


@dataclass(frozen=True)
class _Global:
    """A name of a module's member as a pickle states it; never looked up."""

    name: str


@dataclass(frozen=True, eq=False)
class _Storage:
    """Numbers of one storage, (count,)."""

    numbers: np.ndarray


class _State(dict):
    """An ``OrderedDict``: the only object that a pickle may give attributes to, unread."""


class _RefusalError(Exception):
    """What is wrong with an archive, as the end of a sentence that begins with its path."""


def read_archive(path: str | Path) -> object:
    """What was given to ``torch.save``: dicts, lists, tuples, text, numbers, None and tensors.

    Tensors, and parameters of networks, are read-only arrays of their shapes; bfloat16 becomes
    float32. An ``OrderedDict`` is a dict. A tensor can repeat the numbers of its storage: look at
    its shape before you copy it.

    Raises:
        InputError: no such archive, damaged, or anything else is in it.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_LEGACY_START))
    except OSError as error:
        raise InputError(f"{path} can't be read ({_line(error)}): check the path") from error
    try:
        if start == _LEGACY_START:
            _refuse(
                "is in the format of PyTorch before version 1.6: read it with PyTorch and "
                "torch.save what it holds again"
            )
        if not start.startswith(b"PK"):
            _refuse("is no file that torch.save wrote: give the model's own weights")
        with zipfile.ZipFile(path) as archive:
            return _Machine(_Entries(archive, path.stat().st_size)).run()
    except _RefusalError as refusal:
        raise InputError(f"{path} {refusal}") from None
    except _DAMAGE as error:
        raise InputError(f"{path} is damaged ({_line(error)}): fetch or save it again") from error


def numbers_of(raw: bytes, element: str, order: str) -> np.ndarray:
    """Numbers from their bytes.

    Args:
        raw: a whole count of numbers.
        element: a NumPy code such as ``f4``, or ``bfloat16``, or ``bool``.
        order: ``<`` little-endian, ``>`` big-endian.

    Returns:
        (count,), bfloat16 as float32.
    """
    if element == "bool":
        return np.frombuffer(raw, np.uint8) != 0
    if element == "bfloat16":
        # the upper half of a float32
        halves = np.frombuffer(raw, np.dtype("u2").newbyteorder(order))
        return (halves.astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(raw, np.dtype(element).newbyteorder(order))


class _Entries:
    """The files of an archive below its top folder."""

    def __init__(self, archive: zipfile.ZipFile, size: int) -> None:
        self._archive = archive
        self._listed = {entry.filename: entry for entry in archive.infolist()}
        if len(self._listed) < len(archive.infolist()):
            _refuse("is damaged: it holds two files of one name")
        for entry in self._listed.values():
            if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
                _refuse("is compressed or encrypted, which torch.save never does: save it again")
            if entry.compress_size != entry.file_size:
                _refuse("is damaged: a file in it has two sizes")
        if sum(entry.file_size for entry in self._listed.values()) > size:
            _refuse("is damaged: the files in it are larger than the whole")
        pickles = [name for name in self._listed if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            _refuse("is no file that torch.save wrote: it has no data.pkl in a folder of its own")
        self._top = pickles[0].removesuffix("data.pkl")

    def size(self, name: str) -> int:
        """Bytes of a file."""
        entry = self._listed.get(self._top + name)
        if entry is None:
            _refuse(f"is damaged: it lacks {_word(name)}")
        return entry.file_size

    def read(self, name: str) -> bytes:
        """All of a file, its checksum compared."""
        size = self.size(name)
        try:
            content = self._archive.read(self._top + name)
        except zipfile.BadZipFile as error:
            _refuse(f"is damaged ({_line(error)}): fetch or save it again")
        if len(content) != size:
            _refuse(f"is damaged: {_word(name)} is cut off")
        return content

    def order(self) -> str:
        """Byte order of the storages, ``<`` or ``>``."""
        if self._top + "byteorder" not in self._listed:
            return "<"  # PyTorch before 2.1 did not say
        orders = {b"little": "<", b"big": ">"}
        name = self.read("byteorder").strip()
        if name not in orders:
            _refuse("is damaged: its byte order is neither little nor big")
        return orders[name]


class _Machine:
    """Runs the pickle of an archive.

    Opcodes are taken apart by :mod:`pickletools`, which executes nothing. A handler takes the
    opcode's argument; opcodes without a handler are refused.
    """

    def __init__(self, entries: _Entries) -> None:
        self._entries = entries
        self._order = entries.order()
        self._storages: dict[str, tuple[str, _Storage]] = {}
        self._stack: list = []
        self._below: list[list] = []
        self._memo: dict[int, object] = {}

    def run(self) -> object:
        """What the pickle leaves."""
        if self._entries.size("data.pkl") > LARGEST_PICKLE:
            _refuse("describes more than a network has: its data.pkl is too large")
        for opcode, argument, _ in pickletools.genops(self._entries.read("data.pkl")):
            if opcode.name == "STOP":
                break
            self._step(opcode.name, argument)
        result = self._pop()
        _check_plain(result)
        return result

    def _step(self, opcode: str, argument: object) -> None:
        stack = self._stack
        if opcode in _LITERALS:
            stack.append(argument)
        elif opcode in _CONSTANTS:
            stack.append(_CONSTANTS[opcode])
        elif opcode in _EMPTY:
            stack.append(_EMPTY[opcode]())
        elif opcode in _TUPLES:
            count = _TUPLES[opcode]
            if len(stack) < count:
                _refuse("is damaged: its pickle takes more than it has")
            stack[-count:] = [tuple(stack[-count:])]
        elif opcode in ("BINGET", "GET", "LONG_BINGET"):
            if argument not in self._memo:
                _refuse("is damaged: its pickle recalls what it has not stored")
            stack.append(self._memo[argument])
        elif opcode in ("BINPUT", "PUT", "LONG_BINPUT"):
            self._memo[argument] = self._top()
        elif opcode == "MEMOIZE":
            self._memo[len(self._memo)] = self._top()
        elif opcode == "GLOBAL":
            stack.append(_known_global(argument))
        elif opcode in ("PROTO", "FRAME"):
            pass  # pickletools has checked the length of a frame; newer protocols have more opcodes
        elif opcode in self._handlers:
            self._handlers[opcode](self)
        else:
            _refuse(f"holds something else than tensors (pickle opcode {opcode})")

    def _pop(self) -> object:
        if not self._stack:
            _refuse("is damaged: its pickle takes more than it has")
        return self._stack.pop()

    def _top(self) -> object:
        if not self._stack:
            _refuse("is damaged: its pickle takes more than it has")
        return self._stack[-1]

    def _mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _pop_mark(self) -> list:
        if not self._below:
            _refuse("is damaged: its pickle takes more than it has")
        items, self._stack = self._stack, self._below.pop()
        return items

    def _append(self) -> None:
        self._extend([self._pop()])

    def _appends(self) -> None:
        self._extend(self._pop_mark())

    def _extend(self, items: list) -> None:
        target = self._top()
        if not isinstance(target, list):
            _refuse("is damaged: its pickle appends to what is no list")
        target.extend(items)

    def _set_item(self) -> None:
        value, key = self._pop(), self._pop()
        self._update([key, value])

    def _set_items(self) -> None:
        self._update(self._pop_mark())

    def _update(self, items: list) -> None:
        target = self._top()
        if not isinstance(target, dict) or len(items) % 2:
            _refuse("is damaged: its pickle sets items of what is no dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # tuples of tuples could be nested deeper than their hash can be taken
            if not (type(key) is str or (type(key) is int and abs(key) < 1 << 63)):
                _refuse("holds a dict whose keys are neither text nor numbers")
            target[key] = value

    def _tuple(self) -> None:
        items = self._pop_mark()
        self._stack.append(tuple(items))

    def _list(self) -> None:
        items = self._pop_mark()
        self._stack.append(items)

    def _dict(self) -> None:
        items = self._pop_mark()
        self._stack.append({})
        self._update(items)

    def _duplicate(self) -> None:
        self._stack.append(self._top())

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        if type(name) is not str or type(module) is not str:
            _refuse("is damaged: a global in its pickle has no name")
        self._stack.append(_known_global(f"{module} {name}"))

    def _reduce(self) -> None:
        arguments, builder = self._pop(), self._pop()
        name = builder.name if isinstance(builder, _Global) else ""
        if not isinstance(arguments, tuple):
            _refuse("is damaged: its pickle calls without arguments")
        if name == _ORDERED_DICT and not arguments:
            self._stack.append(_State())
        elif name == _TENSOR:
            self._stack.append(_tensor(arguments))
        elif name == _PARAMETER and len(arguments) == 3 and isinstance(arguments[0], np.ndarray):
            self._stack.append(arguments[0])
        else:
            _refuse(
                "holds something else than tensors: its pickle calls "
                + (_word(_dotted(name)) if name else "what is no function")
            )

    def _build(self) -> None:
        self._pop()  # nn.Module.state_dict notes versions of its modules in an attribute
        if not isinstance(self._top(), _State):
            _refuse("holds something else than tensors: its pickle sets attributes")

    def _persistent(self) -> None:
        match self._pop():
            case ("storage", _Global(name=kind), str(key), str(), int(count)) if (
                kind.removeprefix("torch ") in ELEMENTS
            ):
                self._stack.append(self._storage(kind.removeprefix("torch "), key, count))
            case _:
                _refuse("is damaged: it refers to something else than its storages")

    def _storage(self, kind: str, key: str, count: int) -> _Storage:
        element = ELEMENTS[kind]
        width = {"bfloat16": 2, "bool": 1}.get(element) or np.dtype(element).itemsize
        size = self._entries.size(f"data/{key}")
        if size != count * width:
            _refuse(
                f"is damaged: storage {_word(key)} has {size} bytes, which are not the numbers "
                "that the pickle counts"
            )
        if key not in self._storages:
            raw = self._entries.read(f"data/{key}")
            self._storages[key] = kind, _Storage(numbers_of(raw, element, self._order))
        first_kind, storage = self._storages[key]
        if first_kind != kind:  # the same bytes read as each kind would be more than the file has
            _refuse(f"is damaged: storage {_word(key)} is of two types")
        return storage

    _handlers: ClassVar[dict[str, Callable[[_Machine], object]]] = {
        "MARK": _mark,
        "POP": _pop,
        "POP_MARK": _pop_mark,
        "DUP": _duplicate,
        "APPEND": _append,
        "APPENDS": _appends,
        "SETITEM": _set_item,
        "SETITEMS": _set_items,
        "TUPLE": _tuple,
        "LIST": _list,
        "DICT": _dict,
        "STACK_GLOBAL": _stack_global,
        "REDUCE": _reduce,
        "BUILD": _build,
        "BINPERSID": _persistent,
    }


_LITERALS = frozenset(
    [
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    ]
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_DICT": dict}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_GLOBALS = frozenset(
    {_ORDERED_DICT, _TENSOR, _PARAMETER, *(f"torch {storage}" for storage in ELEMENTS)}
)


def _known_global(name: str) -> _Global:
    if name not in _GLOBALS:
        _refuse(
            f"holds something else than tensors: {_word(_dotted(name))}, which is not loaded; "
            "give a file with the state dict alone"
        )
    return _Global(name)


def _tensor(arguments: tuple) -> np.ndarray:
    """``_rebuild_tensor_v2``: a view of a storage, with offset and strides in elements."""
    match arguments:
        case (_Storage(numbers=numbers), offset, tuple(shape), tuple(strides), *rest) if len(
            rest
        ) in (2, 3):
            pass
        case _:
            _refuse("is damaged: its pickle builds a tensor from something else than a storage")
    if len(rest) == 3 and rest[2]:
        _refuse("holds a tensor with flags (conjugate, negative), which are not read")
    extents = (offset, *shape, *strides)
    if not all(type(extent) is int and 0 <= extent < LARGEST_EXTENT for extent in extents):
        _refuse("is damaged: a tensor's offset, lengths or strides are no possible numbers")
    if len(shape) != len(strides) or len(shape) > 32:
        _refuse("is damaged: a tensor has not as many strides as lengths")
    if 0 in shape:
        return numbers[:0].reshape(shape)
    end = offset + sum((length - 1) * step for length, step in zip(shape, strides, strict=True))
    if end >= len(numbers):
        _refuse("is damaged: a tensor reaches beyond its storage")
    return np.lib.stride_tricks.as_strided(
        numbers[offset:],
        shape,
        tuple(stride * numbers.itemsize for stride in strides),
        writeable=False,
    )


def _check_plain(result: object) -> None:
    """The builders and bare storages are no values."""
    pending, seen = [result], set()
    while pending:
        value = pending.pop()
        if isinstance(value, _Global | _Storage):
            _refuse("holds something else than tensors: a type or a storage")
        if isinstance(value, dict | list | tuple) and id(value) not in seen:
            seen.add(id(value))
            pending.extend(value.values() if isinstance(value, dict) else value)


def _refuse(what: str) -> NoReturn:
    raise _RefusalError(what)


def _dotted(name: str) -> str:
    return ".".join(name.split(" ", 1))


def _word(text: str) -> str:
    """Text of a file for a message: one line, not too long."""
    line = "".join(letter if letter.isprintable() else "?" for letter in text[:100])
    return line if len(text) <= 100 else line + "…"


def _line(error: Exception) -> str:
    return _word(" ".join(str(error).split()) or type(error).__name__)
