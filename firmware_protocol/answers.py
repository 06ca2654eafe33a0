"""How a ball answers each request, in the order of R14: a row says what a request needs, and what answers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from firmware_protocol import messages as m
from firmware_protocol.averaging import Averaging
from firmware_protocol.ball_device import Device
from firmware_protocol.ball_link import BallLink, LinkState
from firmware_protocol.driver import Unit
from firmware_protocol.messages import Caps, IdentField, Status

VERSION = m.PROTOCOL_VERSION
DEFAULT_LATENCY_MS = 40
DEFAULT_AVERAGE_MS = 500
DRAIN_US = 500_000  # R26
LOW_U32 = 0xFFFFFFFF

Answer = m.Reply | Status | None  # None: later
_Handler = Callable[[Device, BallLink, int, Any], Answer]


@dataclass(frozen=True, slots=True)
class Row:
    answer: _Handler
    caps: int = 0  # any of these bits; 0: every ball has it
    alone: bool = False  # STATE while another link is sending (R41)
    sound: Callable[[Device, Any], bool] = lambda device, request: True  # else VALUE
    private: Callable[[m.Request | m.Refusal], bool] = lambda asked: False  # DENIED on an open BLE link (R59)


def answer(device: Device, link: BallLink, tag: int, asked: m.Request | m.Refusal) -> m.Reply | None:
    """The reply, or None if it comes later. `asked` is what the decoder made of the request."""
    code = asked.request_type if isinstance(asked, m.Refusal) else m.REQUEST_TYPE[type(asked)]
    row = ROWS.get(code)
    status = _refusal(device, link, row, asked)
    if status is None and row is not None:
        answered = row.answer(device, link, tag, asked)
        if not isinstance(answered, Status):
            return answered
        status = answered
    assert status is not None
    return m.Refusal(code, status, VERSION if status is Status.VERSION else None)


def _refusal(device: Device, link: BallLink, row: Row | None, asked: m.Request | m.Refusal) -> Status | None:
    found = Status(asked.status) if isinstance(asked, m.Refusal) else None
    if link.state is LinkState.OPEN and row is not ROWS[m.REQUEST_TYPE[m.Hello]]:
        return Status.HELLO_FIRST
    if row is None or (row.caps and not row.caps & device.spec.caps):
        return Status.UNKNOWN
    if found is Status.LENGTH:
        return found
    if not link.private and row.private(asked):
        return Status.DENIED
    if found is not None or not row.sound(device, asked):
        return Status.VALUE
    sender = device.sender
    return Status.STATE if row.alone and sender is not None and sender is not link else None


def hello_reply(device: Device, pairing: bool = False) -> m.HelloReply:
    """`pairing`: as the Info characteristic shows it on an unencrypted link."""
    spec, cells = device.spec, device.cells
    crc, boot_id = (0, 0) if pairing else (cells.cal_crc, device.boot_id)
    return m.HelloReply(VERSION, spec.caps, spec.channels, cells.unit, cells.lsb, max(spec.rates_hz), crc, boot_id)


def _hello(device: Device, link: BallLink, tag: int, request: m.Hello) -> Answer:
    device.end_sending(link, None)
    link.hush()
    if not request.min_version <= VERSION <= request.max_version:
        link.state = LinkState.OPEN
        return Status.VERSION
    device.job = None
    link.state = LinkState.READY
    link.greeted(device.t_us)
    return hello_reply(device)


def _ident(device: Device, link: BallLink, tag: int, request: m.Ident) -> Answer:
    identity = device.spec.identity
    texts = {
        IdentField.VENDOR: identity.vendor,
        IdentField.MODEL: identity.model,
        IdentField.SERIAL: identity.serial,
        IdentField.FIRMWARE: identity.firmware,
        IdentField.HARDWARE: identity.hardware,
    }
    text = texts[request.field]
    return m.IdentReply(text) if text else Status.NO_DATA


def _time(device: Device, link: BallLink, tag: int, request: m.Time) -> Answer:
    return m.TimeReply(device.t_us)


def _start(device: Device, link: BallLink, tag: int, request: m.Start) -> Answer:
    spec = device.spec
    wanted = request.rate_hz or spec.usual_hz
    rate_hz = next((hz for hz in sorted(spec.rates_hz) if hz >= wanted), max(spec.rates_hz))
    latency_us = 1000 * (request.latency_ms or DEFAULT_LATENCY_MS)
    if not link.carries(spec.channels, rate_hz / spec.period_ratio, latency_us):
        return Status.TOO_BIG
    if device.fault:
        return Status.HARDWARE
    device.job = None
    device.start(link, rate_hz, latency_us)
    scanner = device.scanner
    return m.StartReply(scanner.nominal_us, scanner.index & LOW_U32, device.t_us, scanner.run)


def _stop(device: Device, link: BallLink, tag: int, request: m.Stop) -> Answer:
    device.job = None
    device.stop()
    link.live.close()
    link.state = LinkState.READY
    link.reply_when_drained(tag, device.t_us + DRAIN_US)
    return None


def stop_reply(device: Device) -> m.StopReply:
    return m.StopReply(device.scanner.index & LOW_U32)


def _average(device: Device, link: BallLink, tag: int, request: m.Tare | m.Raw) -> Answer:
    avg_ms = request.avg_ms or DEFAULT_AVERAGE_MS
    device.job = Averaging(isinstance(request, m.Raw), avg_ms, device.t_us + 1000 * avg_ms, link, tag)
    return None


def _cal_get(device: Device, link: BallLink, tag: int, request: m.CalGet) -> Answer:
    table = device.cells.points.get(request.channel)
    return m.CalGetReply(table.day, table.points) if table is not None else m.CalGetReply(0, ())


def _cal_set(device: Device, link: BallLink, tag: int, request: m.CalSet) -> Answer:
    if device.scanner.scanning:
        return Status.STATE
    device.recalibrate(request)
    return m.CalSetReply(device.cells.cal_crc)


def _limits(device: Device, link: BallLink, tag: int, request: m.Limits) -> Answer:
    settings = request.settings
    if settings is None:
        return m.LimitsReply(device.limit.settings)
    if settings.enable and device.cells.unit != Unit.NEWTON:
        return Status.STATE
    return m.LimitsReply(device.limit.set(settings))


def _alert(device: Device, link: BallLink, tag: int, request: m.Alert) -> Answer:
    device.signals.alert(request, device.t_us)
    return m.AlertReply()


def _log_read(device: Device, link: BallLink, tag: int, request: m.LogRead) -> Answer:
    link.logged = None
    index = device.scanner.index
    first = index - ((index - request.first) & LOW_U32)
    return device.read_log(link, first, request.count)


def _sensor(device: Device, link: BallLink, tag: int, request: m.Sensor) -> Answer:
    spec = device.spec
    return m.SensorReply(device.cells.full_scale, spec.cell_mm2, spec.contact_mm2, spec.tool)


def _writes_limits(asked: m.Request | m.Refusal) -> bool:
    """LIMITS without values only reads; one refused for its values had some."""
    return not isinstance(asked, m.Limits) or asked.settings is not None


def _has_channel(device: Device, request: m.CalGet | m.CalSet) -> bool:
    return request.channel < device.spec.channels


BY_REQUEST: Mapping[type[m.Request], Row] = {
    m.Hello: Row(_hello),
    m.Ident: Row(_ident),
    m.Time: Row(_time),
    m.Start: Row(_start, sound=lambda device, request: request.rate_hz <= max(device.spec.rates_hz)),
    m.Stop: Row(_stop, alone=True),
    m.Tare: Row(_average, alone=True),
    m.Raw: Row(_average, Caps.RAW, alone=True),
    m.CalGet: Row(_cal_get, Caps.CALIBRATION, sound=_has_channel),
    m.CalSet: Row(_cal_set, Caps.CALIBRATION, alone=True, sound=_has_channel, private=lambda asked: True),
    m.Limits: Row(_limits, Caps.LIMITS, alone=True, private=_writes_limits),
    m.Alert: Row(_alert, Caps.HAPTIC | Caps.LED),
    m.LogRead: Row(_log_read, Caps.LOG, alone=True),
    m.Sensor: Row(_sensor, Caps.SENSOR),
}
ROWS: Mapping[int, Row] = {m.REQUEST_TYPE[request]: row for request, row in BY_REQUEST.items()}
