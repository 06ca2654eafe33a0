"""Words and numbers for people: clean, short, and never a zero where nothing is known."""

import re

# CSI, OSC and the other string sequences whole; then two-character escapes. The 8-bit forms too.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)


def clean(text: str, longest: int = 300) -> str:
    """One printable line of what a device or a file says: no escapes, no control or direction characters."""
    text = _ESCAPES.sub("", text[: 4 * longest])
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return text if len(text) <= longest else text[: longest - 3] + "..."


def number(value: float | None, digits: int = 0) -> str:
    """`47`, or `unknown`."""
    if value is None or value != value:
        return "unknown"
    return f"{round(value, digits) + 0.0:.{digits}f}"  # + 0.0: a small negative one is 0, not -0


def amount(value: float | None, unit: str, digits: int = 0) -> str:
    """`47 kPa`, or `unknown`."""
    known = number(value, digits)
    return known if known == "unknown" or not unit else f"{known} {unit}"


def span(seconds: float | None) -> str:
    """`45 s`, `1 min 5 s`, `2 h 3 min`."""
    if seconds is None or seconds != seconds:
        return "unknown"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def place(region: str, side: str) -> str:
    """`glute left`; both sides go without saying."""
    return region if side in ("", "both") else f"{region} {side}"
