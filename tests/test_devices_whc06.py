"""The crane scale's driver: its advertisement byte by byte, its unit, and how slow it is."""

import numpy as np
import pytest

from firmware_protocol.devices import whc06
from firmware_protocol.devices.kind import Link, Options
from firmware_protocol.driver import Chunk, Damaged, DriverEvent, Profile, Samples, Started
from firmware_protocol.foreign.known import GRAVITY, NEWTONS
from firmware_protocol.simulator.foreign import CraneScale
from tests.foreign import Advertising, joined


def said(weight: int, unit: int = 1, stable: int = 1, behind: bytes = b"") -> bytes:
    """As it stands behind the company id."""
    return bytes(10) + weight.to_bytes(2, "big") + b"\x55\xaa" + bytes((stable << 4 | unit,)) + behind


def heard(*data: bytes, every_s: float = 0.5) -> tuple[whc06.CraneScale, list[DriverEvent]]:
    scale = whc06.CraneScale(Options())
    events = scale.opened(0.0)
    for number, one in enumerate(data):
        events += scale.feed(Chunk("advert", one, (number + 1) * every_s))
    return scale, events


def forces(events: list[DriverEvent]) -> list[float]:
    (profile,) = (event for event in events if isinstance(event, Profile))
    return [float(event.values[0, 0]) * profile.lsb for event in events if isinstance(event, Samples)]


@pytest.mark.parametrize(("unit", "name"), [(1, "kg"), (2, "lb"), (3, "st"), (4, "jin")])
def test_the_unit_set_on_the_scale_is_honoured(unit: int, name: str) -> None:
    scale, events = heard(*[said(1234, unit)] * 12)
    assert forces(events) == pytest.approx([12.34 * NEWTONS[name]] * len(forces(events)), abs=0.06)
    assert forces(events)
    assert not scale.damage


def test_a_unit_switched_in_mid_session_is_the_same_force() -> None:
    _, events = heard(*[said(1000, 1)] * 8, *[said(2205, 2)] * 8)
    assert np.ptp(forces(events)) < 0.2
    assert len(forces(events)) > 12


def test_an_unknown_unit_is_no_value() -> None:
    scale, events = heard(*[said(1234, 7)] * 8)
    assert {event.reason for event in events if isinstance(event, Damaged)} == {"unit"}
    assert not [event for event in events if isinstance(event, Samples | Profile)]
    assert scale.damage == {"unit": 8}


def test_kilograms_are_kept_exactly() -> None:
    _, events = heard(*[said(weight) for weight in range(100, 112)])
    lsb = next(event.lsb for event in events if isinstance(event, Profile))
    assert lsb == pytest.approx(0.01 * GRAVITY)
    values = [int(event.values[0, 0]) for event in events if isinstance(event, Samples)]
    assert values == list(range(100, 100 + len(values)))


def test_what_cannot_be_shown_is_at_its_end() -> None:
    _, events = heard(*[said(65_535)] * 8)
    assert all(event.values[0, 0] == 32767 for event in events if isinstance(event, Samples))
    assert forces(events)


def test_a_short_advertisement_is_damage_and_a_long_one_is_not() -> None:
    scale, events = heard(*[said(100, behind=b"\1\2\3")] * 8, said(100)[:14], b"")
    assert scale.damage == {"length": 2}
    assert forces(events)


def test_the_radios_repeats_are_no_scans_and_a_value_that_stays_is() -> None:
    _, events = heard(*[said(100)] * 200, every_s=0.03)
    repeated = [event.arrival_s for event in events if isinstance(event, Samples)]
    assert np.diff(repeated).min() >= whc06.REPEAT_S - 1e-9
    _, events = heard(*[said(100)] * 20, every_s=0.3)
    assert len([event for event in events if isinstance(event, Samples)]) > 15


@pytest.mark.parametrize("every_s", [0.05, 0.125, 0.3, 1.0])
def test_however_often_it_is_heard_it_is_too_slow_to_warn(every_s: float) -> None:
    _, events = heard(*[said(100 + number % 7) for number in range(40)], every_s=every_s)
    (started,) = (event for event in events if isinstance(event, Started))
    assert started.period_s == pytest.approx(max(every_s, 1 / whc06.MAX_HZ), rel=0.05)
    assert started.period_s > 0.1


def test_the_virtual_scale_is_read_as_it_presses() -> None:
    line = joined("whc06", Link.ADVERT, Advertising(CraneScale("calm", unit="lb")))
    line.run(30.0)
    lsb = line.of(Profile)[0].lsb
    largest = max(float(samples.values.max()) for samples in line.of(Samples)) * lsb
    assert largest > 10.0
    assert not line.driver.damage
