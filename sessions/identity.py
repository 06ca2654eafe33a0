"""UUID version 7 (RFC 9562 section 5.7): sorted by time of birth, unique without a registry."""

import secrets
from datetime import datetime
from uuid import UUID


def uuid7(born: datetime) -> str:
    """A new id whose first 48 bits are the milliseconds of `born` (aware) since 1970."""
    milliseconds = int(born.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
    chance = secrets.randbits(74)
    number = milliseconds << 80 | 7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | chance & (1 << 62) - 1
    return str(UUID(int=number))
