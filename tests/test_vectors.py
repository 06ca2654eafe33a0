"""The golden vectors against the code, by ways of their own: CRC bit by bit, COBS by hand, fields packed by hand.

vectors.json, for anyone who writes a ball or a host:
messages  one message each: `says` what it means; or `refused` with which status (by any ball, or by the one named), or
          `ignored` by a ball, or `damage`, the reason a host drops it; `channels` of the ball where that matters
streams   bytes of a serial link and what they yield, in order; `heard`: a good frame has come before
"""

import json
import struct
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import firmware_protocol
from firmware_protocol import messages as m
from firmware_protocol.codec import decode_from_ball, decode_from_host, encode
from firmware_protocol.framing import REASONS, Damaged, Deframer, encode_frame

VECTORS = json.loads((Path(firmware_protocol.__file__).parent / "vectors.json").read_text(encoding="utf-8"))
MESSAGES: list[dict[str, Any]] = VECTORS["messages"]
STREAMS: list[dict[str, Any]] = VECTORS["streams"]
SAYING = [vector for vector in MESSAGES if "says" in vector]
BY_CONVERSATION = {"tag", "stale", "order"}  # reasons one message alone does not show

LAYOUTS = {
    "Hello": "<BB", "Ident": "<B", "Time": "<", "Start": "<HH", "Stop": "<", "Tare": "<H", "Raw": "<H", "CalGet": "<B",
    "Alert": "<BBH", "LogRead": "<IH", "Sensor": "<", "HelloReply": "<BHBBfHHI", "TimeReply": "<Q",
    "StartReply": "<IIQB", "StopReply": "<I", "TareReply": "<Ih", "CalSetReply": "<H", "AlertReply": "<",
    "LogReadReply": "<IHQ", "SensorReply": "<HHHB", "BallEventMessage": "<BBIh", "StatusMessage": "<BBHhIB",
}  # fmt: skip
CODES = {
    "Hello": 1, "Ident": 2, "Time": 3, "Start": 4, "Stop": 5, "Tare": 6, "Raw": 7, "CalGet": 8, "CalSet": 9,
    "Limits": 10, "Alert": 11, "LogRead": 12, "Sensor": 13, "BallEventMessage": 0x42, "StatusMessage": 0x43,
}  # fmt: skip
F2 = bytes.fromhex("08851204B3B4266700")


