from __future__ import annotations

import threading

import pytest

from campaigns.ahead import ahead


def test_the_next_item_is_made_while_the_last_is_worked_on():
    second_made = threading.Event()

    def items():
        yield 1
        second_made.set()
        yield 2

    found = ahead(items())

    assert next(found) == 1
    assert second_made.wait(5)
    assert list(found) == [2]


def test_what_goes_wrong_in_the_thread_is_told():
    def items():
        yield 1
        raise OSError("the file is gone")

    found = ahead(items())
    next(found)

    with pytest.raises(OSError, match="is gone"):
        next(found)
