"""What the tests of the screens stand on: a deck of fakes, and a child on a pseudo-terminal."""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from companion.errors import DeviceNotFoundError
from companion.tui.deck import Deck, Live
from companion.tui.liveview import LiveView
from companion.tui.overlay import Compared, compared
from companion.tui.reviewing import Page, Trends
from sessions.about import About, CurveFigures
from sessions.events import (
    Action,
    Closed,
    Event,
    Fields,
    Floats,
    Level,
    Notice,
    Phase,
)
from sessions.filters import FilterError
from sessions.trends import Visit, trends
from tests.tui_plays import MARKS, STARTED_AT, FakeOutcome, FakeRun, alert, fine, opened, totals

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = "[red]Evil[/red]\x1b[31m\x07 ball\u202e"  # a name with markup, an escape, a bell and a direction mark
HOSTILE_SHOWN = "[red]Evil[/red] ball"


# --- a deck of fakes ---


@dataclass(frozen=True)
class FakeDevice:
    address: str
    name: str
    detail: str = ""
    known: bool = False
    problem: str = ""


@dataclass(frozen=True)
class FakeRow:
    id: str
    started_at: datetime = STARTED_AT
    state: str = "complete"
    duration_s: float | None = 755.0
    person: str = "me"
    device: str | None = HOSTILE
    region: str = "glute"
    side: str = "left"
    tool: str = "hard"
    program: str | None = None
    simulated: bool = True
    peak_kpa: float | None = 71.0
    contact_s: float | None = 571.0
    pain_before: int | None = 6
    pain_after: int | None = None
    alerts_by_level: Mapping[str, int] = field(default_factory=lambda: {"stop": 1, "caution": 2})
    lost: int | None = 12
    note: str | None = "[b]spot[/b] near the hip"
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class FakeGap:
    from_s: float
    to_s: float
    cause: str = "link"
    lost: int = 0


@dataclass(frozen=True)
class FakeData:
    row: FakeRow
    t_s: Floats
    pressure_kpa: Floats
    gaps: Sequence[FakeGap]
    events: Sequence[Event]


def session(row: FakeRow) -> FakeData:
    """Ten minutes at 20 Hz, with a gap of a minute in the middle."""
    t_s = np.arange(0.0, 600.0, 0.05)
    t_s = t_s[(t_s < 270.0) | (t_s >= 330.0)]
    kpa = 40.0 + 30.0 * np.sin(t_s / 15.0)
    return FakeData(row, t_s, kpa, [FakeGap(270.0, 330.0)], story())


def story() -> list[Event]:
    """What happens in every session of the stage."""
    return [
        opened(device={"model": "virtual", "serial": HOSTILE}),
        Action("mark", {}, 60.0, 1200),
        alert("peak", Level.STOP, t_s=441.0, text="stop, come off"),
        alert("peak", Level.STOP, Phase.LATCHED, t_s=444.0),
        totals(445.0),
        Closed(600.0, "user"),
    ]


class FakeReview:
    """The log of a stage: notes are kept, a filter is a word of the note."""

    def __init__(self, stage: "Stage") -> None:
        self._stage = stage
        self.asked: list[tuple[str, str, int, int]] = []
        self.said: list[tuple[str, dict[str, object]]] = []

    def find(self, text: str, sort: str, offset: int, limit: int) -> Page:
        self.asked.append((text, sort, offset, limit))
        if text == "foo:":
            raise FilterError("A filter knows no 'foo'.", "There are others.")
        rows = [row for row in self._stage.rows if text in (row.note or "")]
        return Page(cast("Any", rows[offset : offset + limit]), len(rows), len(self._stage.rows))

    def about(self, session: str) -> About:
        row = next(row for row in self._stage.rows if row.id == session)
        return About(cast("Any", row), opened(), CurveFigures(571.0, 41.0, 63.0, 1386.0), tuple(cast("Any", story())))

    def annotate(self, session: str, **said: object) -> None:
        self.said.append((session, said))
        self._stage.rows = [
            replace(row, **cast("Any", {key: value for key, value in said.items() if key != "unknown"}))
            if row.id == session
            else row
            for row in self._stage.rows
        ]

    def mark(self, session: str, t_s: float, words: str) -> None:
        self.said.append((session, {"mark": words, "t_s": t_s}))

    def compared(self, sessions: Sequence[str], align: str) -> Compared:
        datas = [session(next(row for row in self._stage.rows if row.id == name)) for name in sessions]
        return compared([(cast("Any", data), CurveFigures()) for data in datas], align)

    def proposed(self, began: datetime) -> str:
        return f"knead-{began:%Y-%m-%d}.csv"

    def export(self, sessions: Sequence[str], text: str) -> str:
        if text.endswith(".doc"):
            raise ValueError("name a file that ends in .csv")
        self.said.append((",".join(sessions), {"export": text}))
        return f"wrote {text}"

    def trends(self, weeks: int) -> Trends:
        day = STARTED_AT.date()
        first = Visit(1, day, "glute", "left", 300.0, 120.0, 41.0, 6, 3, 1, 0)
        visits = [first, Visit(2, day, "calf", "left", None, None, None, None, None, 0, 0)]
        return Trends(trends(visits, day, weeks), simulated=4, plans=("Plan two-weeks: 2 of 5 days",))


