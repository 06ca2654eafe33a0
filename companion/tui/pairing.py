"""What the pair screen is given to work with: shapes alone, and the rows that need no screen."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from companion.tui import words
from companion.tui.tones import Row, Rows, Tone

CHECK_S = 10.0  # how long the trust check lasts
BARS = 4  # signs of a signal at its strongest
_BARS_FROM_DBM = (-200, -80, -70, -60)  # one more sign from each on; radios differ by 10 and more
_CHECK, _WORD = 12, 16
_STATES = {"ok": Tone.PLAIN, "note": Tone.NOTICE, "problem": Tone.CAUTION}
_SIGNS = {"ok": "  ok  ", "note": " note ", "problem": " MEND "}
TOOLS = ("hard", "tennis", "soft", "roller", "nub")


class Near(Protocol):
    """A ball that may be paired."""

    @property
    def address(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def known(self) -> bool: ...
    @property
    def nickname(self) -> str: ...
    @property
    def problem(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def rssi_dbm(self) -> int | None: ...
    @property
    def battery_pct(self) -> int | None: ...


class Finding(Protocol):
    """Of the trust check."""

    @property
    def check(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def word(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def todo(self) -> str: ...


class Outcome(Protocol):
    @property
    def code(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def hint(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Said:
    """A line of a pairing under way; with `key` a question: y, n, and b where it can be shown again."""

    text: str
    hint: str = ""
    key: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Size:
    """What the person says of the ball's size; nothing is not known."""

    tool: str | None = None
    area_cm2: float | None = None
    as_told: bool = False

    @property
    def words(self) -> str:
        if self.as_told:
            return "as the ball says"
        parts = [self.tool or "", "" if self.area_cm2 is None else f"{self.area_cm2:g} cm2"]
        return " ".join(part for part in parts if part)


class Meeting(Protocol):
    """A pairing made, not begun. `run` may take minutes; the others return at once, from any thread."""

    def answer(self, yes: bool | None, /) -> object: ...
    def skip(self) -> object: ...
    def leave(self) -> object: ...

    def run(self) -> Outcome:
        """All steps with the ball; code 0: it may be kept."""
        ...

    @property
    def checked_s(self) -> float:
        """Seconds of the trust check that are done; 0 before it."""
        ...

    @property
    def claim(self) -> str:
        """What the ball says of its size; or nothing."""
        ...

    @property
    def size(self) -> str:
        """What was settled of its size before; or nothing."""
        ...

    @property
    def nickname(self) -> str:
        """What it is called unless somebody says otherwise."""
        ...

    def findings(self) -> Sequence[Finding]: ...

    def keep(self, nickname: str, size: Size, /) -> Sequence[str]:
        """Remember it. What stays unknown, a line each. Raises one of FAILURES."""
        ...


@dataclass(frozen=True, slots=True)
class Pairing:
    """The callables behind the pair screen. Each may take its time, and may raise one of FAILURES."""

    near: Callable[[Callable[[Near], None]], Sequence[Near]]  # look once, for some seconds; tells each one at once
    meet: Callable[[str, Callable[[Said], None]], Meeting]  # an address, and who hears what is said


def no_pairing() -> Pairing:
    """Where screens are shown without a way to a ball."""

    def meet(_address: str, _hear: Callable[[Said], None]) -> Meeting:
        raise OSError("no ball can be paired here")

    return Pairing(near=lambda _tell: (), meet=meet)


# --- rows ---


def bars(rssi_dbm: int | None) -> str:
    """`####` near, `#...` far, `--` unknown: signs that every terminal has."""
    if rssi_dbm is None:
        return "--"
    filled = sum(rssi_dbm >= least for least in _BARS_FROM_DBM)
    return "#" * filled + "." * (BARS - filled)


