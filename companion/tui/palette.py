"""How tones look in each theme. Okabe-Ito hues, told apart by most colour-blind eyes; `mono` has none at all."""

from collections.abc import Mapping

from rich.style import Style
from textual.theme import Theme

from companion.tui.tones import Tone

DEFAULT_THEME = "dark"

_DARK: Mapping[Tone, Style] = {
    Tone.QUIET: Style(color="#a0a0a0"),
    Tone.REST: Style(color="#a0a0a0"),
    Tone.LIGHT: Style(color="#56b4e9"),
    Tone.WORK: Style(color="#009e73"),
    Tone.HIGH: Style(color="#e69f00"),
    Tone.OVER: Style(color="#e8702a"),  # vermilion, lightened to 6:1 on black
    Tone.NOTICE: Style(color="#56b4e9", bold=True),
    Tone.CAUTION: Style(color="#f0e442", bold=True),
    Tone.TECHNICAL: Style(color="#000000", bgcolor="#f0e442", bold=True),
    Tone.STOP: Style(color="#000000", bgcolor="#e8702a", bold=True),
}
_LIGHT: Mapping[Tone, Style] = {  # the same hues, darkened to 4.5:1 on white
    Tone.QUIET: Style(color="#595959"),
    Tone.REST: Style(color="#595959"),
    Tone.LIGHT: Style(color="#0072b2"),
    Tone.WORK: Style(color="#007a58"),
    Tone.HIGH: Style(color="#8f6200"),
    Tone.OVER: Style(color="#b34700"),
    Tone.NOTICE: Style(color="#0072b2", bold=True),
    Tone.CAUTION: Style(color="#8f6200", bold=True),
    Tone.TECHNICAL: Style(color="#000000", bgcolor="#f0e442", bold=True),
    Tone.STOP: Style(color="#ffffff", bgcolor="#b34700", bold=True),
}
_HIGH_CONTRAST: Mapping[Tone, Style] = {
    Tone.QUIET: Style(color="#e0e0e0"),
    Tone.REST: Style(color="#e0e0e0"),
    Tone.LIGHT: Style(color="#7fd4ff"),
    Tone.WORK: Style(color="#00ffb8"),
    Tone.HIGH: Style(color="#ffc233"),
    Tone.OVER: Style(color="#ff8c4a"),
    Tone.NOTICE: Style(color="#7fd4ff", bold=True),
    Tone.CAUTION: Style(color="#ffff66", bold=True),
    Tone.TECHNICAL: Style(color="#000000", bgcolor="#ffff66", bold=True),
    Tone.STOP: Style(color="#000000", bgcolor="#ff8c4a", bold=True),
}
_MONO: Mapping[Tone, Style] = {
    Tone.NOTICE: Style(underline=True),
    Tone.CAUTION: Style(bold=True, underline=True),
    Tone.TECHNICAL: Style(bold=True, reverse=True),
    Tone.STOP: Style(bold=True, reverse=True),
}
_EVERYWHERE: Mapping[Tone, Style] = {
    Tone.STRONG: Style(bold=True),
    Tone.CURSOR: Style(bold=True, reverse=True),
}

_PLAIN = Style()

# name: tones, is dark, text, ground, what the danger screen is painted with (text, ground)
_THEMES: Mapping[str, tuple[Mapping[Tone, Style], bool, str, str, tuple[str, str]]] = {
    "dark": (_DARK, True, "#e6e6e6", "#101010", ("#000000", "#e8702a")),
    "light": (_LIGHT, False, "#101010", "#fafafa", ("#000000", "#e8702a")),
    "high-contrast": (_HIGH_CONTRAST, True, "#ffffff", "#000000", ("#000000", "#ff8c4a")),
    "mono": (_MONO, True, "#ffffff", "#000000", ("#000000", "#ffffff")),
}


def themes() -> list[Theme]:
    """What Textual's own parts are painted with."""
    return [
        Theme(
            name=name,
            primary=text,
            secondary=text,
            accent=text,
            warning=text,
            error=text,
            success=text,
            foreground=text,
            background=ground,
            surface=ground,
            panel=ground,
            dark=dark,
            variables={"danger-text": danger[0], "danger-ground": danger[1]},
        )
        for name, (_, dark, text, ground, danger) in _THEMES.items()
    ]


def style(theme: str, tone: Tone) -> Style:
    """What to lay over a widget's own style. Unknown themes are painted as the default one."""
    tones = _THEMES.get(theme, _THEMES[DEFAULT_THEME])[0]
    return tones.get(tone) or _EVERYWHERE.get(tone) or _PLAIN
