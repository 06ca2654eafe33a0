"""The sheet of questions: filled in by keys, kept or skipped, on its own and before a session from the first screen."""

import asyncio
import os
import re
import select
import struct
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from companion.cli import sheets
from companion.config import Settings, load_settings
from companion.keeping import answered
from companion.safety.screening import Answer, questions
from companion.tui.app import KneadApp
from companion.tui.live import LiveScreen
from companion.tui.questions import QuestionsApp, QuestionsScreen
from companion.tui.sheet import Filling, Result, Sheet
from companion.tui.widgets.lines import Lines
from sessions.errors import StoreBusyError
from tests.test_screening import fine
from tests.test_tui_stage import Stage
from tests.tui_plays import steady

if sys.platform != "win32":
    import fcntl
    import pty
    import termios

ROOT = Path(__file__).resolve().parent.parent
SIZE = (80, 24)
BALL = "serial:/dev/nothing-here"  # asked about before it is looked for
LIMIT_S = 20.0


class Kept:
    """What a sheet was answered with."""

    def __init__(self, result: Result | Exception | None = None, **sheet: Any) -> None:
        self.answers: list[Mapping[str, Answer]] = []
        self.skipped = 0
        self._result = result or Result()
        self.sheet = Sheet("short check", questions().asked("session"), self._keep, self._skip, "esc: skip", **sheet)

    def _keep(self, answers: Mapping[str, Answer]) -> Result:
        if isinstance(self._result, Exception):
            raise self._result
        self.answers.append(dict(answers))
        return self._result

    def _skip(self) -> None:
        self.skipped += 1


async def until(pilot: Pilot[Any], text: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while text not in shown(pilot):
            await pilot.pause(0.01)


def shown(pilot: Pilot[Any]) -> str:
    return "\n".join(lines.text for lines in pilot.app.screen.query(Lines))


# --- filling in ---


def filling(when: str = "week") -> Filling:
    return Filling(questions().asked(when))


def test_keys_answer_and_go_on() -> None:
    sheet = filling("session")
    assert len(sheet.open) == 4
    for key in "nyn":
        assert sheet.press(key)
    assert sheet.here.key == questions().asked("session")[3].key
    assert sheet.answers == {question.key: question.key == "news" for question in questions().asked("session")[:3]}


def test_a_key_that_is_no_answer_changes_nothing() -> None:
    sheet = filling()
    assert not sheet.press("l")
    assert not sheet.press("7")
    assert (sheet.cursor, sheet.answers) == (0, {})


def test_a_side_and_a_number() -> None:
    sheet = filling()
    keys = [question.key for question in sheet.questions]
    sheet.cursor = keys.index("varicose")
    assert sheet.press("l")
    sheet.cursor = keys.index("body_kg")
    for key in ("8", "1", "7", "backspace", ".", "5"):
        assert sheet.press(key)
    sheet.move(1)
    assert sheet.answers == {"varicose": "left", "body_kg": 81.5}
    sheet.cursor = keys.index("body_kg")
    sheet.press("3")
    sheet.move(1)
    assert "body_kg" not in sheet.answers  # 3 kg is no weight
    sheet.cursor = keys.index("body_kg")
    assert sheet.press("n")
    assert sheet.answers["body_kg"] is None


def test_no_to_a_part_is_no_to_that_part_alone() -> None:
    sheet = filling()
    sheet.press("y")
    sheet.none_of_this_part()
    groups = {question.key: question.group for question in sheet.questions}
    assert {groups[key] for key in sheet.answers} == {"emergency"}
    assert [answer for answer in sheet.answers.values() if answer] == [True]
    assert sheet.here.group == "clinician"
    for _ in range(4):
        sheet.none_of_this_part()
    assert sheet.open == []
    assert sheet.answers == fine() | {"saddle": True}


def test_soreness_must_be_said() -> None:
    sheet = filling("after")
    sheet.none_of_this_part()
    assert [sheet.questions[place].key for place in sheet.open] == ["soreness"]


@pytest.mark.parametrize(("width", "height"), [(80, 18), (120, 34), (40, 8)])
def test_the_question_under_the_cursor_is_always_seen(width: int, height: int) -> None:
    sheet = filling()
    for place, question in enumerate(sheet.questions):
        sheet.cursor = place
        rows = ["".join(text for text, _ in row) for row in sheet.rows(width, height)]
        assert len(rows) <= height
        assert max(map(len, rows)) <= width
        begin = question.ask.split()[0]
        assert any(row.startswith(" > [ ]") and begin in row for row in rows), (question.key, rows)


@pytest.mark.parametrize("height", range(6, 40))
def test_no_question_is_cut_and_what_is_below_is_counted(height: int) -> None:
    """Where one question has room at all, those shown are whole, and those below are told of."""
    sheet = filling()
    width = 120
    whole = [textwrap.wrap(question.ask, width - 16) for question in sheet.questions]
    for place in range(len(sheet.questions)):
        sheet.cursor = place
        rows = ["".join(text for text, _ in row) for row in sheet.rows(width, height)]
        text = "\n".join(rows)
        below = re.fullmatch(r"   (\d+) more below", rows[-1])
        left_out = int(below[1]) if below is not None else 0
        shown = whole[place : len(whole) - left_out]
        assert shown
        assert all(line in text for lines in shown for line in lines), (place, rows)
        if left_out:
            assert whole[-left_out][0] not in text


# --- the screen alone ---


async def test_it_is_answered_and_kept() -> None:
    kept = Kept()
    app = QuestionsApp(kept.sheet, "dark")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, "4 to answer")
        await pilot.press("enter")
        await until(pilot, "4 to answer")
        await pilot.press("n", "n", "n", "y", "enter")
        async with asyncio.timeout(LIMIT_S):
            while app.return_value is None:
                await pilot.pause(0.01)
    assert app.return_value == "kept"
    assert [*kept.answers[0].values()] == [False, False, False, True]


