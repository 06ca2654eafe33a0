"""PROTOCOL.md is the spec: every table of it is checked against the code, every rule against the tests."""

import ast
import json
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Any

import pytest

import firmware_protocol
from firmware_protocol import framing
from firmware_protocol import messages as m
from firmware_protocol.ball_link import LinkState
from firmware_protocol.driver import BallEventCode, Phase, Unit

PACKAGE = Path(firmware_protocol.__file__).parent
TESTS = Path(__file__).parent
TEXT = (PACKAGE / "PROTOCOL.md").read_text(encoding="utf-8")
VECTORS = json.loads((PACKAGE / "vectors.json").read_text(encoding="utf-8"))
RULES = [int(number) for number in re.findall(r"^- \*\*R(\d+)\*\* ", TEXT, re.MULTILINE)]
TYPES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i16": "h", "i32": "i", "f32": "f"}
OPEN_ENDED = ("text", "i32 x channels", "point x n", "i16 x channels x scans")

# Rules that nothing but a real radio, board or operating system can show, and why.
HARDWARE_ONLY = {
    4: "connection parameters and Service Changed are the radio stack's; no test here has a radio",
    43: "advertising and sleeping leave no trace on the wire",
}

Row = tuple[str, ...]


def section(heading: str) -> str:
    """The text under a heading, up to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}[^\n]*\n(.*?)(?=^#+ |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {heading}"
    return found[1]


def tables(text: str) -> list[list[Row]]:
    """The tables of a text: rows of cells, header first, the rule below it left out."""
    found: list[list[Row]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
            if not all(re.fullmatch(r"-+", cell) for cell in cells):
                found[-1].append(cells)
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def code_table(label: str) -> dict[int, str]:
    """Number and name from the table behind a bold label of section 2.5."""
    behind = section("2.5 Codes").split(f"**{label}**", 1)[1]
    return {int(row[0]): row[1] for row in tables(behind)[0][1:]}


def wire_name(message: type) -> str:
    return "_".join(re.findall("[A-Z][a-z]+", message.__name__)).upper()


def layout_of(table: list[Row], start: int) -> tuple[str, list[str]]:
    """struct format and field names of a byte table; its offsets are checked on the way."""
    assert table[0] == ("Offset", "Type", "Field", "Meaning")
    layout, names = "", []
    for offset, kind, name, _ in table[1:]:
        assert int(offset) == start + struct.calcsize("<" + layout)
        names.append(name)
        if kind in TYPES:
            layout += TYPES[kind]
        else:
            assert kind in OPEN_ENDED and (offset, kind, name, _) == table[-1]
    return layout, names


def names_of(message: type) -> list[str]:
    if message in (m.Limits, m.LimitsReply):
        return [field.name for field in fields(m.LimitSettings)]
    return [field.name for field in fields(message) if field.name != "backfill"]


def told(text: str, part: str, layout: str, start: int) -> tuple[str, list[str], str]:
    """What the page says of one byte table: its layout, its names, and the size above it, where that fits `layout`."""
    said = re.search(rf"^{part}, (.*?) bytes(: nothing more\.|:$)", text, re.MULTILINE)
    assert said, f"no {part}"
    size = start + struct.calcsize("<" + layout)
    sizes = re.fullmatch(r"(\d+)(.*)", said[1])
    assert sizes, said[1]
    fits = int(sizes[1]) == size or said[1] == f"{start + 1} to {start + m.MAX_TEXT}"
    if said[2] != ":":
        return "", [], "fits" if said[1] == str(size) else said[1]
    found, names = layout_of(tables(text[said.end() :])[0], start)
    return found, [name for name in names if name != "n"], "fits" if fits else said[1]


def test_rules_are_numbered_without_a_hole() -> None:
    assert [*range(1, 61)] == RULES


@pytest.mark.parametrize("row", m.EXCHANGES, ids=lambda row: wire_name(row.request))
def test_bytes_of_requests_and_replies(row: m.Exchange) -> None:
    text = section(f"{row.code:02X} {wire_name(row.request)}")
    asks = m.LIMIT if row.request is m.Limits else row.asks
    assert told(text, "Request", asks, 2) == (asks, names_of(row.request), "fits")
    assert told(text, "Reply", row.answers, 3) == (row.answers, names_of(row.reply), "fits")


@pytest.mark.parametrize("code", m.UNSOLICITED)
def test_bytes_of_unsolicited_messages(code: int) -> None:
    message, layout = m.UNSOLICITED[code]
    name = {m.SAMPLES: "SAMPLES", m.BACKFILL: "BACKFILL", m.EVENT: "EVENT", m.STATUS: "STATUS"}[code]
    assert told(section(f"{code:02X} {name}"), "Message", layout, 2) == (layout, names_of(message), "fits")


def test_table_of_all_messages() -> None:
    """Its sizes are those above the byte tables, which are checked against the code."""
    requests, unsolicited = tables(section("2.2 All messages"))
    assert [(int(row[0], 16), row[1]) for row in requests[1:]] == [
        (row.code, wire_name(row.request)) for row in m.EXCHANGES
    ]
    for code, name, asks, answers, _ in requests[1:]:
        text = section(f"{code} {name}")
        parts = dict(re.findall(r"^(Request|Reply), (.*?) bytes:", text, re.MULTILINE))
        if name == "LIMITS":
            parts["Request"] = f"2 or {parts['Request']}"
        assert (asks, answers.replace("..", " to ")) == (parts["Request"], parts["Reply"])
    assert [int(row[0], 16) for row in unsolicited[1:]] == list(m.UNSOLICITED)
    for code, name, size in unsolicited[1:]:
        assert f"\nMessage, {size} bytes:" in section(f"{code} {name}")


def test_caps_of_requests() -> None:
    """The bits in the table of messages name the same requests as the table of bits."""
    bits = {int(row[0]): row[2] for row in tables(section("2.5 Codes").split("**caps**", 1)[1])[0][1:]}
    for _, name, _, _, caps in tables(section("2.2 All messages"))[0][1:]:
        for bit in re.findall(r"\d+", caps):
            assert name in bits[int(bit)]
        assert (caps == "-") == (name in ("HELLO", "IDENT", "TIME", "START", "STOP", "TARE"))


@pytest.mark.parametrize(
    ("label", "names"),
    [("status", m.Status), ("unit", Unit), ("pattern", m.Pattern), ("code", BallEventCode)],
)
def test_codes(label: str, names: type[IntEnum]) -> None:
    assert code_table(label) == {member.value: member.name for member in names}


@pytest.mark.parametrize(("label", "names"), [("caps", m.Caps), ("flags", m.Flags)])
def test_bits(label: str, names: type[IntFlag]) -> None:
    assert {1 << bit: name for bit, name in code_table(label).items()} == {
        member.value: member.name for member in names
    }


def test_ident_fields_and_tools() -> None:
    numbered = [f"{field.value} {field.name.lower()}" for field in m.IdentField]
    assert ", ".join(numbered) in section("02 IDENT")
    tools = re.search(r"\*\*tool\*\*, of SENSOR: (.*)\.$", section("2.5 Codes"), re.MULTILINE)
    assert tools and [int(tool.split()[0]) for tool in tools[1].split(", ")] == list(range(6))


def test_value_table_names_what_is_refused() -> None:
    """2.6: each request there has vectors that show it, and no other request is refused with VALUE."""
    listed = {name.strip() for row in tables(section("2.6 What is VALUE"))[0][1:] for name in row[0].split(",")}
    shown = {
        wire_name(row.request)
        for vector in VECTORS["messages"]
        for row in m.EXCHANGES
        if vector.get("refused") == "VALUE" and int(vector["message"][:2], 16) == row.code
    }
    assert listed - {"CAL_GET"} == shown  # which channels there are, only the ball knows


def test_reasons_of_bad_input() -> None:
    """R54"""
    listed = [row[0] for row in tables(section("6. Bad input"))[0][1:]]
    assert sorted(listed) == sorted(framing.REASONS)


def test_numbers() -> None:
    numbers = {row[0]: (int(row[1]), int(row[2])) for row in tables(section("7. Numbers"))[0][1:]}
    scans = (framing.MAX_MESSAGE - 10) // 2
    assert numbers == {
        "channels": (1, m.MAX_CHANNELS),
        "scan rate, Hz": (m.MIN_HZ, m.MAX_HZ),
        "message, bytes": (framing.MIN_MESSAGE, framing.MAX_MESSAGE),
        "frame without its `00`, bytes": (framing.MIN_MESSAGE + framing.CRC_SIZE + 1, framing.MAX_FRAME),
        "request, bytes": (framing.MIN_MESSAGE, m.MAX_REQUEST),
        "scans in a batch": (1, scans),
        "latency_ms": (m.MIN_LATENCY_MS, m.MAX_LATENCY_MS),
        "avg_ms": (m.MIN_AVERAGE_MS, m.MAX_AVERAGE_MS),
        "points of a channel": (m.MIN_POINTS, m.MAX_POINTS),
        "valid value": (m.MIN_VALUE, m.MAX_VALUE),
        "period_us": (m.MIN_PERIOD_US, m.MAX_PERIOD_US),
        "text, bytes": (1, m.MAX_TEXT),
    }
    said = section("7. Numbers")
    assert f"{30 * m.MAX_HZ // 1000} 000 scans" in said and 30 * m.MAX_HZ < 2**15
    assert f"{2**32 / 60e6:.1f} min" in said
    assert f"{int(32767 * 0.05)} N" in said
    assert f"{10 + 2 * 4} of 20 bytes" in said and f"{10 + 2 * 16 * 7} of {framing.MAX_MESSAGE}" in said
    assert "MTU 23 carries 5 channels" in re.sub(r"\s+", " ", TEXT) and 10 + 2 * 5 == 23 - 3


def test_states_of_the_ball() -> None:
    links, scanner = tables(section("4. The ball"))
    assert [row[0] for row in links[1:]] == [state.name for state in LinkState]
    assert [row[0] for row in scanner[1:]] == ["IDLE", "SCAN"]


def test_states_of_the_host() -> None:
    """R44 to R50 speak of these; OPENING is the transport's, before the conversation."""
    listed = {row[0].lower() for row in tables(section("5. The host"))[0][1:]}
    assert listed - {"opening"} == {phase.value for phase in Phase} - {"ended"}