def named(vectors: Sequence[Mapping[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


def crc_by_hand(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def uncobs_by_hand(frame: bytes) -> bytes:
    out = b""
    while frame:
        code, frame = frame[0], frame[1:]
        assert 0 < code <= len(frame) + 1
        out += frame[: code - 1] + (b"\0" if len(frame) >= code else b"")
        frame = frame[code - 1 :]
    return out


def points_by_hand(points: Sequence[Mapping[str, Any]]) -> bytes:
    return b"".join(struct.pack("<if", point["raw"], point["newton"]) for point in points)


def payload_by_hand(name: str, fields: Mapping[str, Any]) -> bytes:
    match name:
        case "IdentReply":
            return bytes(fields["text"], "utf-8")
        case "RawReply":
            return b"".join(struct.pack("<i", mean) for mean in fields["means"])
        case "CalGetReply":
            return struct.pack("<BH", len(fields["points"]), fields["day"]) + points_by_hand(fields["points"])
        case "CalSet":
            head = struct.pack("<BBH", fields["channel"], len(fields["points"]), fields["day"])
            return head + points_by_hand(fields["points"])
        case "Limits" | "LimitsReply":
            return b"" if fields["settings"] is None else struct.pack("<BBhhH", *fields["settings"].values())
        case "SampleBatch":
            head = struct.pack("<HIH", fields["index"], fields["t_us"], fields["span_10us"])
            return head + b"".join(struct.pack("<h", value) for scan in fields["values"] for value in scan)
        case _:
            return struct.pack(LAYOUTS[name], *fields.values())


def message_by_hand(says: Mapping[str, Any]) -> bytes:
    name, tag, fields = says["message"], says["tag"], says["fields"]
    if name == "Refusal":
        highest = fields["highest_version"]
        tail = b"" if highest is None else bytes((highest,))
        return bytes((fields["request_type"] + 0x80, tag, fields["status"])) + tail
    if name == "SampleBatch":
        head = bytes((0x41 if fields["backfill"] else 0x40, tag))
    elif name.endswith("Reply"):
        head = bytes((CODES[name.removesuffix("Reply")] + 0x80, tag, 0))
    else:
        head = bytes((CODES[name], tag))
    return head + payload_by_hand(name, fields)


def built(says: Mapping[str, Any]) -> Any:
    """The dataclass a vector names."""
    fields = dict(says["fields"])
    if "points" in fields:
        fields["points"] = tuple(m.CalPoint(**point) for point in fields["points"])
    if fields.get("settings"):
        fields["settings"] = m.LimitSettings(**fields["settings"])
    if "means" in fields:
        fields["means"] = tuple(fields["means"])
    if "values" in fields:
        fields["values"] = np.array(fields["values"], np.int16)
    if "lsb" in fields:
        fields["lsb"] = struct.unpack("<f", struct.pack("<f", fields["lsb"]))[0]
    return getattr(m, says["message"])(**fields)


def decoded(vector: Mapping[str, Any]) -> Any:
    message = bytes.fromhex(vector["message"])
    if vector["direction"] == "to_ball":
        return decode_from_host(message)
    return decode_from_ball(message, vector.get("channels"))


@named(MESSAGES)
def test_crc_and_frame(vector: Mapping[str, Any]) -> None:
    """R5: by a CRC and a COBS that are not the code's."""
    message = bytes.fromhex(vector["message"])
    crc = crc_by_hand(message)
    assert f"{crc:08X}" == vector["crc"]
    if 2 <= len(message) <= 244:
        frame = bytes.fromhex(vector["frame"])
        assert uncobs_by_hand(frame[:-1]) == message + struct.pack("<I", crc)
        assert encode_frame(message) == frame
    else:
        assert "frame" not in vector


@named(SAYING)
def test_message_says_its_fields(vector: Mapping[str, Any]) -> None:
    """R13: the fields are the message's, from its first byte; what a newer peer put behind them is ignored."""
    message, says = bytes.fromhex(vector["message"]), vector["says"]
    by_hand = message_by_hand(says)
    assert message.startswith(by_hand)
    expected = built(says)
    assert encode(expected, says["tag"]) == by_hand
    tag, found = decoded(vector)
    assert tag == says["tag"]
    if isinstance(expected, m.SampleBatch):
        assert found.values.tolist() == expected.values.tolist()
        assert (found.index, found.t_us, found.span_10us) == (expected.index, expected.t_us, expected.span_10us)
        assert found.backfill is expected.backfill
    else:
        assert found == expected


@named([vector for vector in MESSAGES if "refused" in vector])
def test_request_is_refused(vector: Mapping[str, Any]) -> None:
    """R14: with the status the vector names; where only a certain ball refuses, decoding alone does not."""
    message = bytes.fromhex(vector["message"])
    tag, found = decoded(vector)
    assert tag == message[1]
    if vector["by"] == "any ball":
        assert found == m.Refusal(message[0], m.Status[vector["refused"]])
    else:
        assert m.REQUEST_TYPE[type(found)] == message[0]


@named([vector for vector in MESSAGES if "ignored" in vector])
def test_no_request_is_ignored(vector: Mapping[str, Any]) -> None:
    """R42, R55"""
    assert vector["direction"] == "to_ball"
    assert decoded(vector) is None


@named([vector for vector in MESSAGES if "damage" in vector])
def test_message_is_dropped_for_its_reason(vector: Mapping[str, Any]) -> None:
    """R54: `tag` is for the conversation to see; the message itself is sound."""
    assert vector["damage"] in REASONS
    if vector["damage"] in BY_CONVERSATION:
        assert decoded(vector) == (vector["says"]["tag"], built(vector["says"]))
    else:
        assert decoded(vector) == Damaged(vector["damage"], bytes.fromhex(vector["message"]))


def fed(vector: Mapping[str, Any], edges: Sequence[int]) -> list[dict[str, str]]:
    stream, deframer = bytes.fromhex(vector["stream"]), Deframer()
    if vector["heard"]:
        deframer.feed(F2)
    found = [one for start, end in pairwise(edges) for one in deframer.feed(stream[start:end])]
    return [{"damage": one.reason} if isinstance(one, Damaged) else {"message": one.hex().upper()} for one in found]


@named(STREAMS)
def test_stream_yields_the_same_in_any_split(vector: Mapping[str, Any]) -> None:
    """R5, R6, R54: whole, byte by byte, and in every two parts."""
    size = len(vector["stream"]) // 2
    assert fed(vector, [0, size]) == vector["yields"]
    assert fed(vector, range(size + 1)) == vector["yields"]
    for cut in range(size + 1):
        assert fed(vector, [0, cut, size]) == vector["yields"]


def test_vectors_cover_the_protocol() -> None:
    """R56: every message, every status, every reason a decoder gives; no name twice."""
    names = [vector["name"] for vector in MESSAGES + STREAMS]
    assert len(names) == len(set(names)) >= 90
    assert VECTORS["protocol"] == m.PROTOCOL_VERSION
    said = {vector["says"]["message"] for vector in SAYING}
    every = {message.__name__ for row in m.EXCHANGES for message in (row.request, row.reply)}
    assert said == every | {message.__name__ for message, _ in m.UNSOLICITED.values()} | {"Refusal"}
    statuses = {vector["says"]["fields"].get("status") for vector in SAYING}
    assert statuses >= set(m.Status) - {m.Status.OK}
    damage = {vector.get("damage") for vector in MESSAGES}
    damage |= {one.get("damage") for vector in STREAMS for one in vector["yields"]}
    assert damage - {None} == set(REASONS) - {"stale", "order"}
    refused = {vector["refused"] for vector in MESSAGES if "refused" in vector}
    assert refused == {"UNKNOWN", "LENGTH", "VALUE"}
    assert all(vector["rules"] and vector["note"] for vector in MESSAGES + STREAMS)
