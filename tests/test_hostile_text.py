"""Text of a ball, a port, a file or another program is plain text wherever it is shown."""

import json
import re
import unicodedata
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion import inreach
from companion.cli import run
from companion.cli.jsonl import Jsonl
from companion.cli.judging import judged
from companion.cli.plain import Plain
from companion.config import find_paths
from companion.inreach import Place
from companion.plaintext import MARKS_MAX, plain
from companion.tui.danger import DangerScreen
from companion.tui.detail import DetailScreen
from sessions.events import Action, Alert, Closed, Event, Fields, Level, Notice
from sessions.report import session_paper
from sessions.reporthtml import html
from sessions.store import NOTE_MAX, TAG_MAX, Store
from tests import papers
from tests.test_cli_sessions import home, keep, story  # noqa: F401  # `home` is a fixture
from tests.test_tui_screens import home as on_home
from tests.test_tui_screens import on_live, stop, text_of, until
from tests.test_tui_screens import sessions as on_sessions
from tests.test_tui_stage import FakeDevice, FakeRow, Stage
from tests.tui_plays import notice, opened, reading

TEXTS = {
    "markup": "[bold red]x[/] [@click=app.quit]y[/] [/nothing] <b>&lt; {0} %s {x} $(id) `id` \\[",
    "escapes": "\x1b[2J\x1b]0;title\x07\x1b[31mred\x1bPq\x1b\\\x9b31m\x1b(0\x1b",
    "controls": "a\x00b\x07c\x08d\re\nf\tg\x0b\x0c\x7f\x85",
    "directions": "a\u202eb\u2066c\u200f\u061c\u2028d\u200b\ufeff",
    "heaps": "Z" + "\u0335\u0361\u0489" * 50 + "x",
    "letters": "A" * 10_000,
    "wide": "\U0001f9f1漢字\uff21" * 500,
    "halves": "\ud800\udfff\udce4",
}
HARMFUL = ("\x1b", "\x9b", "\x07", "\x00", "\r", "\u202e", "\u2066", "\u2028", "\ud800")

Shown = pytest.CaptureFixture[str]


def harm(text: str, longest: int = 2000) -> list[str]:
    """What is wrong with a text that reaches a terminal, line by line; nothing, as it should be."""
    lines = text.split("\n")
    found = [f"not printable: {line[:200]!a}" for line in lines if not line.isprintable()]
    found += [f"{len(line)} letters" for line in lines if len(line) > longest]
    return found + [f"{sign!a} in it" for sign in (*HARMFUL, "31m", "title") if sign in text]


@pytest.fixture(params=TEXTS)
def text(request: pytest.FixtureRequest) -> str:
    return TEXTS[request.param]


# --- the one place ---


@given(st.text(max_size=200), st.integers(4, 50))
def test_any_text_becomes_one_plain_line(raw: str, longest: int) -> None:
    line = plain(raw, longest)
    assert line.isprintable()
    assert len(line) <= longest
    assert line == line.strip()
    assert plain(line, longest) == line
    marks = [unicodedata.combining(sign) > 0 for sign in line]
    assert not any(all(marks[at : at + MARKS_MAX + 1]) for at in range(len(marks) - MARKS_MAX))


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40))
def test_printable_text_stays_as_it_is(raw: str) -> None:
    assert plain(raw, 60) == " ".join(raw.split())


# --- lines ---


def evil(text: str) -> list[Event]:
    """A session in which all that is not ours is this text."""
    begin, *rest = story(device={"serial": text, "model": text, "vendor": text, "kind": text, "firmware": text})
    told: list[Event] = [
        replace(event, text=text, cause=text, unit=text) if isinstance(event, Alert) else event for event in rest
    ]
    fields: Fields = {"cause": text, "request": text, text[:50]: text, "name": text}
    more: list[Event] = [
        Notice(26.0, "ball", text, fields),
        Notice(26.0, "status", text, {"battery_low": True}),
        Notice(26.0, "refused", text, fields),
        Notice(26.0, "gap", text, {"from_s": 26.0, "to_s": 27.0, "lost": 1, "cause": text}),
        Notice(26.0, text, text, fields),
        Action(text, {"note": text, text[:50]: text}, 26.0),
        Closed(60.0, text),
    ]
    return [begin, *told[:-1], *more]


