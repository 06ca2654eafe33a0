"""Property tests over the whole way from bytes to lines and rows, and over every decoder; the tests.fuzz drills."""

import importlib.util
import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from companion.balls import transport
from companion.cli.jsonl import Jsonl
from companion.cli.plain import Plain
from companion.cli.zones import edges_of
from companion.clock import Clock
from companion.contexts import guard_context
from companion.errors import CompanionError, DeviceNotFoundError
from companion.replays.again import place_of
from companion.run import LiveRequest
from companion.transports.serial import parse
from companion.tui.liveview import LiveView
from firmware_protocol.driver import Profile, Unit
from sessions.errors import UnreadableError
from sessions.record import EventRow, event_of, totals_of
from tests.fuzz.__main__ import fuzz, seed
from tests.fuzz.drill import SPOKEN, Drill
from tests.fuzz.script import decoders, either, play

CLOCK = Clock()
seconds = st.one_of(st.floats(0.0, 0.3), st.sampled_from([1e-9, 0.25, 1.0, 5.0, 10.0, 61.0, 700.0, 1e9]))
payloads = st.one_of(
    st.binary(max_size=40), st.lists(st.sampled_from([0, 1, 4, 0x7F, 0x80, 0xFF]), max_size=24).map(bytes)
)
steps = st.one_of(
    st.tuples(st.just("raw"), st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=6)),
    st.tuples(st.just("message"), st.builds(lambda code, rest: bytes((code,)) + rest, st.integers(0, 255), payloads)),
    st.tuples(st.just("answer"), payloads),
    st.tuples(st.just("ball"), st.floats(0.0, 1.5)),
    st.tuples(st.just("ball"), st.floats(0.0, 1.0), st.binary(min_size=2, max_size=2)),
    st.tuples(st.just("tick"), seconds),
    st.tuples(st.just("act"), st.integers(0, 13)),
    st.tuples(st.just("drop")),
    st.tuples(st.just("open")),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(steps, max_size=25), st.integers(0, len(SPOKEN) - 1))
@example([("ball", 1.0), ("tick", 1e9), ("ball", 1.0), ("drop",), ("tick", 0.25), ("open",), ("ball", 1.5)], 0)
def test_no_input_raises_and_time_goes_on(script: list[tuple[object, ...]], spoken: int) -> None:
    """Arbitrary bytes, cuts, answers, times and actions: `Drill` holds what must be so after each."""
    drill = Drill(spoken)
    for name, *arguments in script:
        getattr(drill, str(name))(*arguments)
    drill.end()
    assert drill.ended, "and each of its own asserts held"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400), st.integers(0, len(SPOKEN) - 1))
def test_any_bytes_are_a_drill(data: bytes, spoken: int) -> None:
    assert play(data, spoken).ended


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_told_from_messages_and_chunks(data: bytes) -> None:
    assert "as it came" in decoders(data), "bytes without a checksum are no chunk"


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.from_regex(r"(?s)[a-z:/]{0,12}\?(baud|kind|x)=.{0,12}", fullmatch=True)))
def test_any_text_is_an_address_or_one_error(text: str) -> None:
    try:
        found = parse(text)
    except DeviceNotFoundError as error:
        assert error.hint
    else:
        assert 300 <= found.baud <= 4_000_000
    for address in (text, f"serial:{text}", f"sim:{text}"):
        try:
            transport(address, None, CLOCK)
        except CompanionError as error:
            assert error.hint


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["alert", "notice", "cue", "action", "totals", "else"]),
    st.dictionaries(
        st.sampled_from(["kind", "text", "fields", "phase", "level", "regions", "after_index", "step"]), json_values
    ),
)
@example("notice", {"kind": ["link"], "text": "x", "fields": {}})
@example("notice", {"kind": "link", "text": None, "fields": {}})
@example("notice", {"kind": "link", "text": "x", "fields": 0})
@example("action", {"kind": "mark", "fields": {}, "after_index": True})
@example("cue", {"kind": "step", "step": "x", "text": "", "fields": {}})
def test_any_row_is_an_event_or_one_error(kind: str, fields: dict[str, object]) -> None:
    """And an event, however little sense it makes, can be told, shown and played again."""
    row = EventRow(0, 1.0, kind, fields)  # type: ignore[arg-type]  # JSON as a damaged file may hold it
    with suppress(UnreadableError):
        assert totals_of([row], "a session")[0].t_s == 1.0
    try:
        event = event_of(row, "a session")
    except UnreadableError as error:
        assert "a session" in str(error)
        return
    assert {place_of(event)}
    view = LiveView()
    view(event)
    assert view.snapshot().events
    told = [*Jsonl().lines(event), *Plain(edges_of).lines(event), *Plain(edges_of).words(event)]
    assert all(line.isprintable() for line in told)


@pytest.mark.parametrize(("told_mm2", "area_cm2"), [(0, 8.0), (1, 8.0), (700, 7.0), (900, 8.0), (0xFFFF, 8.0)])
def test_a_contact_area_that_no_tool_has_is_not_taken(told_mm2: int, area_cm2: float) -> None:
    """What a ball says of itself must neither end the session nor loosen a limit: a hard ball's area stands."""
    profile = Profile(
        kind="native",
        serial="S",
        model="m",
        vendor="v",
        firmware="f",
        channels=4,
        unit=Unit.NEWTON,
        lsb=0.05,
        max_hz=100,
        caps=0,
        cal_crc=0,
        boot_id=1,
        has_clock=True,
        full_scale=20_000,
        cell_mm2=0xFFFF,
        contact_mm2=told_mm2,
        tool=2,
    )
    assert guard_context(profile, LiveRequest()).area_cm2 == area_cm2


def test_damage_is_told_as_counts() -> None:
    """A line full of noise must not fill the log: the first is told at once, then counts, none forgotten."""
    drill = Drill()
    drill.ball(1.0)
    before, noise = drill.events, b"\x05\x01\0"
    drill.raw(noise * 1000)
    assert drill.events == before + 1
    drill.tick(1.5)
    assert drill.damaged == 1000
    drill.end()


def test_the_corpus_is_the_golden_vectors(tmp_path: Path) -> None:
    vectors = json.loads(Path("firmware_protocol/vectors.json").read_text(encoding="utf-8"))
    assert seed(tmp_path) > 2 * len(vectors["messages"])
    for file in sorted(tmp_path.iterdir())[::5]:
        either(file.read_bytes())


def test_guided_by_coverage_nothing_is_found(tmp_path: Path) -> None:
    """A breath of it; `python -m tests.fuzz` runs for longer, for 20 s where changes are judged."""
    if importlib.util.find_spec("atheris") is None:
        pytest.skip("atheris is not installed: pip install -e '.[fuzz]'")
    (tmp_path / "corpus").mkdir()
    found = fuzz(2, tmp_path / "corpus", tmp_path)
    assert not found.failure, found.failure
    assert found.inputs > 50
