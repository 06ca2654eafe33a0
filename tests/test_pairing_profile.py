"""The stored profile: what was settled comes back; what cannot be read is not known, and never raises."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.errors import ConfigError
from companion.pairing.profile import HARDNESS, Settled, area_of, checked_name, merged, settled_of
from companion.safety.limits import tools

WHOLE = Settled(
    tool="soft",
    area_cm2=18.5,
    diameter_mm=70.0,
    hardness="soft",
    cell_cm2=1.5,
    full_scale_n=900.0,
    noise_n=0.12,
    baud=57600,
    columns=("time_ms", "force", "-"),
    unit="kg",
    invert=True,
    cal_crc=0xAFB0,
    calibrated_on=date(2026, 3, 1),
    points=(((-1200.0, 0.0), (845000.0, 196.125)),),
    points_on=date(2026, 3, 2),
    usb_id="1a86:7523",
    usb_serial="A7",
    radio_name="Ball",
    encrypted=True,
    checked_at=datetime(2026, 3, 10, tzinfo=UTC),
    checks=({"check": "noise", "value": None},),
)


def test_a_profile_survives_being_stored() -> None:
    assert settled_of(json.loads(json.dumps(WHOLE.to_fields()))) == WHOLE
    assert settled_of({}) == Settled()
    assert Settled().to_fields() == {}


def test_what_others_keep_beside_it_passes_through() -> None:
    kept = merged({"tool": "hard", "gain": 128, "area_cm2": 8.0}, Settled(area_cm2=9.0))
    assert kept == {"gain": 128, "area_cm2": 9.0}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tool", "gun"),
        ("area_cm2", 1e9),
        ("area_cm2", True),
        ("area_cm2", float("nan")),
        ("cell_cm2", 0),
        ("full_scale_n", -1.0),
        ("baud", 9600.5),
        ("columns", ["a\x1b[2J"]),
        ("cal_crc", -1),
        ("calibrated_on", "yesterday"),
        ("points", [[[0, 0], [0, 5]]]),
        ("points", [[[0, 0], ["x", 5]]]),
        ("points", [[]]),
        ("usb_id", "x" * 500),
        ("encrypted", "yes"),
        ("checked_at", 5),
        ("checks", "all fine"),
    ],
)
def test_what_is_stored_wrongly_is_not_known(name: str, value: object) -> None:
    stored: Any = {**WHOLE.to_fields(), name: value}
    read = settled_of(stored)
    assert getattr(read, name) == getattr(Settled(), name)
    others = [item for item in WHOLE.to_fields() if item != name]
    assert [getattr(read, item) for item in others] == [getattr(WHOLE, item) for item in others]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(WHOLE.to_fields())), _JSON))
def test_nothing_stored_raises(kept: dict[str, Any]) -> None:
    read = settled_of(kept)
    assert settled_of(read.to_fields()) == read


def test_area_goes_with_the_square_of_the_diameter() -> None:
    assert [area_of(mm, "hard") for mm in (63, 31.5, 126)] == [8.0, 2.0, 32.0]
    assert {word: area_of(mm, word) for word, mm in (("hard", 63), ("medium", 67), ("soft", 75))} == {
        word: tools()[tool].area_cm2 for word, tool in HARDNESS.items()
    }


@pytest.mark.parametrize("name", ["", "  ", "a:b", "-x", "@file", "last", "Demo", "x" * 41, "a\x1bb", "../x"])
def test_names_that_would_be_taken_for_something_else(name: str) -> None:
    with pytest.raises(ConfigError):
        checked_name(name)


def test_a_name_is_kept_as_it_is_meant() -> None:
    assert checked_name("  Blue   ball ü ") == "Blue ball ü"
