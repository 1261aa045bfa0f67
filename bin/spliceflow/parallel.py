"""Work on a pool whose results come in order, a bounded amount at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    submitted: Iterable[tuple[Item, Sequence[Future[Result]]]], ahead: int
) -> Iterator[tuple[Item, list[Result]]]:
    """Yield each item with the results of its futures, in the order of submission.

    Args:
        submitted: submits the work of an item to a pool when the item is asked for.
        ahead: items that may be submitted before the results of the first are waited for.
    """
    waiting: deque[tuple[Item, Sequence[Future[Result]]]] = deque()
    for entry in submitted:
        waiting.append(entry)
        if len(waiting) > ahead:
            yield _results(*waiting.popleft())
    while waiting:
        yield _results(*waiting.popleft())


def _results(item: Item, futures: Sequence[Future[Result]]) -> tuple[Item, list[Result]]:
    return item, [future.result() for future in futures]
