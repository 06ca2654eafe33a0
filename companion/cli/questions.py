"""`knead screen`: the questions that limits depend on, asked one by one or answered on the command line."""

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import click
from click.exceptions import Exit

from companion.cli.failures import say
from companion.cli.options import document, setting, settings
from companion.cli.terminal import someone

if TYPE_CHECKING:
    from companion.config import Settings
    from companion.past import Past
    from companion.safety.person import Person
    from companion.safety.screening import Answer, Question


@click.command(
    help=(
        "Answer the questions that limits depend on: before first use, then weekly. --check is the short form before "
        "a session, --next-day the one after it. Ends with 7 where an answer says: no session."
    )
)
@setting("person")
@click.option("--check", "when", flag_value="session", help="Only the short check before a session.")
@click.option("--next-day", "when", flag_value="after", help="How the day after the last session was.")
@click.option("--show", is_flag=True, help="Ask nothing; say what stands.")
@click.option("--answer", multiple=True, metavar="KEY=VALUE", help="An answer, not asked for then. May be repeated.")
@click.option("--no-to-rest", is_flag=True, help="All that --answer does not name is no, or unknown.")
@click.option("--agreed", metavar="WHO", help="A clinician has agreed: WHO it was.")
@click.option("--gone", metavar="REGION", help="The bruise or swelling there is gone.")
@document
def screen(
    person: str | None,
    when: str | None,
    show: bool,
    answer: tuple[str, ...],
    no_to_rest: bool,
    agreed: str | None,
    gone: str | None,
    as_json: bool,
) -> None:
    from companion.compose import gather

    held = settings(person=person)
    past = gather(held)
    if agreed is not None:
        _agree(held, past, agreed)
    elif gone is not None:
        _unlock(held, past, gone)
    elif not show:
        _answer(held, past, when or "week", answer, no_to_rest)
    past = gather(held)
    _say_standing(past, as_json)
    if past.verdict.reasons:
        raise Exit(7)


def _answer(held: "Settings", past: "Past", when: str, given: tuple[str, ...], no_to_rest: bool) -> None:
    from companion import keeping
    from companion.safety.screening import Standing, questions

    if when == "session" and past.verdict.standing is Standing.EMERGENCY:
        say("after that answer all questions are asked anew")
        when = "week"
    asked = questions().asked(when)
    answers = _typed(asked, given)
    if no_to_rest:
        answers = {question.key: _no(question) for question in asked} | answers
    left = [question for question in asked if question.key not in answers]
    if left:
        if not someone():
            hint = f"knead screen --answer {left[0].key}=... ({left[0].allowed()}), or --no-to-rest"
            raise click.UsageError(f"not answered: {', '.join(question.key for question in left)}; {hint}")
        answers |= _ask(left)
    keeping.answered(held.paths.database, held.person, when, answers, past)


def _typed(asked: "Iterable[Question]", given: tuple[str, ...]) -> "dict[str, Answer]":
    by_key = {question.key: question for question in asked}
    answers: dict[str, Answer] = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or key not in by_key:
            raise click.UsageError(f"{item}: write KEY=VALUE; the keys are {', '.join(by_key)}")
        try:
            answers[key] = by_key[key].read(value)
        except ValueError as error:
            raise click.UsageError(f"{key}: {value!r} is no answer; allowed is {by_key[key].allowed()}") from error
    return answers


def _no(question: "Question") -> "Answer":
    by_kind: dict[str, Answer] = {"yes_no": False, "side": "no"}
    return by_kind.get(question.kind)


def _ask(asked: "Iterable[Question]") -> "dict[str, Answer]":
    """One by one, until each has an answer that is one. Words go to stderr: stdout is data."""
    answers: dict[str, Answer] = {}
    heading = ""
    for question in asked:
        if question.group != heading:
            heading = question.group
            click.echo(f"\n{HEADINGS[heading]}", err=True)
        while question.key not in answers:
            default = "unknown" if question.kind == "number" and question.group == "body" else None
            typed = click.prompt(f"{question.ask} [{question.allowed()}]", default=default, err=True)
            try:
                answers[question.key] = question.read(str(typed))
            except ValueError as error:
                click.echo(f"allowed is {error}", err=True)
    return answers


HEADINGS = {
    "emergency": "Emergency signs",
    "clinician": "Ask a clinician first",
    "lower": "Lower limits",
    "body": "You",
    "now": "Now",
    "after": "The day after",
}


def _agree(held: "Settings", past: "Past", who: str) -> None:
    from companion import keeping
    from companion.safety.screening import Standing

    if past.verdict.standing is Standing.EMERGENCY:
        raise click.UsageError("an emergency answer is not agreed away: answer all questions anew with knead screen")
    if past.verdict.standing is not Standing.CLINICIAN:
        raise click.UsageError("nothing waits for a clinician")
    if not who.strip():
        raise click.UsageError("say who agreed: --agreed WHO")
    keeping.agree(held.paths.database, held.person, who.strip())


def _unlock(held: "Settings", past: "Past", region: str) -> None:
    from companion import keeping

    mine = [lock for lock in past.person.locks if lock.region == region and lock.until is None]
    if not mine:
        raise click.UsageError(f"no bruise or swelling is noted at {region}")

    def make(person: "Person") -> "Person":
        return replace(person, locks=tuple(lock for lock in person.locks if lock not in mine))

    keeping.change(held.paths.database, held.person, "gone", {"region": region}, make)


def _say_standing(past: "Past", as_json: bool) -> None:
    verdict = past.verdict
    if as_json:
        row = {
            "schema": 1,
            "person": past.person.name,
            "standing": verdict.standing.value,
            "reasons": list(verdict.reasons),
            "advice": verdict.advice,
            "screened": verdict.screened,
            "missing": verdict.missing,
            "factor_k": past.factor_k,
            "body_kg": verdict.body_kg,
            "left_out": list(verdict.skipped),
            "locked": [f"{lock.region} {lock.side}" for lock in past.locks()],
        }
        click.echo(json.dumps(row, indent=2))
        return
    for reason in verdict.reasons:
        click.echo(f"Yes to: {reason}")
    if verdict.advice:
        click.echo(click.wrap_text(verdict.advice, 79))
        return
    state = {"": "answered", "never": "not asked yet", "week": "older than a week", "check": "short check is due"}
    click.echo(f"Questions: {state[verdict.missing]}. Limits are times {past.factor_k:g}.")
    if past.is_first:
        click.echo("One of your first three sessions: shorter, and with lower limits.")
    if verdict.skipped:
        click.echo(f"Left out: {', '.join(verdict.skipped)}")
    for lock in past.locks():
        until = "until it is gone" if lock.until is None else f"until {lock.until.astimezone():%a %d %b %H:%M}"
        click.echo(f"Locked: {lock.region} {lock.side}, {lock.why}, {until}")
