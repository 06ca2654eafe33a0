"""A session and a week as one page: all that matters is said, nothing is from elsewhere, nothing is more than known."""

import html as markup
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from companion.cli import run
from companion.cli.judging import judged
from companion.cli.text import DISCLAIMER
from sessions import Store
from sessions.events import Closed
from sessions.page import write_pdf
from sessions.paper import Paper
from sessions.report import session_paper
from sessions.reporthtml import html
from sessions.week import week_of
from tests import papers, session_events
from tests.test_store import keep


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "data" / "knead.db"
    papers.usual(path)
    with Store(path) as store:
        yield store


def paper_of(store: Store, session: str = "last", **options: str) -> Paper:
    data = store.load(session)
    return session_paper(data, judged(data), **options)


def pdf_of(paper: Paper, sheet: str = "a4") -> bytes:
    stream = io.BytesIO()
    assert write_pdf(paper, stream, sheet=sheet) == []
    return stream.getvalue()


def words(text: str) -> str:
    """What a reader of the page sees."""
    text = re.sub(r"<(style|title)>.*?</\1>", "", text, flags=re.DOTALL)
    return " ".join(markup.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_the_page_says_what_happened(log: Store) -> None:
    told = words(html(paper_of(log, person=papers.NAME)))
    for said in (
        papers.NAME,
        "glute left",
        "84 kPa 101 N",
        "900",  # dose
        "8 %",  # of the limit
        "1 stop",
        "6 → 4",
        "stop, come off 91.1 of 72.2 kPa",
        "0:10 to 0:15 5.0 s 500 link",
        "nobody was screened, so half of each limit stands",
        "Pressure up to 72 kPa on 12 cm²",
        "F22: ",
        "<script>alert(1)</script>",
        DISCLAIMER,
    ):
        assert said in told, said


def test_the_page_is_complete_in_itself(log: Store) -> None:
    text = html(paper_of(log))
    assert "<script" not in text
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)|<(iframe|object|embed|img|video|form)", text)
    assert re.findall(r'\b(?:src|href)="(?!#|data:)', text) == []
    assert text.count("<svg") == 2
    references = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    names = re.findall(r'\bid="([^"]+)"', text)
    assert len(names) == len(set(names))
    assert references <= set(names)
    assert "var(--line)" in text
    assert "prefers-color-scheme" in text


def test_the_same_session_gives_the_same_page(log: Store) -> None:
    assert html(paper_of(log)) == html(paper_of(log))
    assert pdf_of(paper_of(log)) == pdf_of(paper_of(log))


def test_nobody_is_named_who_was_not_typed(log: Store, tmp_path: Path) -> None:
    path = tmp_path / "data" / "knead.db"
    keep(
        path,
        [replace(session_events.opened(started_at=session_events.later(5)), person="Bob Builder"), Closed(1.0, "user")],
    )
    assert log.row("last").person == "Bob Builder"
    assert "Bob" not in html(paper_of(log))


def test_what_is_not_known_is_never_zero(log: Store, tmp_path: Path) -> None:
    path = tmp_path / "data" / "knead.db"
    keep(path, [session_events.opened(started_at=session_events.later(5)), Closed(0.0, "user")])
    paper = paper_of(log)
    assert paper.chart is None
    told = {label: value for label, value, _ in paper.figures}
    for label in ("Peak pressure", "Mean in contact", "Contact", "Dose", "Pain, 0 to 10"):
        assert told[label] == "unknown", label
    assert "no curve to draw" in html(paper)
    assert pdf_of(paper).startswith(b"%PDF")


@pytest.mark.parametrize("unit", ["N", "counts", "kPa gas"])
def test_what_nobody_judged_is_a_page_too(tmp_path: Path, unit: str) -> None:
    path = tmp_path / "knead.db"
    batches = [replace(each, unit=unit) for each in session_events.readings(2.0)]
    keep(path, [replace(session_events.opened(), context={"judged": False}), *batches, Closed(2.0, "user")])
    with Store(path) as store:
        paper = paper_of(store)
    told = words(html(paper))
    assert "Limits it was judged by" not in told
    assert "Pressure was not judged in this session" in told
    assert (f"Load, {unit} (not judged)" in told) == (unit != "N")
    assert pdf_of(paper).startswith(b"%PDF")


