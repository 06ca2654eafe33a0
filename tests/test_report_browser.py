"""The HTML report in a real browser: it is drawn, complains of nothing, fits a phone and a desk, prints on one page.

Chromium looks at the very file. A page of our own beside it holds the report in frames of both widths and measures
them; the report itself runs no script.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from companion.cli.judging import judged
from sessions import Store
from sessions.report import session_paper
from sessions.reporthtml import html
from tests import papers

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REQUIRED = os.environ.get("KNEAD_BROWSER") == "required"
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--allow-file-access-from-files",  # our measuring page may look into its frames
    "--enable-logging=stderr",
)
LIMIT_S = 90.0
WIDTHS = (390, 1280)
MEASURE = """<!DOCTYPE html><body style="margin:0"><script>
addEventListener("load", () => {
  const told = [...document.querySelectorAll("iframe")].map(frame => {
    const page = frame.contentDocument, root = page.documentElement;
    const out = [...page.querySelectorAll("main *")].filter(e => e.getClientRects().length && !e.closest(".scroll")
      && e.getBoundingClientRect().right > root.clientWidth + 1).map(e => e.tagName + " " + e.textContent.slice(0, 40));
    const size = e => parseFloat(frame.contentWindow.getComputedStyle(e).fontSize);
    const chart = [...page.querySelectorAll("figure svg")].filter(e => e.getClientRects().length);
    const words = chart.flatMap(svg => [...svg.querySelectorAll("text")]).map(e => e.getBoundingClientRect().height);
    return {width: root.clientWidth, scroll: root.scrollWidth, out, charts: chart.length,
      chart: chart.map(e => e.getBoundingClientRect().width), smallest: Math.min(...words),
      text: Math.min(...[...page.querySelectorAll("main p, main td, main dd")].map(size))};
  });
  document.body.textContent = "MEASURED" + JSON.stringify(told) + "END";
});
</script>%s</body>"""

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not REQUIRED, reason="no Chromium here: `apt-get install chromium`; .ci/run does so"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the browser made of a file."""

    complaints: list[str]
    out: str


def browse(profile: Path, *arguments: str) -> Seen:
    assert CHROMIUM is not None, "Chromium must be there where the browser test is required"
    done = subprocess.run(
        [CHROMIUM, *QUIET, f"--user-data-dir={profile}", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return Seen([line for line in done.stderr.splitlines() if "CONSOLE" in line], done.stdout)


@pytest.fixture(scope="module", params=["usual", "crowded"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp(request.param)
    getattr(papers, request.param)(home / "knead.db")
    with Store(home / "knead.db") as store:
        data = store.load("last")
    (home / "report.html").write_text(html(session_paper(data, judged(data), person=papers.NAME)), "utf-8")
    yield home / "report.html"


def test_it_fits_a_phone_and_a_desk_and_the_console_stays_empty(report: Path, tmp_path: Path) -> None:
    frames = "".join(f'<iframe src="{report.name}" width="{width}" height="4000"></iframe>' for width in WIDTHS)
    page = report.with_name("measure.html")
    page.write_text(MEASURE % frames, "utf-8")
    seen = browse(tmp_path, "--dump-dom", page.as_uri())
    assert seen.complaints == []
    told = re.search(r"MEASURED(.*?)END</body>", seen.out)
    assert told is not None, seen.out[-300:]
    measures = json.loads(told[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    for width, measure in zip(WIDTHS, measures, strict=True):
        inside = width - 4  # a frame's border
        assert measure["width"] >= inside - 4
        assert measure["scroll"] <= measure["width"], f"wider than {width} px"
        assert measure["out"] == [], f"outside at {width} px"
        assert measure["charts"] == 1, "one chart for each width"
        assert measure["chart"][0] > 0.7 * min(measure["width"], 960)
        assert measure["text"] >= 12.0
        assert measure["smallest"] >= 9.0, "words of the chart can be read"


def test_it_prints_on_one_page(report: Path, tmp_path: Path) -> None:
    target = tmp_path / "print.pdf"
    seen = browse(tmp_path / "profile", f"--print-to-pdf={target}", "--no-pdf-header-footer", report.as_uri())
    assert seen.complaints == []
    assert len(re.findall(rb"/Type\s*/Page\b", target.read_bytes())) == 1


@pytest.mark.parametrize("report", ["usual"], indirect=True)  # the other curve is hidden under its warnings
def test_it_is_drawn_in_both_lights(report: Path, tmp_path: Path) -> None:
    means = {}
    for scheme, light in (("light", 1), ("dark", 0)):
        picture = tmp_path / f"{scheme}.png"
        browse(
            tmp_path / scheme,
            f"--blink-settings=preferredColorScheme={light}",
            "--window-size=1280,1200",
            f"--screenshot={picture}",
            report.as_uri(),
        )
        with Image.open(picture) as opened:
            pixels = np.asarray(opened.convert("RGB"), np.int32)
        means[scheme] = float(pixels.mean())
        drawn = (pixels[300:, :, 2] - pixels[300:, :, 0] > 40).sum(axis=0)  # blue is the curve alone
        assert (drawn > 0).sum() > 400, "the curve runs over the page"
    assert means["light"] > 200 > 80 > means["dark"]


def test_the_browser_would_have_complained(tmp_path: Path) -> None:
    """The check of the console is worth something: it sees what the page's own policy forbids."""
    page = tmp_path / "bad.html"
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    page.write_text(f"<!DOCTYPE html>{policy}<script>1</script>", "utf-8")
    assert browse(tmp_path / "profile", "--dump-dom", page.as_uri()).complaints