async def test_a_refusal_is_shown_with_its_advice_until_a_key() -> None:
    result = Result("Yes to: a numb leg", "Call your local emergency number.")
    app = QuestionsApp(Kept(result).sheet, "mono")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, "4 to answer")
        await pilot.press("y", "n", "n", "n", "enter")
        await until(pilot, "NO SESSION")
        assert "Call your local emergency number." in shown(pilot)
        assert isinstance(app.screen, QuestionsScreen)
        await pilot.press("x")
        async with asyncio.timeout(LIMIT_S):
            while app.return_value is None:
                await pilot.pause(0.01)
    assert app.return_value == result


async def test_what_is_said_before_the_first_question_scrolls_away() -> None:
    app = QuestionsApp(Kept(preface="Not a medical device. " * 20).sheet, "dark")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, "Not a medical device")
        assert "> [ ]" in shown(pilot)
        await pilot.press("n", "n", "n")
        await until(pilot, "1 to answer")
        assert "> [ ]" in shown(pilot)


async def test_it_may_be_skipped() -> None:
    kept = Kept()
    app = QuestionsApp(kept.sheet, "dark")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, "esc: skip")
        await pilot.press("escape")
        async with asyncio.timeout(LIMIT_S):
            while app.return_value is None:
                await pilot.pause(0.01)
    assert (app.return_value, kept.skipped, kept.answers) == ("skipped", 1, [])


async def test_what_cannot_be_kept_is_said_and_the_answers_stay() -> None:
    app = QuestionsApp(Kept(StoreBusyError("Another program holds the log.", "Try again.")).sheet, "dark")
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, "4 to answer")
        await pilot.press("n", "n", "n", "n", "enter")
        await until(pilot, "Another program holds the log.")
        assert "[ ]" not in shown(pilot)


# --- before a session ---


async def test_it_is_asked_before_a_session_and_not_before_a_demonstration() -> None:
    kept = Kept()
    due = {"serial:/dev/ttyACM0": [kept.sheet]}
    stage = Stage(steady, sheet=lambda address: due.get(address, [None]).pop() if due.get(address) else None)
    app = KneadApp(stage.deck)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, "serial")
        await pilot.press("enter")
        await until(pilot, "4 to answer")
        assert stage.addresses == []
        await pilot.press("n", "n", "n", "n", "enter")
        async with asyncio.timeout(LIMIT_S):
            while not isinstance(app.screen, LiveScreen):
                await pilot.pause(0.01)
        assert stage.addresses == ["serial:/dev/ttyACM0"]
        await pilot.press("q")


async def test_one_leaves_also_from_what_lies_over_the_questions() -> None:
    stage = Stage(steady, sheet=lambda _address: Kept().sheet)
    app = KneadApp(stage.deck)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, "serial")
        await pilot.press("enter")
        await until(pilot, "4 to answer")
        await pilot.press("colon")
        await until(pilot, "questions.keep")
        await pilot.press("ctrl+q")
        async with asyncio.timeout(LIMIT_S):
            while app.return_value is None:
                await pilot.pause(0.01)
        assert (app.return_value, stage.addresses) == (0, [])


