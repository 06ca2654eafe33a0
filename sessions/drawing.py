"""The charts of a report, drawn by matplotlib: for a page in its light, and for a screen in both lights.

Colours are not chosen here: a chart is drawn in the tones of a palette. What differs, differs in shape first.
"""

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sessions.events import Floats, Level
from sessions.paper import Bars, Curve, Edges

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TONES = ("page", "ink", "faint", "line", "zone", "limit", "gap", "s1", "s2", "s3", "s4", "s5")
PRINT: Mapping[str, str] = {
    "page": "#ffffff",
    "ink": "#1c2127",
    "faint": "#59636e",
    "line": "#0b5cad",
    "zone": "#2f855a",
    "limit": "#b42318",
    "gap": "#8a94a0",
    "s1": "#0b5cad",
    "s2": "#b25e09",
    "s3": "#2f855a",
    "s4": "#7a3fa0",
    "s5": "#59636e",
}
# Each tone as a colour nobody would choose: the SVG's text is changed to the page's own variables afterwards.
_STANDINS = {tone: f"#01{number:02x}fe" for number, tone in enumerate(TONES)}

MARKERS: Mapping[Level | None, tuple[str, str, str]] = {  # shape, tone, what it stands for
    Level.STOP: ("s", "limit", "stop"),
    Level.TECHNICAL: ("x", "ink", "technical"),
    Level.CAUTION: ("^", "limit", "caution"),
    Level.NOTICE: (".", "faint", "notice"),
    None: ("d", "ink", "mark"),
}
HATCHES = ("", "///", "...", "xxx", "\\\\\\")
NARROW_IN = 5.0  # inches; below it words are set in more lines
HATCHED_MOST = 40
LABELS_MOST = 6  # of places the ball went to
SERIES_MOST = 5


