"""A sheet of questions as the screens know it: shapes, and the answers as they are typed. No screen here."""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from companion.tui import words
from companion.tui.tones import Row, Span, Tone

Answer = bool | str | float | None
_ANSWER = 12  # cells on the left for the answer


class Question(Protocol):
    @property
    def key(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def ask(self) -> str: ...
    @property
    def kind(self) -> str:
        """yes_no, side or number."""
        ...

    def allowed(self) -> str: ...

    def read(self, text: str) -> Answer:
        """Raises ValueError."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """What the answers mean. `refused`: why no session may begin, or ""; then `advice` says what to do."""

    refused: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is to be asked now. `keep` and `skip` may take their time, and may raise one of FAILURES."""

    title: str
    questions: Sequence[Question]
    keep: Callable[[Mapping[str, Answer]], Result]
    skip: Callable[[], object]
    skipping: str  # what it means not to answer
    preface: str = ""  # said before the first question
    final: bool = True  # not answered, nothing else is asked either


HEADINGS: Mapping[str, str] = {
    "emergency": "EMERGENCY SIGNS",
    "clinician": "ASK A CLINICIAN FIRST",
    "lower": "LOWER LIMITS",
    "body": "YOU",
    "now": "NOW",
    "after": "THE DAY AFTER",
}


@dataclass(slots=True)
class Filling:
    """A sheet being filled in: the cursor, and what was typed so far."""

    questions: Sequence[Question]
    cursor: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    preface: str = ""
    typed: str = ""  # digits of a number not finished

    @property
    def here(self) -> Question:
        return self.questions[self.cursor]

    @property
    def open(self) -> list[int]:
        """Places of the questions that have no answer yet."""
        return [place for place, question in enumerate(self.questions) if question.key not in self.answers]

    def move(self, by: int) -> None:
        self.settle()
        self.cursor = min(max(0, self.cursor + by), len(self.questions) - 1)

    def press(self, key: str) -> bool:
        """A key typed at the question under the cursor; False if it means nothing there."""
        here = self.here
        if here.kind == "number" and (key.isdigit() or key in (".", "backspace")):
            self.answers.pop(here.key, None)
            self.typed = self.typed[:-1] if key == "backspace" else (self.typed + key)[:6]
            return True
        words_of = {"y": "yes", "n": "no", "l": "left", "r": "right", "b": "both", "u": "unknown"}
        if here.kind == "number" and key == "n":
            key = "u"
        try:
            self.answers[here.key] = here.read(words_of[key])
        except (KeyError, ValueError):
            return False
        self.typed = ""
        self.move(1)
        return True

    def settle(self) -> None:
        """A number typed is an answer, if it is one."""
        if self.typed:
            try:
                self.answers[self.here.key] = self.here.read(self.typed)
            except ValueError:
                self.answers.pop(self.here.key, None)
            self.typed = ""

    def none_of_this_part(self) -> None:
        """What is open under this heading is no, or unknown. A number that must be said (soreness) stays open."""
        self.settle()
        for place in self.open:
            question = self.questions[place]
            if question.group == self.here.group and (question.kind != "number" or question.group == "body"):
                self.answers[question.key] = question.read("unknown" if question.kind == "number" else "no")
        self.cursor = next((place for place in self.open if place > self.cursor), self.cursor)

    def rows(self, width: int, height: int) -> tuple[Row, ...]:
        """What is shown, scrolled so that the question under the cursor is seen whole; what is below is counted."""
        lines = textwrap.wrap(self.preface, max(20, width - 2))
        rows: list[Row] = [((f" {line}", Tone.QUIET),) for line in lines]
        seen = (0, 0)
        ends: list[int] = []
        heading = ""
        for place, question in enumerate(self.questions):
            begin = len(rows)
            if question.group != heading:
                heading = question.group
                if rows:
                    rows.append(())
                rows.append(((f" {HEADINGS.get(heading, heading)}", Tone.STRONG),))
            at = len(rows)
            rows += self._question(question, width, chosen=place == self.cursor)
            ends.append(len(rows))
            if place == self.cursor:
                seen = (begin if at - begin <= 2 else at, len(rows))
        room = height - 1  # the last row counts what is below
        start = max(0, min(seen[0], len(rows) - height)) if seen[1] > room else 0
        if room < 1 or start + height >= len(rows):
            return tuple(rows[start : start + height])
        end = max((end for end in ends if end <= start + room), default=0)
        end = end if end >= min(seen[1], start + room) else start + room  # a question longer than all the room
        below = sum(each > end for each in ends)
        return (*rows[start:end], *[()] * (start + room - end), ((f"   {below} more below", Tone.QUIET),))

    def _question(self, question: Question, width: int, *, chosen: bool) -> list[Row]:
        tone = Tone.CURSOR if chosen else Tone.PLAIN
        lines = textwrap.wrap(words.plain(question.ask, 300), max(20, width - _ANSWER - 4))
        mark = ">" if chosen else " "
        shown: list[Row] = []
        for number, line in enumerate(lines):
            left = f" {mark} {self._answer(question, chosen=chosen):<{_ANSWER - 4}} " if number == 0 else " " * _ANSWER
            spans: tuple[Span, ...] = ((left, Tone.STRONG), (line, tone))
            shown.append(spans)
        return shown

    def _answer(self, question: Question, *, chosen: bool) -> str:
        if chosen and self.typed:
            return self.typed + "_"
        if question.key not in self.answers:
            return "[ ]"
        answer = self.answers[question.key]
        if isinstance(answer, bool):
            return "YES" if answer else "no"
        return "unknown" if answer is None else answer if isinstance(answer, str) else f"{answer:g}"
