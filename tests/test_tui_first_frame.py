"""What stands on the live screen before its clock of frames has ticked once: all of it, and again at another size."""

from typing import Any

import numpy as np
import pytest
from textual.timer import Timer

from companion.tui.app import KneadApp
from companion.tui.live import LiveScreen
from companion.tui.widgets.trace import Trace
from tests.test_tui_screens import sees, text_of, until
from tests.test_tui_stage import Stage
from tests.tui_plays import notice, opened, reading, totals

NEVER_S = 3600.0


@pytest.fixture
def without_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app's clock of frames does not tick."""
    usual = KneadApp.set_interval

    def never(app: KneadApp, _interval: float, *given: Any, **named: Any) -> Timer:
        return usual(app, NEVER_S, *given, **named)

    monkeypatch.setattr(KneadApp, "set_interval", never)


@pytest.mark.usefixtures("without_frames")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_first_frame_is_a_whole_one(size: tuple[int, int]) -> None:
    stage = Stage()
    live = stage.live("sim:calm")
    run = stage.runs[0]
    run.emit(notice("link", state="live"), opened(), reading(0.0, np.full(3000, 60.0), arrival_s=run.clock.now_s()))
    run.emit(totals(30.0))
    app = KneadApp(stage.deck, live)
    async with app.run_test(size=size) as pilot:
        for sign in ("● REC", "WORK", "-30 s", "limits are times", "piriformis left", "? Help"):
            await sees(pilot, sign)
        screen = pilot.app.screen
        assert isinstance(screen, LiveScreen)
        trace = screen.query_one("#trace", Trace)
        height = trace.size.height
        assert len(trace.text.splitlines()) == height

        await pilot.resize_terminal(size[0], size[1] + 4)
        await until(pilot, lambda: trace.size.height > height)
        await until(pilot, lambda: len(trace.text.splitlines()) == trace.size.height)
        assert "-30 s" in text_of(pilot)
        live.run.stop("user")