@pytest.mark.parametrize("sheet", ["a4", "letter"])
@pytest.mark.parametrize("kind", ["usual", "crowded"])
def test_the_pdf_is_one_page_whatever_there_is_to_say(tmp_path: Path, kind: str, sheet: str) -> None:
    path = tmp_path / "knead.db"
    getattr(papers, kind)(path)
    with Store(path) as store:
        data = pdf_of(paper_of(store, person="Ann Example"), sheet)
    assert len(re.findall(rb"/Type /Page\b", data)) == 1
    box = re.search(rb"/MediaBox \[ 0 0 ([0-9.]+) ([0-9.]+) \]", data)
    assert box is not None
    expected = {"a4": (595.3, 841.9), "letter": (612.0, 792.0)}[sheet]
    assert [float(edge) for edge in box.groups()] == pytest.approx(expected, abs=0.2)


@pytest.mark.parametrize("kind", ["usual", "crowded"])
def test_nothing_on_the_pdf_stands_outside_of_it(tmp_path: Path, kind: str) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from sessions.page import SHEETS, _fill

    path = tmp_path / "knead.db"
    getattr(papers, kind)(path)
    with Store(path) as store:
        paper = paper_of(store, person="Ann Example")
    figure = Figure(SHEETS["a4"], dpi=72)
    FigureCanvasAgg(figure)
    _fill(figure, paper)
    figure.draw_without_rendering()
    texts = [text for text in figure.texts if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    width, height = figure.bbox.width, figure.bbox.height
    wrong = [
        text.get_text()
        for text, box in zip(texts, boxes, strict=True)
        if box.x0 < 30 or box.x1 > width - 20 or box.y0 < 20 or box.y1 > height - 20
    ]
    assert not wrong
    said = " ".join(text.get_text() for text in texts)
    assert "Not a medical device" in said
    assert "local number." in said, "to its end"
    assert "Ann Example" in said


def test_a_week_counts_what_was_and_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "knead.db"
    for day in (0, 1, 1, 4):
        papers.usual(path, day)
    papers.usual(path, 2, simulated=True)
    papers.usual(path, -3)
    other = papers.usual(path, 3, region="calf")
    with Store(path) as store:
        last = store.row(other).started_at.date() + timedelta(days=3)
        for row in store.list()[:1]:
            assert row.pain_before is not None
        week = week_of(store, "me", last)
        assert len(week.rows) == 5
        told = words(html(week.paper(judged(store.load(other)), person="Ann")))
    assert "5 sessions; 1 simulated session left out" in told
    assert "on 4 of 7 days" in told
    assert "glute left 4 1 min 28 s 3600 8 84 kPa 4 s" in told
    assert "calf left 1 22 s 900" in told
    assert "Both scores are known of 5 sessions, missing of 0" in told
    assert "does not say what caused it" in told
    assert "-2.0 mean of 5 of 5 that told both" in told


def test_a_week_without_sessions_is_a_page_too(log: Store) -> None:
    paper = week_of(log, "nobody").paper(judged(log.load("last")))
    assert {label: value for label, value, _ in paper.figures}["Contact"] == "unknown"
    assert "none in these days" in words(html(paper))
    assert pdf_of(paper).startswith(b"%PDF")


def test_on_the_command_line(
    log: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KNEAD_HOME", str(tmp_path))
    page, sheet = tmp_path / "it.html", tmp_path / "it.pdf"
    assert run(["report", "-o", str(page), "--name", "Ann"]) == 0
    assert run(["report", "last", "-o", str(sheet), "--paper", "letter"]) == 0
    assert run(["report", "--week", "--until", "2026-03-03", "-o", str(tmp_path / "week.html")]) == 0
    before = page.read_bytes()
    assert b"Ann" in before
    assert page.stat().st_mode & 0o777 == 0o600
    assert run(["report", "-o", str(page)]) == 6, "nothing is written over"
    assert page.read_bytes() == before
    assert run(["report", "-o", str(page), "--force"]) == 0
    assert b"Ann" not in page.read_bytes()
    assert run(["report", "-o", str(tmp_path / "it.doc")]) == 2
    assert run(["report", "last", "--week", "-o", str(tmp_path / "x.html")]) == 2
    gone = log.row("last").id
    log.delete(gone)
    capsys.readouterr()
    assert run(["report", gone, "-o", str(tmp_path / "gone.html")]) == 6
    assert capsys.readouterr().err.splitlines()[0].startswith("knead: No session")
    assert not (tmp_path / "gone.html").exists()
