"""Ordered work on a pool."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from spliceflow.parallel import in_order


def test_results_come_in_the_order_of_submission_however_long_each_takes() -> None:
    last_may_end = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert last_may_end.wait(10)
        else:
            last_may_end.set()
        return number * number

    with ThreadPoolExecutor(2) as pool:
        submitted = ((number, [pool.submit(work, number)]) for number in range(5))
        assert list(in_order(submitted, ahead=2)) == [(n, [n * n]) for n in range(5)]


def test_no_more_is_submitted_than_asked_for() -> None:
    submitted: list[int] = []

    def work(pool: ThreadPoolExecutor):
        for number in range(10):
            submitted.append(number)
            yield number, [pool.submit(int), pool.submit(int)]

    with ThreadPoolExecutor(1) as pool:
        results = in_order(work(pool), ahead=3)
        assert next(results) == (0, [0, 0])
        assert submitted == [0, 1, 2, 3]


def test_an_error_is_raised_in_its_place() -> None:
    with ThreadPoolExecutor(1) as pool:
        results = in_order(((n, [pool.submit(divmod, 1, n)]) for n in (1, 0, 2)), ahead=5)
        assert next(results) == (1, [(1, 0)])
        with pytest.raises(ZeroDivisionError):
            next(results)