def documented() -> Iterator[tuple[str, str, str | None]]:
    """Name in vectors.json, bytes and CRC of each row of section 10; D8 is written with a repeat count."""
    for name, ask, ask_crc, reply, reply_crc, _ in tables(section("10.1 Requests and replies"))[0][1:]:
        yield f"{name} ask", ask, ask_crc
        yield f"{name} reply", reply, reply_crc
    for name, message, crc, _ in tables(section("10.2 Unsolicited"))[0][1:]:
        yield name, message, crc
    for name, ask, reply, _ in tables(section("10.3 Refusals"))[0][1:]:
        yield f"{name} ask", ask, None
        yield f"{name} reply", reply, None
    for heading in ("10.4 Frames", "10.5 Damaged"):
        for table in tables(section(heading)):
            for name, data, _ in table[1:]:
                yield name, "55" * 250 + "00" + "08851204B3B4266700" if name == "D8" else data, None


def test_golden_vectors_are_those_of_the_file() -> None:
    kept: dict[str, Mapping[str, Any]] = {vector["name"]: vector for vector in VECTORS["messages"] + VECTORS["streams"]}
    listed = list(documented())
    assert {name for name, _, _ in listed} == {name for name in kept if re.match(r"[GFD]\d", name)}
    for name, data, crc in listed:
        vector = kept[name]
        assert vector.get("message", vector.get("stream")) == data, name
        assert crc in (None, vector.get("crc")), name
    for name in ("D1", "D2", "D3", "D4", "D6", "D7", "D8"):
        said = next(row[2] for row in tables(section("10.5 Damaged"))[0] if row[0] == name)
        assert kept[name]["yields"][0]["damage"] in said
    for name in ("D9", "D10", "D11", "D12", "D13", "D14"):
        said = next(row[2] for row in tables(section("10.5 Damaged"))[1] if row[0] == name)
        assert kept[name]["damage"] in said