async def test_after_a_refusal_no_session_begins() -> None:
    stage = Stage(steady, sheet=lambda _address: Kept(Result("Yes to: a clot", "Ask a doctor.")).sheet)
    app = KneadApp(stage.deck)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, "serial")
        await pilot.press("enter")
        await until(pilot, "4 to answer")
        await pilot.press("y", "n", "n", "n", "enter")
        await until(pilot, "NO SESSION")
        await pilot.press("x")
        await until(pilot, "Ask a doctor.")
        assert not isinstance(app.screen, LiveScreen | QuestionsScreen)
        assert stage.addresses == []


async def test_the_first_screen_says_what_is_left_today() -> None:
    lines = ["today: 20 min left", "glute left: again 18:00", "calf: 2 min left", "sole: 1 min left", "neck: off"]
    app = KneadApp(Stage(steady, today=lambda: lines).deck)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, "glute left: again 18:00")
        assert "and 2 more: knead today" in shown(pilot)
        assert "neck: off" not in shown(pilot)


# --- in a terminal ---


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")
@pytest.mark.parametrize(("leave", "code"), [(b"\x03", 130), (None, 129)], ids=["ctrl+c", "hang-up"])
def test_the_first_live_asks_and_may_be_left(leave: bytes | None, code: int, tmp_path: Path) -> None:
    """Nothing is begun, nothing is kept."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "companion", "live", BALL],
        cwd=ROOT,
        env=os.environ | {"KNEAD_HOME": str(tmp_path), "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    heard = b""
    try:
        while b"26 to answer" not in heard:
            assert select.select([ours], [], [], LIMIT_S)[0], heard
            heard += os.read(ours, 65536)
        if leave is not None:
            os.write(ours, leave)
            while process.poll() is None and select.select([ours], [], [], LIMIT_S)[0]:
                with suppress(OSError):
                    os.read(ours, 65536)
        else:
            os.close(ours)
        assert process.wait(LIMIT_S) == code
    finally:
        process.kill()
        process.wait()
        with suppress(OSError):
            os.close(ours)
    assert not (tmp_path / "data" / "knead.db").exists()


# --- which sheet is due ---


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return load_settings({"KNEAD_HOME": str(tmp_path)})


def test_first_the_whole_sheet_then_nothing_then_the_short_one(settings: Settings) -> None:
    sheet = sheets.due(settings, "me", BALL)
    assert sheet is not None
    assert len(sheet.questions) == 26
    assert "Not a medical device" in sheet.preface
    assert sheet.keep(fine()) == Result()
    assert sheets.due(settings, "me", BALL) is None
    assert sheets.due(settings, "Ann", BALL) is not None


@pytest.mark.parametrize("address", ["sim:calm", "replay:last", "demo"])
def test_a_virtual_ball_presses_nobody(settings: Settings, address: str) -> None:
    assert sheets.due(settings, "me", address) is None


def test_the_last_ball_is_asked_about_as_what_it_was(settings: Settings) -> None:
    assert sheets.due(settings, "me", None) is not None
    settings.paths.state_dir.mkdir(parents=True)
    (settings.paths.state_dir / "last-ball").write_text("sim:calm\n")
    assert sheets.due(settings, "me", None) is None


def test_after_an_emergency_the_whole_sheet_comes_back(settings: Settings) -> None:
    sheet = sheets.due(settings, "me", BALL)
    assert sheet is not None
    result = sheet.keep(fine(saddle=True))
    assert "Numbness" in result.refused
    assert "emergency number" in result.advice
    again = sheets.due(settings, "me", BALL)
    assert again is not None
    assert (len(again.questions), again.skipping.startswith("esc: back")) == (26, True)
    assert sheets.today_lines(settings)[0].startswith("no session: Numbness")


def test_what_is_left_is_told_on_the_first_screen(settings: Settings) -> None:
    from companion.compose import gather

    fresh = "today: 30 min 0 s of contact left in all, by judgement; every region is free"
    assert sheets.today_lines(settings) == [fresh]
    answered(settings.paths.database, "me", "week", fine(varicose="left"), gather(settings))
    lines = sheets.today_lines(settings)
    assert lines[1] == "hamstring, quadriceps, calf and 2 more left: left out after your answer"
    assert len(lines) == 2
