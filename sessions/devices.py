"""The balls of one log: those that measured in a session, and what pairing has settled of them.

A ball is known by its kind and its own serial, never by its address. What the settled fields mean is the matter of
those who fill them. Forgetting a ball takes all of that away; its sessions, and what it said of itself then, stay.
"""

import builtins
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from sessions.database import Database
from sessions.errors import NameTakenError, NotFoundError
from sessions.events import Fields
from sessions.record import microseconds, plain_fields, text
from sessions.schema import DEVICE, SESSION
from sessions.writer import device_key

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SETTLED = ("nickname", "address", "seen_us", "paired_us", "kept")


@dataclass(frozen=True, slots=True)
class Device:
    """One ball. Its texts are its own, as it sent them."""

    kind: str
    serial: str  # "": it has none
    model: str
    profile: Fields  # as it told it last
    nickname: str = ""
    address: str = ""  # where it was seen last
    seen_at: datetime | None = None
    paired_at: datetime | None = None  # None: used, but never paired
    kept: Fields = field(default_factory=dict)  # what pairing settled
    sessions: int = 0

    @property
    def name(self) -> str:
        """What to call it: never empty."""
        return self.nickname or self.serial or self.model or self.kind


Balls = list[Device]


class Devices:
    """All calls raise SessionError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> Balls:
        """Every ball that was paired or used; the one seen last first."""
        counted = select(SESSION.c.device_id, func.count().label("sessions")).group_by(SESSION.c.device_id).subquery()
        statement = (
            select(DEVICE, func.coalesce(counted.c.sessions, 0).label("sessions"))
            .outerjoin(counted, counted.c.device_id == DEVICE.c.id)
            .order_by(func.coalesce(DEVICE.c.seen_us, DEVICE.c.paired_us, 0).desc(), DEVICE.c.id.desc())
        )
        with self._database.reading() as connection:
            return [_device(row) for row in connection.execute(statement).mappings()]

    def pair(
        self,
        profile: Fields,
        address: str,
        at: datetime,
        nickname: str,
        make: Callable[[Fields], Fields],
    ) -> Device:
        """Remember a ball, whose identity `profile` says; `make` turns what was settled before into what is now.

        NameTakenError where another ball has the nickname. All of it, or nothing.
        """
        with self._database.writing() as connection:
            key = device_key(connection, plain_fields(profile))
            others = connection.scalars(select(DEVICE.c.nickname).where(DEVICE.c.id != key, DEVICE.c.nickname != ""))
            if nickname and text(nickname).casefold() in (other.casefold() for other in others):
                raise NameTakenError(f"Another ball is called {nickname}.", "Choose another name, or forget that ball.")
            before = connection.scalar(select(DEVICE.c.kept).where(DEVICE.c.id == key)) or {}
            at_us = microseconds(at)
            columns: dict[str, Any] = {
                "nickname": text(nickname) or None,
                "address": text(address),
                "seen_us": at_us,
                "paired_us": at_us,
                "kept": plain_fields(make(before)),
            }
            connection.execute(update(DEVICE).where(DEVICE.c.id == key).values(columns))
            return _one(connection, key)

    def seen(self, profile: Fields, address: str, at: datetime) -> Device:
        """A ball has measured at an address."""
        with self._database.writing() as connection:
            key = device_key(connection, plain_fields(profile))
            columns = {"address": text(address), "seen_us": microseconds(at)}
            connection.execute(update(DEVICE).where(DEVICE.c.id == key).values(columns))
            return _one(connection, key)

    def settle(self, device: Device, make: Callable[[Fields], Fields]) -> Device:
        """Change what was settled of a ball that is known. NotFoundError if it is not, any more."""
        with self._database.writing() as connection:
            key = _key(connection, device)
            before = connection.scalar(select(DEVICE.c.kept).where(DEVICE.c.id == key)) or {}
            connection.execute(update(DEVICE).where(DEVICE.c.id == key).values(kept=plain_fields(make(before))))
            return _one(connection, key)

    def forget(self, device: Device) -> None:
        """Take away what pairing settled, and the ball where no session needs it. NotFoundError if it is not there."""
        with self._database.writing() as connection:
            key = _key(connection, device)
            connection.execute(update(DEVICE).where(DEVICE.c.id == key).values(dict.fromkeys(_SETTLED)))
            used = select(SESSION.c.id).where(SESSION.c.device_id == key).limit(1)
            if connection.scalar(used) is None:
                connection.execute(delete(DEVICE).where(DEVICE.c.id == key))


def named(balls: builtins.list[Device], name: str) -> Device:
    """By nickname, else by serial, letters' case aside. NotFoundError where none, or more than one, is called so."""
    wanted = name.casefold()
    for own in ("nickname", "serial"):
        found = [ball for ball in balls if getattr(ball, own).casefold() == wanted and wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise NotFoundError(f"More than one ball is called {name}.", "Name it by its nickname: knead devices")
    raise NotFoundError(f"No ball is called {name}.", "knead devices lists those that are remembered.")


def _key(connection: Connection, device: Device) -> int:
    names = {"kind": device.kind, "serial": device.serial, "model": device.model}
    found = connection.scalar(select(DEVICE.c.id).where(*(DEVICE.c[column] == names[column] for column in names)))
    if found is None:
        raise NotFoundError(f"The ball {device.name} is not remembered any more.")
    return int(found)


def _one(connection: Connection, key: int) -> Device:
    used = select(func.count()).where(SESSION.c.device_id == key).scalar_subquery()
    statement = select(DEVICE, used.label("sessions")).where(DEVICE.c.id == key)
    return _device(connection.execute(statement).mappings().one())


def _device(row: RowMapping) -> Device:
    return Device(
        kind=row["kind"],
        serial=row["serial"],
        model=row["model"],
        profile=row["profile"] or {},
        nickname=row["nickname"] or "",
        address=row["address"] or "",
        seen_at=_moment(row["seen_us"]),
        paired_at=_moment(row["paired_us"]),
        kept=row["kept"] or {},
        sessions=row["sessions"],
    )


def _moment(at_us: int | None) -> datetime | None:
    return None if at_us is None else _EPOCH + timedelta(microseconds=at_us)
