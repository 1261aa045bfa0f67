"""Errors a user can act on, and how an entrypoint reports them."""

from __future__ import annotations

import sys
from collections.abc import Callable


class InputError(Exception):
    """Something the user gave is wrong.

    The message is one sentence that says what is wrong, where, and what to do.
    """


def run_entrypoint(main: Callable[[], None]) -> None:
    """Run ``main``; print an :class:`InputError` as one line on stderr and exit with 2."""
    try:
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(141)
