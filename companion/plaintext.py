"""What others say, as one line of plain text: a ball, a port, a file, a person in a note.

Every text that is not our own passes here on its way to a terminal, a screen or a document. Markup needs nothing: it
is text where nobody parses it, and nobody does (tests hold it on every screen).
"""

import re
import unicodedata

MARKS_MAX = 2  # combining marks in a row; a heap of them covers the lines above and below
ELLIPSIS = "..."

# CSI, OSC and the other string sequences whole; then two-character escapes. The 8-bit forms too.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)


def plain(text: object, longest: int) -> str:
    """Printable, at most `longest` letters: no escapes, no control, direction or invisible characters, no heaps."""
    raw = _ESCAPES.sub("", str(text)[: 8 * longest])
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in raw).split())
    if not line.isascii():
        line = _thinned(line)
    return line if len(line) <= longest else line[: longest - len(ELLIPSIS)] + ELLIPSIS


def _thinned(line: str) -> str:
    kept, marks = [], 0
    for sign in line:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks <= MARKS_MAX:
            kept.append(sign)
    return "".join(kept)
