"""The letters that can be drawn large: the classic 5 x 7 bitmaps, one row of five bits per number."""

import numpy as np
from numpy.typing import NDArray

ROWS = 7
_COLUMNS = 5
_BITMAPS = {
    "0": "0E 11 11 11 11 11 0E",
    "1": "04 0C 04 04 04 04 0E",
    "2": "0E 11 01 06 08 10 1F",
    "3": "1F 02 04 02 01 11 0E",
    "4": "02 06 0A 12 1F 02 02",
    "5": "1F 10 1E 01 01 11 0E",
    "6": "06 08 10 1E 11 11 0E",
    "7": "1F 01 02 04 08 08 08",
    "8": "0E 11 11 0E 11 11 0E",
    "9": "0E 11 11 0F 01 02 0C",
    "A": "0E 11 11 1F 11 11 11",
    "B": "1E 11 11 1E 11 11 1E",
    "C": "0E 11 10 10 10 11 0E",
    "D": "1E 11 11 11 11 11 1E",
    "E": "1F 10 10 1E 10 10 1F",
    "F": "1F 10 10 1E 10 10 10",
    "G": "0E 11 10 17 11 11 0F",
    "H": "11 11 11 1F 11 11 11",
    "I": "0E 04 04 04 04 04 0E",
    "J": "07 02 02 02 02 12 0C",
    "K": "11 12 14 18 14 12 11",
    "L": "10 10 10 10 10 10 1F",
    "M": "11 1B 15 15 11 11 11",
    "N": "11 19 15 13 11 11 11",
    "O": "0E 11 11 11 11 11 0E",
    "P": "1E 11 11 1E 10 10 10",
    "Q": "0E 11 11 11 15 12 0D",
    "R": "1E 11 11 1E 14 12 11",
    "S": "0F 10 10 0E 01 01 1E",
    "T": "1F 04 04 04 04 04 04",
    "U": "11 11 11 11 11 11 0E",
    "V": "11 11 11 11 11 0A 04",
    "W": "11 11 11 15 15 1B 11",
    "X": "11 11 0A 04 0A 11 11",
    "Y": "11 11 0A 04 04 04 04",
    "Z": "1F 01 02 04 08 10 1F",
    "-": "00 00 00 1F 00 00 00",
    ">": "10 08 04 02 04 08 10",
    " ": "00 00 00 00 00 00 00",
}
_NARROW = {".": "00 00 00 00 00 01 01", ":": "00 01 01 00 01 01 00"}


def _bits(rows: str, columns: int) -> NDArray[np.bool_]:
    return np.array([[bool(int(row, 16) >> bit & 1) for bit in range(columns - 1, -1, -1)] for row in rows.split()])


GLYPHS = {sign: _bits(rows, _COLUMNS) for sign, rows in _BITMAPS.items()} | {
    sign: _bits(rows, 1) for sign, rows in _NARROW.items()
}
