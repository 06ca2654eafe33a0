"""A serial port, and nobody says what is on it: a ball, a board that prints, or nothing."""

import numpy as np
import pytest

from firmware_protocol import devices
from firmware_protocol.devices.kind import Link, Options
from firmware_protocol.driver import (
    Chunk,
    Close,
    Damaged,
    DriverEvent,
    Phase,
    PhaseChanged,
    Profile,
    Refused,
    Samples,
    Send,
)
from firmware_protocol.messages import Stop, Tare
from firmware_protocol.simulator.foreign import TextBoard
from tests.foreign import Ball, Board, Joined, Side, joined


def found(side: Side, kind: str = devices.AUTO) -> Joined:
    line = joined(kind, Link.SERIAL, side)
    line.run(6.0)
    return line


def without_words(line: Joined) -> list[DriverEvent]:
    return [event for event in line.events if not isinstance(event, Send | Samples)]


def numbers(line: Joined) -> list[list[int]]:
    found: list[list[int]] = np.concatenate([samples.values for samples in line.of(Samples)]).tolist()
    return found


def test_a_ball_is_found_and_heard_as_if_it_had_been_named() -> None:
    line, named = found(Ball(framed=True)), found(Ball(framed=True), "native")
    assert line.of(Profile)[0].kind == "native"
    assert without_words(line) == without_words(named)
    assert numbers(line) == numbers(named)


def test_a_board_is_found_and_heard_as_if_it_had_been_named() -> None:
    line, named = found(Board(TextBoard("calm"))), found(Board(TextBoard("calm")), "text")
    assert line.of(Profile)[0].kind == "text"
    assert without_words(line) == without_words(named)
    assert numbers(line) == numbers(named)
    assert not line.of(Damaged)


def test_what_was_found_once_stays_so() -> None:
    line = found(Board(TextBoard("calm")))
    sent = len(line.of(Send))
    line.close()
    line.open()
    line.run(4.0)
    assert len(line.of(Send)) == sent, "a board is not greeted again"
    assert line.of(Samples)[-1].arrival_s > line.now_s - 0.5


def test_nothing_there_is_said_once_both_have_waited() -> None:
    line = joined(devices.AUTO, Link.SERIAL, Ball(framed=True))
    line.mute = True
    line.run(12.0)
    (close,) = line.of(Close)
    assert (close.cause, close.retry) == ("no_ball", False)
    assert "prints" in close.text
    assert line.driver.deadline() is None


@pytest.mark.parametrize("noise", [bytes(range(256)) * 4, b"hello\r\nworld\r\n" * 40, b"\0" * 500])
def test_noise_is_neither(noise: bytes) -> None:
    driver = devices.driver(devices.AUTO, Link.SERIAL, Options(7))
    events = driver.opened(0.0)
    for step in range(24):
        events += driver.feed(Chunk("serial", noise, step * 0.5))
        events += driver.tick(step * 0.5)
    assert [event.cause for event in events if isinstance(event, Close)] == ["no_ball"]
    assert not [event for event in events if isinstance(event, Profile | Damaged)]


def test_columns_that_nobody_can_tell_are_said() -> None:
    driver = devices.driver(devices.AUTO, Link.SERIAL, Options(7))
    events = driver.opened(0.0)
    for step in range(240):
        events += driver.feed(Chunk("serial", b" ".join([b"512"] * 40) + b"\n", step * 0.05))
        events += driver.tick(step * 0.05)
    (close,) = (event for event in events if isinstance(event, Close))
    assert "columns" in close.hint


def test_before_anything_is_found_it_can_be_stopped_and_refuses_the_rest() -> None:
    line = joined(devices.AUTO, Link.SERIAL, Board(TextBoard("calm")))
    line.ask(Tare())
    assert [refused.request for refused in line.of(Refused)] == ["TARE"]
    line.ask(Stop())
    assert [close.cause for close in line.of(Close)] == ["stopped"]
    assert line.of(PhaseChanged)[-1].phase is Phase.ENDED
    line.run(3.0)
    assert not line.of(Samples)


def test_a_link_that_breaks_before_anything_is_found_is_tried_again() -> None:
    line = joined(devices.AUTO, Link.SERIAL, Board(TextBoard("calm")))
    line.run(0.2)
    line.close()
    line.now_s += 1.0
    line.open()
    line.run(4.0)
    assert line.of(Samples)