class Stage:
    """A deck of fakes, and what was asked of it."""

    def __init__(self, play: Callable[[FakeRun], None] | None = None, **deck: Any) -> None:
        self.devices: list[FakeDevice] = [
            FakeDevice("serial:/dev/ttyACM0", HOSTILE, "knead ball", known=True),
            FakeDevice("serial:/dev/ttyUSB1", "CP2102", problem="not permitted: join the group dialout"),
            FakeDevice("sim:showcase", "showcase", "60 s, contact to drop-out"),
        ]
        self.rows = [FakeRow(f"0193-{number}") for number in range(3)]
        self.runs: list[FakeRun] = []
        self.addresses: list[str] = []
        self.deleted: list[str] = []
        self.tared: list[str] = []
        self._play = play
        self.review = FakeReview(self)
        self.deck = Deck(
            devices=lambda: list(self.devices),
            live=self.live,
            demo=lambda: self.live("demo"),
            tare=self._tare,
            sessions=lambda: list(self.rows),
            load=lambda name: session(next(row for row in self.rows if row.id == name)),
            delete=self._delete,
            review=self.review,
            **deck,
        )

    def live(self, address: str = "demo") -> Live:
        if address == "serial:/dev/ttyUSB1":
            raise DeviceNotFoundError("no such port", "plug it in")
        self.addresses.append(address)
        view = LiveView(lambda _: MARKS)
        self.runs.append(FakeRun(view, self._play))
        return Live(self.runs[-1], view, title=address)

    def _tare(self, address: str) -> FakeOutcome:
        self.tared.append(address)
        return FakeOutcome(0, "zeroed")

    def _delete(self, name: str) -> None:
        self.deleted.append(name)
        self.rows = [row for row in self.rows if row.id != name]


# --- a child on a pseudo-terminal ---


class Child:
    """The app in a process of its own, on a terminal that this side reads, or does not."""

    def __init__(
        self,
        report: Path,
        play: str,
        *,
        seconds: float,
        fps: float = 10.0,
        size: tuple[int, int] = (120, 40),
        signalled: bool = True,
        command: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`signalled`: a hang-up of the terminal is signalled, as in a login; else as under nohup.

        `command`: what to run instead of a play. `variables` of its environment.
        """
        import fcntl
        import pty
        import struct
        import termios

        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "SSH_CONNECTION")}
        environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", **(variables or {})}
        arguments = ["yes" if signalled else "no", play, str(seconds), str(fps), str(report)]
        self.report = report
        self.began_s = time.monotonic()
        self.process = subprocess.Popen(
            [*command] or [sys.executable, "-c", _CHILD, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=ROOT,
            start_new_session=True,
        )
        os.close(slave)
        self.output = b""
        self.chunks: list[tuple[float, bytes]] = []

    def read(self, until: Callable[[], bool], limit_s: float) -> bool:
        """Read what the app writes until something holds; False after the limit."""
        end_s = time.monotonic() + limit_s
        while not until():
            if time.monotonic() > end_s or not self.read_once():
                return until()
        return True

    def read_once(self, wait_s: float = 0.1) -> bool:
        """Read what is there now; False once the app has gone."""
        if not select.select([self.master], [], [], wait_s)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return False
        if b"\x1b[?2026$p" in data:  # a terminal that knows synchronised output, as most do
            os.write(self.master, b"\x1b[?2026;2$y")
        self.chunks.append((time.monotonic(), data))
        self.output += data
        return bool(data)

    def finish(self, limit_s: float) -> dict[str, Any]:
        """Read to the end, and give the report."""
        self.read(lambda: False, limit_s)
        self.process.wait(limit_s)
        told: dict[str, Any] = json.loads(self.report.read_text())
        return told

    @property
    def saved(self) -> str | None:
        """Why the run ended, once it has been saved."""
        path = Path(f"{self.report}.saved")
        return path.read_text() if path.exists() else None

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            os.close(self.master)


_CHILD = """
import sys
signalled, name, seconds, fps, report = sys.argv[1:]
if signalled == "yes":
    import fcntl, termios
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from tests.tui_plays import main
sys.exit(main(name, float(seconds), float(fps), report))
"""


@contextlib.contextmanager
def child(report: Path, play: str, **other: Any) -> Iterator[Child]:
    """A child that is gone afterwards, whatever happens."""
    process = Child(report, play, **other)
    try:
        yield process
    finally:
        process.close()


# --- the stage itself ---


def test_a_fake_run_ends_when_it_is_stopped() -> None:
    stage = Stage(lambda run: fine(run))
    live = stage.live()
    live.run.start()
    live.run.stop("user")
    assert live.join(10.0)
    assert live.run.outcome is not None
    assert live.view.snapshot().closed is not None


def test_the_fake_deck_refuses_as_a_real_one_does() -> None:
    import pytest  # here, since a child whose start is measured imports this module

    with pytest.raises(DeviceNotFoundError):
        Stage().deck.live("serial:/dev/ttyUSB1")


def fields_of(event: Event) -> Fields:
    """For tests that look at an action's or a notice's fields."""
    assert isinstance(event, Action | Notice)
    return event.fields