def svg(chart: Curve | Bars, width_in: float, height_in: float, name: str) -> str:
    """An `<svg>` element for a page of HTML, its colours as `var(--tone)`; the same input gives the same text."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "svg.id": name}):
        figure = Figure((width_in, height_in))
        FigureCanvasSVG(figure)
        draw(chart, figure.add_axes(_room(width_in, height_in)), _STANDINS, size=9.0, narrow=width_in < NARROW_IN)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(text.getvalue(), name)


def _room(width_in: float, height_in: float) -> tuple[float, float, float, float]:
    """Where the axes stand in a figure, for their labels to have half an inch."""
    left, below, above, right = (
        0.52 / width_in,
        (0.76 if width_in < NARROW_IN else 0.62) / height_in,
        0.14 / height_in,
        0.24 / width_in,
    )
    return left, below, 1 - left - right, 1 - below - above


def _inline(text: str, name: str) -> str:
    """Only the element, without anything that names another address."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\s(xmlns(:\w+)?)="[^"]*"', "", text).replace("xlink:href", "href")
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    for tone, standin in _STANDINS.items():
        text = text.replace(standin, f"var(--{tone})")
    # Two charts on one page must not share names.
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    return re.sub(r"\n\s*\n", "\n", text).strip()


def draw(chart: Curve | Bars, axes: "Axes", tones: Mapping[str, str], *, size: float, narrow: bool) -> None:
    """The chart in these axes, its words `size` points high."""
    _frame(axes, tones, size)
    if isinstance(chart, Curve):
        _curve(chart, axes, tones, size, narrow)
    else:
        _bars(chart, axes, tones, size, narrow)


def _frame(axes: "Axes", tones: Mapping[str, str], size: float) -> None:
    axes.set_facecolor("none")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(tones["faint"])
        axes.spines[side].set_linewidth(0.8)
    axes.tick_params(colors=tones["faint"], labelcolor=tones["ink"], labelsize=size, width=0.8, length=3)


def _curve(chart: Curve, axes: "Axes", tones: Mapping[str, str], size: float, narrow: bool) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    edges = np.linspace(chart.from_s, chart.to_s, len(chart.high) + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    top = _top(chart)
    ends = [*(edge.from_s for edge in chart.edges[1:]), chart.to_s]
    for edge, end in zip(chart.edges, ends, strict=False):  # where nothing was judged there is an end alone
        _zones(edge, end, axes, tones)
    axes.fill_between(middle, chart.low, chart.high, color=tones["line"], alpha=0.35, linewidth=0)
    axes.plot(middle, chart.high, color=tones["line"], linewidth=1.0, solid_joinstyle="round")
    _holes(chart, axes, tones, size, top)
    _signs(chart, axes, tones, size, top)
    for t_s, words in chart.moves[:LABELS_MOST]:
        axes.axvline(t_s, color=tones["faint"], linewidth=0.8, linestyle=(0, (3, 3)))
        axes.annotate(f" {words}", (t_s, 0.03 * top), ha="left", va="bottom", fontsize=size - 1, color=tones["ink"])
    if chart.edges:
        over = chart.edges[0].over_kpa
        axes.annotate(
            f"limit {over:.0f} kPa ",
            (chart.to_s, over),
            ha="right",
            va="bottom",
            fontsize=size - 1,
            color=tones["limit"],
        )
    axes.set_xlim(chart.from_s, chart.to_s)
    axes.set_ylim(0 if float(np.nanmin(chart.low, initial=0.0)) >= -0.02 * top else None, top)
    axes.xaxis.set_major_locator(MaxNLocator(4 if narrow else 8, steps=[1, 1.5, 2, 3, 6, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda t_s, _place: clock(t_s)))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_ylabel(chart.label, fontsize=size, color=tones["ink"])
    _legend(chart, axes, tones, size, narrow)


def _holes(chart: Curve, axes: "Axes", tones: Mapping[str, str], size: float, top: float) -> None:
    """All in one piece: there may be hundreds, and then hatching would be a file of megabytes when printed."""
    spans = [(hole.from_s, hole.to_s - hole.from_s) for hole in chart.holes]
    if spans:
        look: dict[str, Any] = {"facecolor": "none", "edgecolor": tones["gap"], "hatch": "////", "linewidth": 0.0}
        if len(spans) > HATCHED_MOST:
            look = {"facecolor": tones["gap"], "alpha": 0.3, "linewidth": 0.0}
        axes.broken_barh(spans, (0.0, 1.0), transform=axes.get_xaxis_transform(), **look)
    box = {"facecolor": tones["page"], "edgecolor": "none", "pad": 1.5}
    for hole in chart.holes:
        if hole.to_s - hole.from_s > 0.05 * (chart.to_s - chart.from_s):
            said = f"no data\n{hole.cause}"
            at = ((hole.from_s + hole.to_s) / 2, 0.5 * top)
            axes.annotate(said, at, ha="center", va="center", fontsize=size - 1, color=tones["ink"], bbox=box)


def _top(chart: Curve) -> float:
    """The upper end of the axis: room for the signs above the curve and its limits."""
    highest = float(np.nanmax(chart.high, initial=1.0))
    return 1.22 * max([highest, *(edge.over_kpa for edge in chart.edges)])


def _zones(edge: Edges, end_s: float, axes: "Axes", tones: Mapping[str, str]) -> None:
    axes.fill_between(
        [edge.from_s, end_s], edge.work_kpa, edge.high_kpa, color=tones["zone"], alpha=0.16, linewidth=0, zorder=0
    )
    axes.plot([edge.from_s, end_s], [edge.over_kpa] * 2, color=tones["limit"], linewidth=1.0, linestyle=(0, (5, 2)))


def _signs(chart: Curve, axes: "Axes", tones: Mapping[str, str], size: float, top: float) -> None:
    for level, (shape, tone, _) in MARKERS.items():
        at: Floats = np.array([sign.t_s for sign in chart.signs if sign.level is level])
        if len(at) == 0:
            continue
        face: Any = tones[tone]
        axes.plot(at, np.full(len(at), 0.95 * top), shape, color=face, markersize=0.62 * size, linestyle="none")
        if level is Level.STOP:
            axes.vlines(at, 0, 0.93 * top, color=tones[tone], linewidth=0.7, linestyle=(0, (1, 2)))


def _legend(chart: Curve, axes: "Axes", tones: Mapping[str, str], size: float, narrow: bool) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Any] = []
    if chart.edges:
        entries.append(Patch(facecolor=tones["zone"], alpha=0.3, label="working range"))
    for level, (shape, tone, words) in MARKERS.items():
        if any(sign.level is level for sign in chart.signs):
            entries.append(
                Line2D([], [], marker=shape, color=tones[tone], linestyle="none", markersize=0.62 * size, label=words)
            )
    if chart.holes:
        entries.append(Patch(facecolor="none", edgecolor=tones["gap"], hatch="////", label="no data"))
    if entries:
        _put_legend(axes, entries, tones, size, narrow)


def _put_legend(axes: "Axes", entries: Sequence[Any], tones: Mapping[str, str], size: float, narrow: bool) -> None:
    below = -26.0 / (axes.get_figure().get_figheight() * 72 * axes.get_position().height)  # type: ignore[union-attr]  # it is in a figure
    axes.legend(
        handles=entries,
        loc="upper left",
        bbox_to_anchor=(0.0, below),
        ncols=3 if narrow else len(entries),
        frameon=False,
        fontsize=size - 1,
        labelcolor=tones["ink"],
        handletextpad=0.4,
        handlelength=1.2,
        columnspacing=1.0,
        borderpad=0.0,
        borderaxespad=0.0,
    )


def _bars(chart: Bars, axes: "Axes", tones: Mapping[str, str], size: float, narrow: bool) -> None:
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    at = np.arange(len(chart.days))
    below = np.zeros(len(chart.days))
    entries: list[Any] = []
    for number, (name, amounts) in enumerate(chart.series[:SERIES_MOST]):
        look: dict[str, Any] = {
            "facecolor": tones[f"s{number + 1}"],
            "hatch": HATCHES[number],
            "edgecolor": tones["ink"],
        }
        axes.bar(at, amounts, bottom=below, width=0.62, linewidth=0.6, alpha=0.85, **look)
        below = below + np.asarray(amounts)
        entries.append(Patch(alpha=0.85, label=name, **look))
    axes.set_xticks(at, [day.split()[0] if narrow else day for day in chart.days])
    axes.set_ylim(0, max(1.0, 1.12 * float(below.max(initial=0.0))))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_ylabel(chart.label, fontsize=size, color=tones["ink"])
    if entries:
        _put_legend(axes, entries, tones, size, narrow)


def clock(t_s: float) -> str:
    """`0:30`, `12:00`, `1:00:00`."""
    whole = round(t_s)
    hours, rest = divmod(abs(whole), 3600)
    sign = "-" if whole < 0 else ""
    return f"{sign}{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{sign}{rest // 60}:{rest % 60:02}"