def near_cells(near: Near) -> tuple[str, ...]:
    """Name, signal, kind, battery, state, address."""
    link = near.address.partition(":")[0]
    state = words.plain(near.nickname, 20) or ("known" if near.known else "new")
    if near.problem:
        state = "in use" if "connected" in near.problem else "cannot be used"
    battery = "--" if near.battery_pct is None else f"{near.battery_pct} %"
    signal = "cable" if link == "serial" else "virtual" if link == "sim" else bars(near.rssi_dbm)
    return (
        words.plain(near.name, 24) or "(unnamed)",
        signal,
        words.plain(near.kind, 14) or "--",
        battery,
        state,
        words.plain(near.address),
    )


def finding_rows(found: Sequence[Finding], height: int) -> list[Row]:
    """A line each, and what to do where there is room."""
    rows: list[Row] = []
    room = height - len(found)
    for finding in found:
        tone = _STATES.get(finding.state, Tone.PLAIN)
        check = words.plain(finding.check, _CHECK)
        word = words.plain(finding.word, _WORD)
        rows.append(
            (
                (f" {_SIGNS.get(finding.state, '      ')}", tone),
                (f"{check:<{_CHECK + 1}}", Tone.PLAIN),
                (f"{word:<{_WORD}}", Tone.STRONG),
                (words.plain(finding.text, 120), Tone.PLAIN),
            )
        )
        if finding.todo and room > 0:
            room -= 1
            rows.append(((f"{'':<{_CHECK + 8}}{words.plain(finding.todo, 120)}", Tone.QUIET),))
    return rows


def step_rows(heard: Sequence[Said], asked: Said | None, checked_s: float, width: int, height: int) -> Rows:
    """The last lines that fit; under them the question, or how far the trust check is."""
    rows: list[Row] = []
    for said in heard:
        if said is asked:
            continue
        mark = "?" if said.key else "-"
        for text, tone in ((said.text, Tone.PLAIN), (said.hint, Tone.QUIET)):
            for line in textwrap.wrap(words.plain(text, 300), max(20, width - 4)):
                rows.append(((f" {mark} ", Tone.QUIET), (line, tone)))
                mark = " "
    if asked is not None:
        keys = "y yes   n no" + ("   b buzz again" if asked.again else "")
        rows += [(), ((f"   {words.plain(asked.text, 300)}", Tone.CURSOR),), ((f"   {keys}", Tone.STRONG),)]
    elif 0 < checked_s < CHECK_S:
        done = int(checked_s)
        rows.append(((f"   [{'#' * done}{'.' * (int(CHECK_S) - done)}] {done} of {CHECK_S:.0f} s", Tone.STRONG),))
    return tuple(rows[-height:])


def settle_rows(meeting: Meeting, name: str, size: Size, told: Sequence[str], width: int, height: int) -> Rows:
    """What the check found, and what is to be kept."""
    large = size.words or meeting.size or "not known: taken for a hard ball of 8 cm2, the stricter value"
    below: list[Row] = [(), ((" name  ", Tone.QUIET), (words.plain(name, 60), Tone.STRONG))]
    below.append(((" size  ", Tone.QUIET), (words.plain(large, 100), Tone.STRONG)))
    if meeting.claim:
        below.append((("       ", Tone.QUIET), (f"the ball says: {words.plain(meeting.claim, 80)}", Tone.QUIET)))
    for text in told:
        lines = textwrap.wrap(f"not known: {words.plain(text, 200)}", max(20, width - 2))
        below += [((f" {line}", Tone.NOTICE),) for line in lines]
    return tuple([*finding_rows(meeting.findings(), max(0, height - len(below))), *below][:height])


def size_of(text: str) -> Size:
    """What was typed: a tool, an area in cm2, or both. ValueError for anything else."""
    size = Size()
    for part in text.replace("cm2", " ").split():
        if part in TOOLS and size.tool is None:
            size = Size(part, size.area_cm2)
        elif size.area_cm2 is None and 0.5 <= float(part) <= 200:
            size = Size(size.tool, float(part))
        else:
            raise ValueError(part)
    if not size.words:
        raise ValueError(text)
    return size
