"""One session without a screen: run it, print it, end it well whatever ends it, and say where it lies."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from companion.cli.failures import READER_GONE, mention, say
from companion.cli.outlet import Lines, Outlet
from companion.cli.signals import Signals
from sessions.errors import SessionError

if TYPE_CHECKING:
    from companion.config import Settings
    from companion.engine import Outcome
    from sessions.journal import JournalResult
    from sessions.session import SessionRow

_POLL_S = 0.1  # how soon a signal is answered
_END_S = 45.0  # STOP to the ball (2.5 s), then the journal's last transaction (30 s at most)


class Run(Protocol):
    """A session made but not started."""

    @property
    def outcome(self) -> "Outcome | None": ...
    @property
    def session_id(self) -> str | None: ...
    @property
    def warning(self) -> str:
        """A line before it begins, or none."""
        ...

    @property
    def remark(self) -> str:
        """A line after it, or none."""
        ...

    @property
    def result(self) -> "JournalResult | None": ...

    def start(self) -> None: ...
    def stop(self, cause: str) -> None: ...
    def join(self, timeout_s: float | None, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known of a session once it is over."""

    code: int
    session_id: str | None
    row: "SessionRow | None"
    database: str


class Form(Lines, Protocol):
    """How a session is printed."""

    def ending(self, ending: Ending) -> list[str]:
        """The last lines on stdout."""
        ...

    def parting(self, ending: Ending) -> list[str]:
        """The last words on stderr."""
        ...


def watch(make: Callable[[Outlet], Run], form: Form, settings: "Settings") -> int:
    """Run one session to its end and give the exit code. Raises what `make` raises."""
    outlet = Outlet(form, sys.stdout, sys.stderr)
    with Signals() as signals:
        try:
            run = make(outlet)
            if run.warning:
                say(run.warning)
            run.start()
            ended = _wait(run, outlet, signals)
        except BaseException:
            outlet.close()
            raise
        code = _code(run, outlet, signals, ended)
        ending = Ending(code, run.session_id, session_row(run.session_id, settings), str(settings.paths.database))
        outlet.say_last(lambda: form.ending(ending))
        outlet.close(give_up=lambda: signals.count > 1)
        if outlet.unwritten:
            say(f"not all lines were written: {outlet.unwritten}")
        for line in form.parting(ending):
            mention(line)
        if run.remark:
            mention(f"knead: {run.remark}")
    return code


def _wait(run: Run, outlet: Outlet, signals: Signals) -> bool:
    """Until the session is over. A signal, or a reader that has gone, ends it; a second signal does not wait."""
    stopped_s: float | None = None
    while not run.join(_POLL_S):
        if stopped_s is None:
            if signals.caught is not None or outlet.reader_gone:
                run.stop("signal")
                outlet.patient = False
                stopped_s = monotonic()
        elif signals.count > 1 or monotonic() - stopped_s > _END_S:
            return False
    return True


def _code(run: Run, outlet: Outlet, signals: Signals, ended: bool) -> int:
    """The exit code, and the reason on stderr. What was not saved outranks all else."""
    outcome, result = run.outcome, run.result
    if not ended:
        say("left before the session was saved", "what reached the disk is recovered by the next command that reads it")
        return 1
    if result is not None and (result.error or result.unsaved_s > 0):
        missing = f"{result.unsaved_s:.1f} s of the session are not saved" if result.unsaved_s else "not all is saved"
        say(f"{missing}: {result.error}" if result.error else missing, "see the disk, then: knead doctor")
        return 1
    if signals.code is not None:
        return signals.code
    if outlet.reader_gone:
        return READER_GONE
    if outcome is None:
        say("the session ended without an outcome, please report it", "KNEAD_DEBUG=1 shows more")
        return 1
    if outcome.code:
        say(outcome.text, outcome.hint)
    if outlet.error and not outcome.code:
        return 1
    return outcome.code


def session_row(session_id: str | None, settings: "Settings") -> "SessionRow | None":
    """A session's line of the log. What keeps it from being read is said, and no more: the session is over."""
    if session_id is None:
        return None
    from sessions.store import Store

    try:
        with Store(settings.paths.database) as store:
            return store.row(session_id)
    except SessionError as error:
        say(str(error), error.hint)
        return None