def test_printed_lines(text: str) -> None:
    for form in (Plain(lambda _: None), Jsonl()):
        for event in evil(text):
            for line in form.words(event):
                assert harm(line, 1000) == []
            for line in form.lines(event):
                assert harm(line, 20_000 if isinstance(form, Jsonl) else 1000) == []
                if isinstance(form, Jsonl):
                    assert harm(json.dumps(json.loads(line), ensure_ascii=False), 8000) == []


@pytest.mark.usefixtures("home")
def test_the_log(text: str, home: Any, capsys: Shown) -> None:  # noqa: F811  # pytest's way
    keep(home, *evil(text))
    with Store(find_paths({"KNEAD_HOME": str(home)}).database) as store:
        store.annotate("last", note=text[:NOTE_MAX], tags=[text[:TAG_MAX]])
    for command in (["list"], ["show"], ["show", "--json"], ["list", "--json"]):
        assert run(["sessions", *command]) == 0
        found = capsys.readouterr().out
        if command[-1] == "--json":
            assert found.isascii()
            json.loads(found)
        else:
            assert harm(found, 2100) == []
    assert run(["live", "replay:last", "--plain"]) == 6  # its profile is none: said in one plain line
    assert harm(capsys.readouterr().err) == []


def test_ports(text: str, capsys: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    port = Place("serial", f"serial:/dev/{text}", text, text, True, "")
    monkeypatch.setattr(inreach, "serial_places", lambda _: [port, replace(port, problem=text)])
    for command in (["scan"], ["doctor"]):
        assert run(command) == 0
        assert harm(capsys.readouterr().out) == []
    for command in (["scan", "--json"], ["doctor", "--json"]):
        assert run(command) == 0
        assert capsys.readouterr().out.isascii()


@pytest.mark.parametrize(
    "arguments", [["live", "{}"], ["live", "sim:{}"], ["live", "replay:{}"], ["{}"], ["sessions", "show", "{}"]]
)
def test_what_is_wrong_is_said_plainly(arguments: list[str], text: str, home: Any, capsys: Shown) -> None:  # noqa: F811  # as above
    assert run([item.replace("{}", text) for item in arguments]) != 0
    said = capsys.readouterr().err
    assert all(line.isprintable() and len(line) <= 1100 for line in said.split("\n"))
    assert len(said.splitlines()) <= 2


# --- files ---


def kept_as_files(text: str, home: Any, directory: Path) -> dict[str, str]:  # noqa: F811  # as above
    """All that is handed on of a session in which this text is whatever is not ours, by the end of its name."""
    keep(home, *evil(text))
    with Store(find_paths({"KNEAD_HOME": str(home)}).database) as store:
        store.annotate("last", note=text[:NOTE_MAX], tags=[text[:TAG_MAX]])
    directory.mkdir()
    for name in ("it.csv", "it.json", "it.jsonl"):
        assert run(["export", "last", "-o", str(directory / name)]) == 0
    for name, which in (("it.html", "last"), ("week.html", "--week")):
        assert run(["report", which, "-o", str(directory / name), "--name", text]) == 0
    return {path.name: path.read_text(encoding="utf-8") for path in directory.iterdir()}


def tags(page: str) -> set[str]:
    """The marks of a page; of those of its drawings, whose places differ, only the names."""
    drawings = re.findall(r"(?s)<svg.*?</svg>", page)
    words = re.sub(r"(?s)<svg.*?</svg>|<style.*?</style>", "", page)
    return {*re.findall(r"<[^>]*>?", words), *re.findall(r"<[^\s>]*", "".join(drawings))}


def test_what_is_handed_on(text: str, home: Any, tmp_path: Path) -> None:  # noqa: F811  # as above
    """A page has no marks that are not ours, whatever is told on it; a table is lines of text; JSON is ASCII."""
    files = kept_as_files(text, home, tmp_path / "files")
    for name in ("it.json", "it.jsonl"):
        assert files[name].isascii()
    for name, content in files.items():
        signs = set(content) - set("\r\n\t")  # ends of lines are a table's own, and a tab is quoted
        assert [sign for sign in signs if sign in HARMFUL or unicodedata.category(sign) == "Cc"] == [], name
    plainly, at_length = kept_as_files("x", home, tmp_path / "x"), kept_as_files("x " * 5000, home, tmp_path / "xx")
    for name in ("it.html", "week.html"):
        assert tags(files[name]) <= tags(plainly[name]) | tags(at_length[name]), name


def saying(thing: Any, text: str) -> Any:
    """The same, with this text for every text in it."""
    match thing:
        case str():
            return text
        case tuple() | list():
            return [saying(each, text) for each in thing]
        case _ if is_dataclass(thing):
            return replace(thing, **{field.name: saying(getattr(thing, field.name), text) for field in fields(thing)})  # type: ignore[type-var]  # no class, but one of its objects
    return thing


def test_no_text_of_a_page_becomes_part_of_it(tmp_path: Path) -> None:
    """Whether it was typed here or told by somebody, which is not for the page to know."""
    papers.usual(tmp_path / "knead.db")
    with Store(tmp_path / "knead.db") as store:
        data = store.load("last")
        paper = session_paper(data, judged(data), person="Ann")
    harmful = "\"'><b onload=alert(1)>&copy;</b><!-- ]]></title></style><script>"
    page, plainly = html(saying(paper, harmful)), html(saying(paper, "x"))
    names = [re.findall(r"<[^\s>]*", text) for text in (page, plainly)]
    assert names[0] == names[1]
    assert page.count('=""') == plainly.count('=""'), "nor does one end an attribute"
    assert "alert(1)" in page


# --- screens ---


async def test_the_home_screen(text: str) -> None:
    stage = Stage()
    stage.devices = [FakeDevice("serial:/dev/ttyACM0", text, text, problem=text), FakeDevice(f"serial:{text}", text)]
    stage.rows = [FakeRow("0193-0", device=text, region=text, side=text, state=text)]
    async with on_home(stage) as pilot:
        await until(pilot, lambda: "last session" in text_of(pilot))
        assert harm(text_of(pilot)) == []


async def test_the_live_screen_and_danger(text: str) -> None:
    async with on_live(Stage()) as (pilot, _, run_):
        run_.emit(
            opened(device={"model": text, "serial": text}, region=text, tool=text),
            notice("link", text, state=text, cause=text),
            notice("refused", text, request="tare"),
            replace(stop(), text=text, cause=text, unit=text, level=Level.CAUTION),
            reading(4.0, [50.0] * 10, arrival_s=100.0, unit=text),
        )
        await until(pilot, lambda: pilot.app.screen.is_mounted)
        await pilot.pause(0.05)
        assert harm(text_of(pilot)) == []
        run_.emit(replace(stop(), text=text))
        await until(pilot, lambda: isinstance(pilot.app.screen, DangerScreen))
        await pilot.pause(0.05)
        assert harm(text_of(pilot)) == []


async def test_the_log_screens(text: str) -> None:
    stage = Stage()
    row = FakeRow("0193-0", device=text, region=text, side=text, tool=text, note=text, state=text, program=text)
    stage.rows = [row]
    data = stage.deck.load("0193-0")
    object.__setattr__(data, "events", evil(text))
    object.__setattr__(stage.deck, "load", lambda _: data)
    async with on_sessions(stage) as pilot:
        await until(pilot, lambda: "1 session" in text_of(pilot))
        assert harm(text_of(pilot)) == []
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, DetailScreen))
        await until(pilot, lambda: "reading the session" not in text_of(pilot))
        assert harm(text_of(pilot)) == []


@pytest.mark.parametrize("sign", [*HARMFUL, "31m", "a" * 2001, "\ta"])
def test_the_check_itself_finds_harm(sign: str) -> None:
    assert harm(f"one line\nanother {sign}")
    assert harm("one line\nanother") == []


def test_markup_is_shown_as_it_is() -> None:
    """Plain text, and nothing lost of it: brackets are a name like any other."""
    assert plain(TEXTS["markup"], 200) == TEXTS["markup"]
