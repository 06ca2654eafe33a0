"""Numbered work on several processors: results in order, a word now and then, and no hang where a process dies."""

import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
LANES = min(2, os.cpu_count() or 1)
SLICE = 40  # numbers given to a process at a time
AHEAD = 3  # slices that wait for each process
WORD_S = 10.0  # between two words
LIVES = 2  # a slice in which a process died is played once more; then it is the slice


def in_lanes(work: Callable[[int], T], numbers: Iterable[int], name: str, size: int = SLICE) -> Iterator[T]:
    """`work` of each number, in order; closing the iterator ends it. RuntimeError where a slice kills its process.

    `work` must be importable by name: each process imports it anew.
    """
    started_s = spoken_s = time.monotonic()
    slices = _slices(iter(numbers), size)
    waiting: deque[tuple[list[int], int]] = deque()  # and how often a process died while it was in one
    done = 0
    while True:
        waiting.extend((part, 0) for part in islice(slices, max(0, AHEAD * LANES - len(waiting))))
        if not waiting:
            return
        flying: deque[tuple[list[int], int, Future[list[T]]]] = deque()
        with _pool() as pool:
            try:
                while waiting or flying:
                    while waiting:  # it stays there until the pool has taken it: a broken one takes nothing
                        flying.append((*waiting[0], pool.submit(_play, work, waiting[0][0])))
                        waiting.popleft()
                    part, _, future = flying[0]
                    found = future.result()
                    flying.popleft()
                    yield from found
                    done += len(part)
                    if time.monotonic() - spoken_s >= WORD_S:
                        spoken_s = time.monotonic()
                        print(f"  {name}: {done} done after {spoken_s - started_s:.0f} s", file=sys.stderr, flush=True)
                    waiting.extend((fresh, 0) for fresh in islice(slices, 1))
            except BrokenProcessPool as error:
                waiting.extendleft(reversed([*_once_more(flying, name, error)]))
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _once_more(
    flying: Iterable[tuple[list[int], int, "Future[list[T]]"]], name: str, error: BrokenProcessPool
) -> Iterator[tuple[list[int], int]]:
    """All that has no result; nobody can tell in which of those that ran it was."""
    for at, (part, before, _) in enumerate(flying):
        died = before + (at < LANES)
        if died >= LIVES:
            raise RuntimeError(f"{name}: a process died {LIVES} times at numbers {part[0]} to {part[-1]}") from error
        if at == 0:
            print(f"  {name}: a process died near number {part[0]}; once more", file=sys.stderr, flush=True)
        yield part, died


def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(LANES, multiprocessing.get_context("spawn"))


def _play(work: Callable[[int], T], numbers: list[int]) -> list[T]:
    found = []
    for number in numbers:
        try:
            found.append(work(number))
        except Exception as error:
            error.add_note(f"at number {number}")
            raise
    return found


def _slices(numbers: Iterator[int], size: int) -> Iterator[list[int]]:
    while part := list(islice(numbers, size)):
        yield part
