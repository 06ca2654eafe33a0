"""The limits as they hold, with source and confidence; lowered freely here, raised only by typing and with a reason."""

import math
import textwrap
from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType

from companion.tui import keys, words
from companion.tui.aside import aside
from companion.tui.books import Limit, LimitPage
from companion.tui.deck import FAILURES, Deck
from companion.tui.page import ListPage
from companion.tui.tones import Row, Rows, Tone
from companion.tui.widgets.entry import Entry
from companion.tui.widgets.lines import KeyLine, Lines, TitleBar
from companion.tui.widgets.table import Table

JUDGEMENT = "* rests on judgement, not on measured harm"
STEP = 0.95  # of a limit: what one press of the lowering key leaves
_COLUMNS = (
    ("REGION", 10),
    ("LIMIT*", 6),
    ("MOST*", 6),
    ("WORK*", 9),
    ("STOP*", 5),
    ("HOLD*", 5),
    ("OWN", 6),
    ("CONFIDENCE", 10),
)
_WIDE = 100  # columns from which a line of figures has three instead of two


class LimitsScreen(ListPage):
    AUTO_FOCUS: ClassVar[str | None] = "#limits"
    BINDINGS: ClassVar[list[BindingType]] = keys.bindings("limits")

    def __init__(self, deck: Deck) -> None:
        super().__init__()
        self._book = deck.limits
        self._page: LimitPage | None = None
        self._beside = False  # whether the page beside the regions is shown
        self._scrolled = 0
        self._busy = False

    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield Table(id="limits")
        yield Lines(id="detail")
        yield Lines(id="said")
        yield Entry(id="entry")
        yield KeyLine(id="keys")

    def on_mount(self) -> None:
        self.table.titles(_COLUMNS)
        self.query_one(KeyLine).show(self.BINDINGS)
        self.say("reading the limits ...")
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    # --- showing ---

    @work(exclusive=True, group="read")
    async def _read(self, said: str = "") -> None:
        try:
            page = await aside(self._book.page, self)
        except FAILURES as error:
            self.say(words.failure(error), tone=Tone.CAUTION)
            return
        self._page = page
        self.table.fill((limit.region, _cells(limit)) for limit in page.limits)
        self.say(said or f"limits are times {page.factor_k:g}: {page.why}", JUDGEMENT)
        self._show()

    def on_data_table_row_highlighted(self) -> None:
        self._show()

    def _here(self) -> Limit | None:
        place = self.table.place
        return self._page.limits[place] if self._page is not None and place is not None else None

    def _show(self) -> None:
        page, here, detail = self._page, self._here(), self.query_one("#detail", Lines)
        tool = "" if page is None else f"for {words.plain(page.tool, 40)}, {page.area_cm2:g} cm2, kPa"
        self.head("limits, whole body and sources" if self._beside else "limits", tool)
        self.table.display = not self._beside
        detail.set_class(self._beside, "-whole")
        if page is not None and self._beside:
            detail.paint(beside_rows(page.beside[self._scrolled :], detail.size.width))
        elif here is not None:
            detail.paint(detail_rows(here, detail.size.width))

    def action_beside(self) -> None:
        self._beside, self._scrolled = not self._beside, 0
        self.call_after_refresh(self._show)
        self._show()

    # --- changing ---

    def action_lower(self) -> None:
        """One step down: lowering is free, and needs nothing typed."""
        here = self._here()
        if here is not None:
            self._write(here.region, math.floor(here.limit_kpa * STEP * 10) / 10, work=False)

    def action_limit(self, work: bool) -> None:
        here = self._here()
        if here is None:
            return
        now, most = (here.work_kpa[1], here.work_most_kpa) if work else (here.limit_kpa, here.most_kpa)
        what = "top of the working range" if work else "limit"
        self.ask(
            f"{here.region}: {what} in kPa; now {now:.1f}, up to {most:.1f}",
            "",
            lambda text: self._typed(here, text, work=work),
        )

    def action_reset(self) -> None:
        here = self._here()
        if here is not None:
            self._weigh(here, None, work=False)

    def _typed(self, here: Limit, text: str, *, work: bool) -> None:
        kpa = number_of(text)
        if kpa is None:
            self.say(f"a pressure in kPa, such as {here.limit_kpa * STEP:.0f}; nothing is changed", tone=Tone.CAUTION)
        else:
            self._weigh(here, kpa, work=work)

    @work(group="write")
    async def _weigh(self, here: Limit, kpa: float | None, *, work: bool) -> None:
        """Lower at once; before a limit is raised, ask for the number and the reason."""
        try:
            raises = await aside(lambda: self._book.raises(here.region, kpa, work=work), self)
        except FAILURES as error:
            self.say(words.failure(error), "nothing is changed", Tone.CAUTION)
            return
        if not raises:
            self._write(here.region, kpa, work=work)
            return
        asked = here.without_kpa if kpa is None else kpa
        self.say(
            f"this raises a limit of the {here.region}; the stop stays where it is",
            f"type {asked:.4g} again, then why; esc changes nothing",
            Tone.CAUTION,
        )

        def again(text: str) -> None:
            typed = number_of(text)
            if typed is None or abs(typed - asked) > 0.05 + 1e-9:
                self.say("the numbers differ: nothing is changed", tone=Tone.CAUTION)
                return
            self.entry.ask("why it is raised", "", lambda reason: self._reasoned(here.region, kpa, reason, work=work))

        self.entry.ask(f"{asked:.4g} again", "", again)

    def _reasoned(self, region: str, kpa: float | None, reason: str, *, work: bool) -> None:
        if reason.strip():
            self._write(region, kpa, work=work, reason=reason.strip())
        else:
            self.say("without a reason nothing is raised", tone=Tone.CAUTION)

    @work(group="write")
    async def _write(self, region: str, kpa: float | None, *, work: bool, reason: str = "") -> None:
        if self._busy:
            return
        self._busy = True
        try:
            said = await aside(lambda: self._book.write(region, kpa, work=work, reason=reason), self)
        except FAILURES as error:
            self.say(words.failure(error), "nothing is changed", Tone.CAUTION)
            return
        finally:
            self._busy = False
        self._read(said)

    # --- moving and leaving ---

    def action_accept(self) -> None:
        self.action_limit(work=False)

    def action_move(self, rows: int) -> None:
        if self._beside and self._page is not None:
            room = self.query_one("#detail", Lines).size.height
            self._scrolled = min(max(0, self._scrolled + rows), max(0, len(self._page.beside) - room // 2))
            self._show()
        else:
            super().action_move(rows)

    def action_leave(self) -> None:
        if self._beside:
            self.action_beside()
        else:
            super().action_leave()


def number_of(text: str) -> float | None:
    """A pressure as typed, above 0; else None."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if 0.0 < value < math.inf else None


def _cells(limit: Limit) -> tuple[str, ...]:
    low, high = limit.work_kpa
    return (
        words.plain(limit.region, 10),
        f"{_short(limit.limit_kpa):>6}",
        f"{_short(limit.most_kpa):>6}",
        f"{int(low)} to {int(high)}",
        f"{int(limit.stop_kpa):>5}",
        f"{int(limit.hold_s)} s",
        words.plain(limit.own.partition(":")[0], 6) or "-",
        words.plain(limit.confidence, 10),
    )


def detail_rows(limit: Limit, width: int) -> Rows:
    """One region: every figure as it holds and as published, then where they come from."""
    remarks = ", ".join(limit.remarks)
    rows: list[Row] = [((f" {words.plain(limit.title, 70)}", Tone.STRONG), (f"  {remarks}", Tone.CAUTION))]
    columns = 3 if width >= _WIDE else 2
    cells = [f"{_figure(figure.name, figure.unit, figure.holds, figure.published)} " for figure in limit.figures]
    room = max(1, (width - 1) // columns)
    lines = ("".join(cell.ljust(room) for cell in cells[at : at + columns]) for at in range(0, len(cells), columns))
    rows += [((f" {line}", Tone.PLAIN),) for line in lines]
    if limit.own:
        rows.append(((f" {words.plain(limit.own, 200)}", Tone.STRONG),))
    source = f"confidence {limit.confidence}; source {words.plain(limit.source, 300)}"
    rows += [((f" {line}", Tone.QUIET),) for line in textwrap.wrap(source, max(20, width - 2))]
    return tuple(rows)


def _figure(name: str, unit: str, holds: float | None, published: float | None) -> str:
    value = "none" if holds is None else f"{_short(holds)} {unit}"
    told = "" if published is None else f" ({_short(published)})"
    return f"{name:<14} {value}{told}"


def _short(value: float) -> str:
    """Cut and not rounded: what is shown is never more than what is allowed."""
    return f"{int(value * 10 + 1e-6) / 10:.1f}".removesuffix(".0")


def beside_rows(lines: Sequence[str], width: int) -> Rows:
    rows: list[Row] = []
    for line in lines:
        tone = Tone.STRONG if line.isupper() or line.startswith(_HEADS) else Tone.PLAIN
        rows += [((f" {part}", tone),) for part in _wrapped(line, max(20, width - 2))]
    return tuple(rows)


def _wrapped(line: str, width: int) -> list[str]:
    """What runs over goes on below its own column, the last one of the line."""
    column = line.rfind("  ") + 2 if "  " in line else 0
    indent = " " * (column if column <= width - 12 else 4 if column else 0)
    return textwrap.wrap(line, width, subsequent_indent=indent) or [""]


_HEADS = ("WHOLE BODY", "DAYS OF 7", "TOOLS", "BLOCKED SITES", "FACTORS")
