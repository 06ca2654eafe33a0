"""A session from the bytes of its capture: driver and pipeline are told again what they were told then."""

from collections.abc import Iterator
from functools import partial

from companion.blocks import BlockPipeline
from companion.captures.format import Kind, Record, action_of, bytes_of
from companion.captures.reader import Capture
from companion.errors import CaptureError
from companion.handsfree.terms import Terms
from companion.pipeline import Pipeline
from companion.programs.program import Routine
from companion.replays.script import Step, Verdict, versions
from companion.safety.limits import GuardContext
from companion.speech import Speech
from companion.stages import Output, Plan
from firmware_protocol.devices.kind import Link
from firmware_protocol.driver import Chunk, Driver, Profile
from sessions.events import Event


class CapturedScript:
    """`joined`: adjacent batches are judged as one (blocks); the events are the same and come later."""

    def __init__(self, capture: Capture, *, joined: bool) -> None:
        setup = capture.setup
        self._capture = capture
        self._at_s = 0.0
        self._damage = ""
        plan = Plan(
            person=setup.person,
            region=setup.region,
            side=setup.side,
            program=setup.program,
            context=self._context,
            wall=setup.wall,
            software=setup.software,
            routine=self._routine(),
            hands=self._hands(),
        )
        driver = _driver(capture)
        self._pipeline: Pipeline = BlockPipeline(driver, plan) if joined else Pipeline(driver, plan)

    @property
    def warning(self) -> str:
        setup = self._capture.setup
        return versions(setup.smoothing, setup.limits, setup.software)

    def steps(self) -> Iterator[Step]:
        for record in self._capture.records():
            self._at_s = record.at_s
            if record.kind not in (Kind.GUARD, Kind.END):
                yield Step(record.at_s, partial(self._run, record))
        self._damage = self._capture.damage

    def finish(self, cause: str) -> list[Event]:
        return self._pipeline.finish(self._at_s, cause)

    def verdict(self) -> Verdict:
        return Verdict(damage=f"the capture {self._capture.path}: {self._damage}" if self._damage else "")

    def _run(self, record: Record) -> list[Output]:
        line, at_s = self._pipeline, record.at_s
        try:
            match record.kind:
                case Kind.OPENED:
                    return line.opened(at_s)
                case Kind.CLOSED:
                    return line.closed(at_s, record.payload.decode("utf-8", "replace"))
                case Kind.IN:
                    source, data = bytes_of(record)
                    return line.feed(Chunk(source, data, at_s))
                case Kind.OUT if isinstance(line, BlockPipeline):
                    return line.catch_up()  # something was said that the ball was told of
                case Kind.TICK:
                    return line.tick(at_s)
                case Kind.ACTION:
                    return line.act(action_of(record), at_s)
        except ValueError as error:  # the checksum was right: another program wrote this
            raise CaptureError(f"the capture {self._capture.path} is damaged at {at_s:.3f} s: {error}") from error
        return []

    def _hands(self) -> Terms | None:
        told = self._capture.setup.hands
        try:
            return None if told is None else Terms.from_json(told)
        except ValueError as error:  # the checksum was right: another program wrote this
            raise CaptureError(f"the capture {self._capture.path} cannot be replayed: {error}") from error

    def _routine(self) -> Routine | None:
        told = self._capture.setup.routine
        try:
            return None if told is None else Routine.from_json(told)
        except ValueError as error:
            raise CaptureError(f"the capture {self._capture.path} cannot be replayed: {error}") from error

    def _context(self, _profile: Profile) -> GuardContext:
        if self._capture.context is None:
            raise CaptureError(f"the capture {self._capture.path} was cut short before its first reading")
        return self._capture.context


def _driver(capture: Capture) -> Driver:
    """The one that was spoken with then. Raises CaptureError where it is none of ours."""
    setup = capture.setup
    try:
        speech = Speech(setup.kind, Link(setup.link), setup.first_tag, setup.expect_serial, setup.settings)
        return speech.driver()
    except (KeyError, ValueError) as error:
        raise CaptureError(f"the capture {capture.path} is of a kind of ball that this knead does not know") from error
