"""Errors a user can act on, and how an entrypoint reports them."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Callable


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
