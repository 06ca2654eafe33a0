"""Printing never makes the engine wait, whatever the reader does."""

import io
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import pytest

from companion.cli import outlet as outlet_module
from companion.cli.outlet import Outlet
from sessions.events import Closed, Event, Notice
from tests.test_printers import reading


class Numbers:
    """Prints an event's time, to the width of a real reading if asked."""

    def __init__(self, width: int = 0) -> None:
        self._width = width

    def lines(self, event: Event) -> Iterable[str]:
        if isinstance(event, Notice) and event.kind == "fault":
            raise RuntimeError("a fault in a line")
        t_s = event.t_s if isinstance(event.t_s, float | None) else float(event.t_s[0])
        return (f"{t_s:<{self._width}g}",)

    def words(self, event: Event) -> Iterable[str]:
        return (event.text,) if isinstance(event, Notice) else ()

    def dropped(self, readings: int) -> Iterable[str]:
        return (f"dropped {readings}",)


def pipe() -> tuple[int, TextIO]:
    reader, writer = os.pipe()
    return reader, os.fdopen(writer, "w", encoding="utf-8")


def drain(reader: int) -> list[str]:
    with os.fdopen(reader, encoding="utf-8") as file:
        return file.read().splitlines()


def until(true: "threading.Event", what: str) -> None:
    assert true.wait(10), what


def test_lines_come_out_in_order_and_words_beside_them() -> None:
    out, words = io.StringIO(), io.StringIO()
    outlet = Outlet(Numbers(), out, words)
    outlet(Notice(1.0, "gap", "a hole"))
    outlet(reading([2.0], 1.0))
    outlet.say("the end")
    outlet.close()
    assert out.getvalue().splitlines() == ["1", "2", "the end"]
    assert words.getvalue() == "a hole\n"
    assert outlet.unwritten == ""


def test_a_line_is_out_before_the_next_event_comes() -> None:
    reader, stream = pipe()
    outlet = Outlet(Numbers(), stream, None)
    outlet(reading([1.0], 1.0))
    assert os.read(reader, 100) == b"1\n"
    outlet.close()
    stream.close()
    os.close(reader)


def test_a_reader_that_stands_still_does_not_hold_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet_module, "READINGS_MAX", 50)
    reader, stream = pipe()
    outlet = Outlet(Numbers(5000), stream, None)
    for n in range(1_000):  # far more than a pipe and the queue hold: a put that waited would wait for ever
        outlet(reading([float(n)], 1.0))
    outlet(Notice(0.5, "alert", "come off"))
    assert outlet.unprinted > 0

    begin_s = time.monotonic()
    outlet.close(stall_s=0.2)
    assert time.monotonic() - begin_s < 5
    assert outlet.unwritten == "their reader has stalled"

    done = threading.Event()
    lines: list[str] = []

    def read() -> None:
        lines.extend(drain(reader))
        done.set()

    threading.Thread(target=read, daemon=True).start()
    outlet.close(stall_s=5)  # the reader has woken up: all that was kept comes out
    stream.close()
    until(done, "the pipe's end")
    assert f"{0.5:<5000g}" in lines, "an event that is no reading is kept"
    assert sum(line.startswith("dropped ") for line in lines) >= 1
    dropped = sum(int(line.split()[1]) for line in lines if line.startswith("dropped "))
    assert dropped == outlet.unprinted
    assert len([line for line in lines if not line.startswith("dropped ")]) == 1_001 - dropped


def test_a_reader_that_has_gone_is_noticed() -> None:
    reader, stream = pipe()
    os.close(reader)
    outlet = Outlet(Numbers(), stream, None)
    outlet(reading([1.0], 1.0))
    outlet.close()
    assert outlet.reader_gone
    assert outlet.unwritten == "", "it wanted no more"
    outlet(reading([2.0], 1.0))
    outlet.say("nobody hears this")
    outlet.close()
    stream.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_an_error_of_the_output_alone() -> None:
    with Path("/dev/full").open("w") as full:
        outlet = Outlet(Numbers(), full, None)
        outlet(reading([1.0], 1.0))
        outlet.close()
    assert not outlet.reader_gone
    assert "No space left" in outlet.unwritten


def test_a_fault_in_a_line_ends_printing_only() -> None:
    outlet = Outlet(Numbers(), io.StringIO(), None)
    outlet(Notice(1.0, "fault", "x"))
    outlet(Closed(2.0, "user"))
    outlet.close()
    assert outlet.unwritten == "a fault in a line"


def test_a_closed_stdout_is_printed_to_nowhere() -> None:
    outlet = Outlet(Numbers(), None, None)
    outlet(Notice(1.0, "gap", "x"))
    outlet.close()
    assert not outlet.dead
    assert outlet.unwritten == ""


def test_a_stderr_that_fails_costs_no_line() -> None:
    words = io.StringIO()
    words.close()
    out = io.StringIO()
    outlet = Outlet(Numbers(), out, words)
    outlet(Notice(1.0, "gap", "x"))
    outlet.close()
    assert out.getvalue() == "1\n"


def test_a_pipe_that_does_not_block_is_waited_for() -> None:
    reader, stream = pipe()
    os.set_blocking(stream.fileno(), False)
    outlet = Outlet(Numbers(1000), stream, None)
    for n in range(1_000):
        outlet(Notice(float(n), "gap", ""))
    done = threading.Event()
    lines: list[str] = []

    def read() -> None:
        lines.extend(drain(reader))
        done.set()

    threading.Thread(target=read, daemon=True).start()
    outlet.close()
    stream.close()
    until(done, "the pipe's end")
    assert not outlet.dead
    assert [int(line) for line in lines] == list(range(1_000))


def test_closing_can_be_cut_short() -> None:
    reader, stream = pipe()
    outlet = Outlet(Numbers(5000), stream, None)
    for n in range(50):
        outlet(Notice(float(n), "gap", ""))
    begin_s = time.monotonic()
    outlet.close(stall_s=60, give_up=lambda: True)
    assert time.monotonic() - begin_s < 5
    os.close(reader)  # ends the thread
    outlet.close()
    assert outlet.reader_gone
    stream.close()
