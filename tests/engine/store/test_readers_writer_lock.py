"""Many or one, and nobody waits for who waits for them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.store.readers_writer_lock import ReadersWriterLock


def test_many_share_and_one_is_alone():
    lock = ReadersWriterLock()
    inside, together = 0, []
    count = threading.Lock()
    met = threading.Barrier(3)

    def share():
        nonlocal inside
        with lock.shared():
            with count:
                inside += 1
            met.wait(10)  # all three are in it at once, or this fails
            with count:
                inside -= 1

    def alone():
        with lock.alone():
            together.append(inside)

    with ThreadPoolExecutor(5) as threads:
        jobs = [threads.submit(share) for _ in range(3)] + [threads.submit(alone) for _ in range(2)]
        for job in jobs:
            job.result(20)
    assert together == [0, 0]


def test_who_waits_to_be_alone_comes_before_those_that_come_later_to_share():
    lock, order = ReadersWriterLock(), []
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with lock.shared():
            entered.set()
            leave.wait(10)

    def alone():
        with lock.alone():
            order.append("alone")

    def share():
        with lock.shared():
            order.append("shared")

    first = threading.Thread(target=hold)
    first.start()
    entered.wait(10)
    waiting = threading.Thread(target=alone)
    waiting.start()
    while not lock._waiting:
        pass
    late = threading.Thread(target=share)
    late.start()
    late.join(0.05)
    assert order == []
    leave.set()
    for thread in (first, waiting, late):
        thread.join(10)
    assert order == ["alone", "shared"]


def test_who_is_inside_comes_in_again_though_another_waits_to_be_alone():
    lock = ReadersWriterLock()
    waiting = threading.Thread(target=lambda: lock.alone().__enter__(), daemon=True)
    with lock.shared():
        waiting.start()
        while not lock._waiting:
            pass
        with lock.shared():
            pass
    waiting.join(10)
    assert not waiting.is_alive()


def test_who_is_inside_can_t_be_alone():
    lock = ReadersWriterLock()
    with lock.shared(), pytest.raises(RuntimeError, match="meanwhile"), lock.alone():
        pass
    with lock.alone():
        pass
