"""Nothing on a screen flashes: what warns is steady, and says so in words, a pattern and a place."""

import re
from importlib.resources import files

from companion.tui.danger import danger_rows
from companion.tui.face import Now
from companion.tui.liveview import LiveView
from companion.tui.palette import style, themes
from companion.tui.tones import Tone
from sessions.events import Level
from tests.tui_plays import MARKS, alert, opened, reading


def test_no_tone_of_any_theme_blinks() -> None:
    names = {theme.name for theme in themes()}
    assert {"high-contrast", "mono"} <= names
    for name in names:
        for tone in Tone:
            looks = style(name, tone)
            assert not (looks.blink or looks.blink2), (name, tone)


def test_the_style_sheet_neither_blinks_nor_moves() -> None:
    sheet = (files("companion.tui") / "companion.tcss").read_text(encoding="utf-8")
    assert not re.search(r"blink|transition|animat|offset-x", sheet)


def test_a_stop_is_the_same_in_every_frame() -> None:
    view = LiveView(lambda _: MARKS)
    view(opened())
    view(reading(3.0, [160.0] * 10, arrival_s=100.0))
    view(alert("peak", Level.STOP))
    frames = [danger_rows(Now(view.snapshot(), age_s), 100, 30) for age_s in (0.0, 0.03, 0.07, 0.1, 0.13, 0.2)]
    assert all(frame == frames[0] for frame in frames)
