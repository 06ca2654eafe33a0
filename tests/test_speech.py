"""How an address is spoken to: by the kind that is named, told or found out, with what is known of the ball there."""

import pytest

from companion.balls import speech
from companion.errors import ConfigError
from companion.speech import Speech, checked
from firmware_protocol import devices
from firmware_protocol.devices.kind import Link
from firmware_protocol.host import Host
from firmware_protocol.recognising import Recogniser
from sessions.events import Fields

PORT = "serial:/dev/ttyUSB7"


@pytest.mark.parametrize(
    ("address", "kind", "spoken"),
    [
        (PORT, None, (devices.AUTO, Link.SERIAL)),
        (f"{PORT}?kind=text", None, ("text", Link.SERIAL)),
        (f"{PORT}?kind=text", "native", ("native", Link.SERIAL)),
        ("sim:calm", None, ("native", Link.SERIAL)),
        ("ble:Knead-1", None, ("native", Link.GATT)),
        ("ble:IF_B7", "whc06", ("whc06", Link.ADVERT)),
        ("ble:Progressor_1?kind=progressor", None, ("progressor", Link.GATT)),
    ],
)
def test_the_kind_named_beats_the_one_told_and_that_the_one_found(
    address: str, kind: str | None, spoken: tuple[str, Link]
) -> None:
    found = speech(address, kind, 7)
    assert (found.kind, found.link) == spoken
    assert found.driver().deadline() is None


def test_what_the_address_says_beats_what_is_kept_and_no_more_is_told() -> None:
    kept: Fields = {"unit": "kg", "zero": [5.0], "checks": [], "nickname": "x"}
    found = speech(f"{PORT}?unit=N&columns=-,force", None, 7, "S", kept)
    assert found.settings == {"unit": "N", "zero": [5.0], "columns": "-,force"}
    assert found.expect_serial == "S"


@pytest.mark.parametrize("said", ["unit=stone", "columns=a,b", "columns=", "full_scale=-1", "full_scale=x", "invert=x"])
def test_what_no_board_can_be_is_refused_with_what_it_can(said: str) -> None:
    if said == "columns=":
        assert speech(f"{PORT}?{said}", None, 7).settings == {}
        return
    with pytest.raises(ConfigError, match="says nothing") as refused:
        speech(f"{PORT}?{said}", None, 7)
    assert refused.value.hint


def test_every_kind_has_a_driver_on_each_of_its_links_and_no_other() -> None:
    for key, kind in devices.kinds().items():
        for link in Link:
            if link in kind.links:
                assert checked(key, link) == key
                assert Speech(key, link).driver() is not Speech(key, link).driver()
            else:
                with pytest.raises(ConfigError, match="not reached"):
                    checked(key, link)
    assert isinstance(Speech().driver(), Host)
    assert isinstance(Speech(devices.AUTO).driver(), Recogniser)


def test_what_is_no_kind_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="no kind of ball called sponge") as refused:
        checked("sponge", Link.SERIAL)
    assert "progressor" in refused.value.hint
    with pytest.raises(ConfigError):
        checked(devices.AUTO, Link.GATT)
