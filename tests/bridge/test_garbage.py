"""How often Python looks for garbage is what it was, when all that wanted otherwise are done."""

from __future__ import annotations

import gc
from threading import Barrier, Thread

import pytest

from zarrchive.bridge.garbage import fewer_collections


def test_it_is_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with fewer_collections():
        assert gc.get_threshold() > before
        with pytest.raises(RuntimeError), fewer_collections():
            raise RuntimeError
        assert gc.get_threshold() > before
    assert gc.get_threshold() == before


def test_also_where_threads_overlap() -> None:
    before = gc.get_threshold()
    entered, left = Barrier(2), Barrier(2)

    def first() -> None:
        with fewer_collections():
            entered.wait()
        left.wait()

    thread = Thread(target=first)
    thread.start()
    entered.wait()
    with fewer_collections():
        left.wait()
        assert gc.get_threshold() > before
    thread.join()
    assert gc.get_threshold() == before
