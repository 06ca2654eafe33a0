"""What pages share: a list whose cursor stays, a line to type into that gives the keys back, a top line kept apart."""

import pytest
from textual.app import App, ComposeResult

from companion.tui import palette
from companion.tui.tones import Tone
from companion.tui.widgets.entry import Entry
from companion.tui.widgets.lines import TitleBar
from companion.tui.widgets.table import Table


class Desk(App[None]):
    def compose(self) -> ComposeResult:
        yield TitleBar(id="title")
        yield Table(id="list")
        yield Entry(id="entry")

    def on_mount(self) -> None:
        for theme in palette.themes():
            self.register_theme(theme)
        self.theme = palette.DEFAULT_THEME
        self.query_one(TitleBar).styles.height = 1
        self.query_one(Table).titles((("NAME", 8), ("WHAT", 8)))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return palette.themes()[0].variables


def rows(names: str) -> list[tuple[str, tuple[str, str]]]:
    return [(name, (name.upper(), "[b]plain[/b]")) for name in names]


@pytest.mark.parametrize(
    ("names", "otherwise", "here"),
    [
        ("abcde", None, "c"),
        ("cab", None, "c"),  # elsewhere, and still under the cursor
        ("abde", None, "d"),  # gone: the next one has its place
        ("ab", None, "b"),  # gone, and its place, too
        ("abde", 0, "a"),
        ("xc", 0, "c"),
        ("", None, None),
    ],
)
async def test_a_list_filled_anew_keeps_its_cursor(names: str, otherwise: int | None, here: str | None) -> None:
    async with Desk().run_test() as pilot:
        table = pilot.app.query_one(Table)
        assert (table.here, table.place) == (None, None)
        table.fill(rows("abcd"))
        table.move(1)
        table.move(1)
        assert (table.here, table.place) == ("c", 2)
        table.fill(rows(names), otherwise=otherwise)
        assert table.here == here
        assert table.row_count == len(names)


async def test_a_list_has_ends_and_shows_text_as_it_is() -> None:
    async with Desk().run_test() as pilot:
        table = pilot.app.query_one(Table)
        table.fill(rows("abc"))
        table.edge(1)
        assert table.here == "c"
        table.move(1)
        assert table.here == "c"
        table.edge(-1)
        assert table.here == "a"
        assert str(table.get_row("a")[1]) == "[b]plain[/b]"


async def test_who_had_the_keys_has_them_again_also_after_two_questions() -> None:
    async with Desk().run_test() as pilot:
        table, entry = pilot.app.query_one(Table), pilot.app.query_one(Entry)
        table.focus()
        await pilot.pause()
        told: list[str] = []
        entry.ask("one", "", lambda text: entry.ask("two", text, told.append))
        await pilot.press("a", "b")
        entry.accept()
        await pilot.press("c")
        assert (entry.display, entry.value) == (True, "abc")
        entry.accept()
        await pilot.pause()
        assert told == ["abc"]
        assert not entry.display
        assert pilot.app.focused is table
        entry.ask("three", "", told.append)
        entry.close()
        await pilot.pause()
        assert (told, pilot.app.focused) == (["abc"], table)
        entry.ask("four", "", told.append)
        await pilot.press("d", "tab", "up", "left", "e", "enter")
        assert (told, pilot.app.focused) == (["abc", "ed"], table)
        entry.ask("five", "", told.append)
        await pilot.press("f", "escape")
        assert (told, pilot.app.focused) == (["abc", "ed"], table)


@pytest.mark.parametrize("width", [12, 19, 20, 40])
async def test_the_halves_of_the_top_line_never_touch(width: int) -> None:
    async with Desk().run_test(size=(width, 5)) as pilot:
        title = pilot.app.query_one(TitleBar)
        title.show((("knead", Tone.STRONG), ("  a long name", Tone.PLAIN)), (("right ", Tone.QUIET),))
        assert title.text.endswith(" right ")
        assert len(title.text) == width
        title.show((("x" * width, Tone.STRONG),), (("", Tone.QUIET),))
        assert title.text == "x" * width
