"""The words sessions are found by: read as meant, refused in one line, and matched as promised."""

import random
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.filters import SORTS, FilterError, fold, parse
from sessions.session import SessionRow
from sessions.store import NOTE_MAX, Store
from tests.benchmarks.library import TODAY, build

DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "data" / "knead.db"
    build(path, 400, 4)
    return path


def found(log: Path, text: str, **how: object) -> list[SessionRow]:
    with Store(log) as store:
        return store.find(parse(text, TODAY.date()), **how)  # type: ignore[arg-type] # sort, limit and offset


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("area:glute side:left", lambda row: (row.region, row.side) == ("glute", "left")),
        ("-area:glute", lambda row: row.region != "glute"),
        ("side:R", lambda row: row.side == "right"),
        ("pain:>4", lambda row: (row.pain_before or 0) > 4 or (row.pain_after or 0) > 4),
        ("before:?", lambda row: row.pain_before is None),
        ("change:<-1", lambda row: row.pain_after is not None and row.pain_after - row.pain_before < -1),
        ("stop:yes", lambda row: row.alerts_by_level["stop"] > 0),
        ("stop:no", lambda row: row.alerts_by_level["stop"] == 0),
        ("caution:>=2", lambda row: row.alerts_by_level["caution"] >= 2),
        ("simulated:yes", lambda row: row.simulated),
        ("note:no", lambda row: row.note == ""),
        ("program:RELEASE", lambda row: row.program is not None),
        ("program:?", lambda row: row.program is None),
        ("tag:evening", lambda row: "evening" in row.tags),
        ("-tag:evening", lambda row: "evening" not in row.tags),
        ("tag:even", lambda row: False),
        ("peak:>80.5", lambda row: row.peak_kpa > 80.5),
        ("length:>10m", lambda row: row.duration_s > 600),
        ("length:<400s", lambda row: row.duration_s < 400),
        ("since:2026-10", lambda row: f"{row.started_at:%Y-%m}" >= "2026-10"),
        ("until:2025", lambda row: row.started_at.year <= 2025),
        ("since:2025-03 until:2025-04", lambda row: f"{row.started_at:%Y-%m}" in ("2025-03", "2025-04")),
        ("since:4w", lambda row: row.started_at.date() >= TODAY.date() - timedelta(days=28)),
        ("APRES velo", lambda row: "après le vélo" in row.note),
        ('"hip bone"', lambda row: "hip bone" in row.note),
        ('"bone hip"', lambda row: False),
        ("evening", lambda row: "evening" in row.tags),
        ("person:ME", lambda row: True),
        ("person:you", lambda row: False),
        ("ball:0042", lambda row: True),
        ("50%", lambda row: False),
        ("", lambda row: True),
    ],
)  # fmt: skip
def test_a_filter_finds_what_it_says(log: Path, text: str, holds: object) -> None:
    assert callable(holds)
    everything = found(log, "")
    assert len(everything) == 400
    assert found(log, text) == [row for row in everything if holds(row)]
    with Store(log) as store:
        counted = store.count(parse(text, TODAY.date()))
    assert counted.sessions == sum(bool(holds(row)) for row in everything)
    assert counted.simulated == sum(bool(holds(row)) and row.simulated for row in everything)


def test_marks_are_searched_too(log: Path) -> None:
    (row,) = found(log, '"spot 123"')
    with Store(log) as store:
        assert any("spot 123" in str(getattr(event, "fields", "")) for event in store.events(row.id))


def test_what_is_written_later_is_found_and_what_is_replaced_is_not(tmp_path: Path) -> None:
    log = tmp_path / "knead.db"
    build(log, 20, 0)
    chosen = found(log, "")[3]
    with Store(log) as store:
        store.annotate(chosen.id, note="Ünheard of", tags=["zebra"])
        store.mark(chosen.id, 20.0, "giraffe")
        with pytest.raises(ValueError, match="at most"):
            store.annotate(chosen.id, note="x" * (NOTE_MAX + 1))
    for text in ("unheard", "zebra", "giraffe"):
        assert [row.id for row in found(log, text)] == [chosen.id], text
    with Store(log) as store:
        store.annotate(chosen.id, note="other", tags=[])
    assert found(log, "unheard") == found(log, "zebra") == []
    assert len(found(log, "giraffe other")) == 1
    with Store(log) as store:
        store.delete(chosen.id)
    assert found(log, "giraffe") == []


@pytest.mark.parametrize("sort", [*SORTS, *(f"-{name}" for name in SORTS)])
def test_pages_of_any_order_make_the_whole(log: Path, sort: str) -> None:
    whole = found(log, "", sort=sort)
    assert len({row.id for row in whole}) == 400
    assert [
        row for offset in range(0, 400, 150) for row in found(log, "", sort=sort, offset=offset, limit=150)
    ] == whole


def test_the_unknown_comes_last_in_any_order(log: Path) -> None:
    for sort in ("change", "-change"):
        known = [row.pain_before is not None and row.pain_after is not None for row in found(log, "", sort=sort)]
        assert known == sorted(known, reverse=True)


@pytest.mark.parametrize(
    "text",
    [
        "foo:1",
        "pain:many",
        "since:20",
        "since:2026-13",
        "since:99999y",
        "side:up",
        "stop:maybe",
        "area:",
        '"',
        "x" * 1001,
    ],
)
def test_what_is_no_filter_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, DAY)
    assert "\n" not in str(caught.value)
    assert caught.value.hint


def test_an_unknown_order_is_refused(log: Path) -> None:
    with pytest.raises(FilterError, match="sorted"):
        found(log, "", sort="colour")


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    try:
        wanted = parse(text, DAY)
    except FilterError:
        return
    assert all(term.value != "" or term.test == "?" or term.key == "text" for term in wanted.terms)


@given(st.text(max_size=40))
def test_folding_is_done_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_random_filters_agree_with_python(log: Path) -> None:
    """Conditions together are those that each would leave."""
    chance = random.Random(5)
    parts = (
        "area:glute",
        "side:left",
        "stop:no",
        "pain:>4",
        "-tag:evening",
        "length:>8m",
        "velo",
        "since:2020",
        "-before:?",
    )
    for _ in range(12):
        chosen = chance.sample(parts, 3)
        ids = [{row.id for row in found(log, part)} for part in chosen]
        assert {row.id for row in found(log, " ".join(chosen))} == set.intersection(*ids), chosen
