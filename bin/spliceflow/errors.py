"""Errors a user can act on, and how an entrypoint reports them."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Callable
from types import TracebackType

_TRAINING_PACKAGES = frozenset(("torch", "mappy"))


class InputError(Exception):
    """Something the user gave is wrong.

    The message is one sentence that says what is wrong, where, and what to do. Words of more than
    300 characters, which only damaged files hold, are shortened.
    """

    def __init__(self, message: str) -> None:
        super().__init__(
            re.sub(
                r"\S{301,}", lambda word: f"{word[0][:200]}…({len(word[0])} characters)", message
            )
        )


def name_missing_packages() -> None:
    """Let an import of a package that is not installed end a program with one sentence.

    Imports stand at the top of an entrypoint, before :func:`run_entrypoint` can catch anything. So
    the package ``spliceflow`` calls this when it is imported, and entrypoints import from it before
    they import from others.
    """
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        name = (getattr(error, "name", None) or "").partition(".")[0]
        if issubclass(kind, ModuleNotFoundError) and name not in ("", "spliceflow"):
            print(f"error: {missing_package(name)}", file=sys.stderr)
        else:
            before(kind, error, trace)

    sys.excepthook = hook


def missing_package(name: str) -> str:
    """The sentence for a package that is not installed: which, where, and what to do."""
    target = "setup-training" if name in _TRAINING_PACKAGES else "setup"
    return (
        f"the Python package {name} is not installed for {sys.executable}: run `make {target}` and "
        "activate .venv (. .venv/bin/activate), or choose where the packages come from with "
        "-profile docker, singularity or conda"
    )


def run_entrypoint(main: Callable[[], None]) -> None:
    """Run ``main``; print an :class:`InputError` as one line on stderr and exit with 2.

    A full disk is reported in the same way.
    """
    try:
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(141)
    except Exception as error:
        if not _disk_is_full(error):
            raise
        print(
            f"error: the disk is full ({str(error).splitlines()[0]}): make room in the work folder "
            "(-work-dir) and run again with -resume",
            file=sys.stderr,
        )
        sys.exit(2)


def _disk_is_full(error: Exception) -> bool:
    # DuckDB has its own exceptions, which say it only in words
    number = getattr(error, "errno", None)
    return number in (errno.ENOSPC, errno.EDQUOT) or "No space left on device" in str(error)
