"""Many numbers and words as text at once: columns of bytes of one width, padded with zero bytes.

What a row really holds is the bytes that are not zero. An hour of scans has millions of numbers; one by one they
would take ten times as long.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sessions.batches import Column
from sessions.events import Floats

Letters = NDArray[np.uint8]  # (rows, width); 0 is no letter

_DIGITS = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint8).reshape(-1, 4)
_LIMIT = 2**52  # beyond it a double has no thousandths to show


def fixed(numbers: Floats, decimals: int) -> Letters:
    """Numbers with so many decimals, rounded; nothing for what is not finite, or beyond 2**52 units of the last."""
    scaled = numbers * 10.0**decimals
    known = np.abs(scaled) < _LIMIT  # False for NaN
    whole = np.rint(np.where(known, scaled, 0.0)).astype(np.int64)
    return _written(whole, known, decimals)


def whole(numbers: Column) -> Letters:
    """Whole numbers."""
    return _written(numbers.astype(np.int64), np.ones(len(numbers), np.bool_), 0)


def some(numbers: Column) -> Letters:
    """Whole numbers, and nothing where one is zero."""
    text = np.array(whole(numbers))
    text[numbers == 0] = 0
    return text


def flags(marks: NDArray[np.bool_]) -> Letters:
    """1 and 0."""
    return (marks.astype(np.uint8) + ord("0")).reshape(-1, 1)


def chosen(words: Sequence[bytes], which: Column) -> Letters:
    """For each row the word of that number."""
    return _table(words)[which]


def constant(word: bytes, rows: int) -> Letters:
    """The same for all rows."""
    return np.broadcast_to(np.frombuffer(word, np.uint8), (rows, len(word)))


def padded(numbers: Column, width: int) -> Letters:
    """Whole numbers from 0 with leading zeros."""
    return _groups(numbers.astype(np.int64), width)[0]


def lines(columns: Sequence[Letters], separator: bytes = b",", end: bytes = b"\r\n") -> tuple[bytes, Column]:
    """All rows as text, and where each ends in it."""
    rows = len(columns[0])
    width = sum(column.shape[1] + len(separator) for column in columns) - len(separator) + len(end)
    page = np.zeros((rows, width), np.uint8)
    at = 0
    for number, column in enumerate(columns):
        page[:, at : at + column.shape[1]] = column
        at += column.shape[1]
        between = end if number == len(columns) - 1 else separator
        page[:, at : at + len(between)] = np.frombuffer(between, np.uint8)
        at += len(between)
    there = page != 0
    return page[there].tobytes(), np.cumsum(there.sum(axis=1))


def _written(whole: Column, known: NDArray[np.bool_], decimals: int) -> Letters:
    size = np.abs(whole)
    digits = max(len(str(int(size.max(initial=0)))), decimals + 1)
    body, _ = _groups(size, digits)
    before = digits - decimals
    lead = body[:, : before - 1]  # zeros before the first digit are not written
    lead[np.cumsum(lead != ord("0"), axis=1) == 0] = 0
    parts = [np.where(whole < 0, ord("-"), 0).astype(np.uint8).reshape(-1, 1), body[:, :before]]
    if decimals:
        parts += [np.full((len(whole), 1), ord("."), np.uint8), body[:, before:]]
    text = np.hstack(parts)
    text[~known] = 0
    return text


def _groups(numbers: Column, width: int) -> tuple[Letters, int]:
    """The last `width` digits, four at a time."""
    count = -(-width // 4)
    out = np.empty((len(numbers), 4 * count), np.uint8)
    rest = numbers
    for group in range(count - 1, -1, -1):
        above = rest // 10_000
        out[:, 4 * group : 4 * group + 4] = _DIGITS[rest - above * 10_000]
        rest = above
    return np.ascontiguousarray(out[:, 4 * count - width :]), count


def _table(words: Sequence[bytes]) -> Letters:
    width = max(max(map(len, words)), 1)
    return np.frombuffer(b"".join(word.ljust(width, b"\0") for word in words), np.uint8).reshape(-1, width)
