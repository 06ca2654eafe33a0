"""Pairing over Bluetooth LE: the product's own code on a virtual radio, with encryption where the ball demands it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from companion import compose, ending, inreach, whereabouts
from companion.config import Settings, find_paths
from companion.meeting import Meeting
from companion.pairing import steps as steps_module
from companion.pairing.profile import settled_of
from companion.pairing.settling import Wishes
from companion.pairing.steps import Ask, Say, Step, Steps
from companion.run import LiveRequest
from firmware_protocol.simulator.virtual import VirtualBall
from sessions.events import Fields, Notice, Reading
from sessions.store import Store
from tests.kit import LIMIT_S, Recorder
from tests.radio import Radio, RadioBall
from tests.test_pairing_steps import FREE

CHECK_S = 0.5  # on the air time cannot be hurried


@pytest.fixture
def radio() -> Iterator[Radio]:
    with Radio() as air:
        yield air


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(paths=find_paths({"KNEAD_HOME": str(tmp_path)}))


def ball_of(radio: Radio, name: str = "Knead-1", *, encrypted: bool = False, **options: Any) -> RadioBall:
    made = VirtualBall(FREE, framed=False, encrypted=encrypted)
    return radio.ball(name, ball=made, encrypted=encrypted, **options)


def pairing(settings: Settings, address: str, on: dict[object, Any] | None = None, **options: Any) -> Meeting:
    acts = dict(on or {})

    def hear(said: Say | Ask) -> None:
        do = acts.pop(said.step if isinstance(said, Say) else said.key, None)
        if do is not None:
            do()
        if isinstance(said, Ask):
            meeting.answer(True)

    meeting = compose.pair(address, settings, hear, Steps(asks=True, seconds=CHECK_S), **options)
    return meeting


def test_a_ball_that_demands_encryption_is_paired_and_known_ever_after(radio: Radio, settings: Settings) -> None:
    ball_of(radio, encrypted=True)
    (near,) = inreach.ble_places({}, 1.0)
    meeting = pairing(settings, near.address, wishes=Wishes(as_told=True), nickname="Blue")
    assert meeting.run().code == 0
    meeting.keep()
    (kept,) = whereabouts.remembered(settings.paths)
    settled = settled_of(kept.kept)
    assert (kept.nickname, kept.serial, kept.address) == ("Blue", "V-FREE-0", "ble:Knead-1")
    assert (settled.encrypted, settled.tool, settled.area_cm2) == (True, "tennis", 12.0)
    seen = Recorder()
    request = LiveRequest(record=False, sound=False)  # no address: the last ball
    run = compose.live(request, settings, (seen,))
    run.start()
    seen.wait(Reading)
    run.stop("user")
    assert run.join(LIMIT_S)
    assert "this is Blue" in [notice.text for notice in seen.of(Notice)]


def test_it_is_found_by_its_serial_among_others_of_its_name(radio: Radio, settings: Settings) -> None:
    known: Fields = {"kind": "native", "serial": "V-FREE-0", "model": "virtual"}
    with Store(settings.paths.database) as store:
        store.devices.pair(known, "ble:Knead-1", datetime.now(UTC), "Blue", lambda before: before)
    radio.ball("Knead-1", "calm")  # another ball bears its name
    ball_of(radio, "Knead-2")  # and it has another one now
    seen = Recorder()
    run = compose.live(LiveRequest(address="Blue", record=False, sound=False), settings, (seen,))
    run.start()
    seen.wait(Reading)
    run.stop("user")
    assert run.join(LIMIT_S)
    (serial,) = {notice.fields["serial"] for notice in seen.of(Notice) if notice.kind == "ball"}
    assert serial == "V-FREE-0"


@pytest.mark.parametrize("at", ["buzz", Step.ZERO, Step.CHECK])
def test_gone_at_a_step(radio: Radio, settings: Settings, at: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "PATIENCE_S", 1.0)
    ball = ball_of(radio)
    meeting = pairing(settings, "ble:Knead-1", {at: ball.leave})
    outcome = meeting.run()
    assert (outcome.code, whereabouts.remembered(settings.paths)) == (4, [])
    assert "nothing was kept" in outcome.text


def test_gone_before_it_answers(radio: Radio, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "FIRST_READING_S", 1.0)
    ball = ball_of(radio)
    meeting = pairing(settings, "ble:Knead-1", {Step.CONNECT: ball.leave})
    outcome = meeting.run()
    assert (outcome.code, whereabouts.remembered(settings.paths)) == (3, [])
    assert steps_module.DOING[meeting.steps.step]