def test_vectors_cite_rules_that_exist() -> None:
    cited = {rule for vector in VECTORS["messages"] + VECTORS["streams"] for rule in vector["rules"]}
    assert cited <= {f"R{number}" for number in RULES}


def cited_in(path: Path) -> set[int]:
    """Rules named in a module's code and comments; its own docstring may speak of more than it holds."""
    source = path.read_text(encoding="utf-8")
    first = ast.parse(source).body[0]
    lines = source.splitlines()
    if isinstance(first, ast.Expr) and first.end_lineno is not None:
        del lines[: first.end_lineno]
    return {int(number) for number in re.findall(r"\bR(\d+)\b", "\n".join(lines))} | {
        int(number) for number in re.findall(r"def test_(?:\w*_)?r(\d+)_", "\n".join(lines))
    }


def test_every_rule_is_held_by_a_test() -> None:
    # this module reads about rules, it holds none
    cited = set().union(*(cited_in(path) for path in TESTS.glob("test_*.py") if path != Path(__file__)))
    missing = set(RULES) - cited - set(HARDWARE_ONLY)
    assert not missing, "no test names " + ", ".join(f"R{number}" for number in sorted(missing))
    held = cited & set(HARDWARE_ONLY)
    assert not held, f"tests hold {held}: hardware is not needed to show them"


def test_code_and_tests_cite_rules_that_exist() -> None:
    sources = [*PACKAGE.rglob("*.py"), *TESTS.glob("test_*.py")]
    wrong = {path.name: cited_in(path) - set(RULES) for path in sources}
    assert not {name: rules for name, rules in wrong.items() if rules}


def test_the_page_speaks_only_of_itself() -> None:
    assert not re.findall(r"/(?:work|tmp|home)/|\bdraft\b|\bissue\b|TODO", TEXT)
    assert "\u2014" not in TEXT
