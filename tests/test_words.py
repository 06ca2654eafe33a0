"""What the host says in plain words."""

import pytest

from firmware_protocol import messages as m
from firmware_protocol.words import CLOSINGS, REFUSALS, closing, failed_start, name_of, refused


def test_requests_are_called_as_in_the_protocol() -> None:
    names = {name_of(request) for request in (m.CalGet(0), m.LogRead(0, 0), m.Tare(), m.Start())}
    assert names == {"CAL_GET", "LOG_READ", "TARE", "START"}


def test_every_status_has_words() -> None:
    assert set(REFUSALS) == set(m.Status) - {m.Status.OK}
    assert refused(m.Tare(), m.Status.UNSTABLE).text == REFUSALS[m.Status.UNSTABLE]
    assert refused(m.Tare(), 200).text == "the ball failed (status 200)"


@pytest.mark.parametrize("cause", sorted(CLOSINGS))
def test_every_end_says_what_can_be_done(cause: str) -> None:
    close = closing(cause)
    assert close.cause == cause
    assert close.text.endswith(".")
    assert close.hint or cause == "stopped"
    assert close.retry == (cause == "silent")  # all else would only happen again


def test_a_start_that_fails_says_why() -> None:
    texts = {failed_start(status).text for status in (m.Status.TOO_BIG, m.Status.DENIED, m.Status.HARDWARE, 99)}
    assert len(texts) == 4
