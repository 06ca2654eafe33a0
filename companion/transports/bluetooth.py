"""What the system's Bluetooth says when something fails, in our words.

The one place that reads bleak's errors; scan.py and ble.py use it around every call. `Doing` tells what was tried,
and so what an error of no known name means.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Iterator
from enum import Enum

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakGATTProtocolError,
    BleakGATTProtocolErrorCode,
)

from companion.errors import (
    DeviceBusyError,
    DeviceNotFoundError,
    LinkLostError,
    NotPairedError,
    TransportError,
    UnavailableError,
)

Reason = BleakBluetoothNotAvailableReason
Code = BleakGATTProtocolErrorCode

logging.getLogger("bleak").addHandler(logging.NullHandler())  # its warnings are no lines of ours

DOCTOR = "'knead doctor' tells more"
CABLE = "or use the ball's cable"
_LOCKED = "allow it in the system's privacy settings for Bluetooth, then start knead again"
_UNAVAILABLE = {
    Reason.NO_BLUETOOTH: ("this computer has no Bluetooth", f"plug in a Bluetooth adapter, {CABLE}"),
    Reason.NO_BLE_CENTRAL_ROLE: ("this Bluetooth adapter is too old", f"it needs Bluetooth 4.0 or newer, {CABLE}"),
    Reason.POWERED_OFF: ("Bluetooth is off", "switch Bluetooth on, then try again"),
    Reason.DENIED_BY_USER: ("Bluetooth is not permitted to this program", _LOCKED),
    Reason.DENIED_BY_SYSTEM: ("the system does not permit the use of Bluetooth", DOCTOR),
    Reason.DENIED_BY_UNKNOWN: ("Bluetooth is not permitted to this program", _LOCKED),
    Reason.UNKNOWN: ("Bluetooth cannot be used just now", f"switch Bluetooth off and on again; {DOCTOR}"),
}
_NO_SERVICE = ("the system's Bluetooth service does not run", f"start it: sudo systemctl start bluetooth; {DOCTOR}")
_BUS = {  # by the end of a D-Bus error's name
    "ServiceUnknown": _NO_SERVICE,
    "NameHasNoOwner": _NO_SERVICE,
    "NoReply": _NO_SERVICE,
    "Disconnected": _NO_SERVICE,
    "AccessDenied": (
        "the system does not permit the use of Bluetooth",
        "add yourself to the group bluetooth, " + DOCTOR,
    ),
    "NotPermitted": ("the system does not permit the use of Bluetooth", DOCTOR),
    "NotReady": _UNAVAILABLE[Reason.POWERED_OFF],
}
_BOND_ERRORS = ("AuthenticationFailed", "AuthenticationCanceled", "AuthenticationRejected", "AuthenticationTimeout")
BOND_CODES = (Code.INSUFFICIENT_AUTHENTICATION, Code.INSUFFICIENT_AUTHORIZATION, Code.INSUFFICIENT_ENCRYPTION)
_BOND_WORDS = ("peer removed pairing", "pin or key missing", "pin_or_key_missing", "key missing", "pairing failed")


class Doing(Enum):
    """What was tried when something failed."""

    SCAN = "scan"
    CONNECT = "connect"
    TALK = "talk"  # on a link that was up


@contextlib.contextmanager
def translated(doing: Doing, name: str = "the ball") -> Iterator[None]:
    """The system's errors as ours. `name` is what the user calls the ball."""
    try:
        yield
    except (TransportError, asyncio.CancelledError):
        raise
    # bleak lets errors of D-Bus, WinRT and Objective-C through, and now and then one of its own asserts: all end here.
    except Exception as error:
        ours = _ours(error, doing, name)
        # a link that was up is lost, whatever the system gives as its reason
        raise LinkLostError(str(ours), ours.hint) if doing is Doing.TALK else ours from error


def wants_bond(error: BaseException | None) -> bool:
    """Whether the ball wants an encrypted link first."""
    return isinstance(error, BleakGATTProtocolError) and error.code in BOND_CODES


def _not_paired(name: str) -> NotPairedError:
    return NotPairedError(
        f"{name} and this computer are not paired, or no longer",
        "remove the ball in the system's Bluetooth settings if it is listed there, hold its button, then: knead pair",
    )


def _ours(error: Exception, doing: Doing, name: str) -> TransportError:
    if isinstance(error, BleakBluetoothNotAvailableError):
        return UnavailableError(*_UNAVAILABLE[error.reason])
    if isinstance(error, BleakDBusError):
        last = error.dbus_error.rpartition(".")[2]
        if last in _BUS:
            return UnavailableError(*_BUS[last])
        if last in _BOND_ERRORS:
            return _not_paired(name)
    if wants_bond(error) or any(words in str(error).lower() for words in _BOND_WORDS):
        return _not_paired(name)
    if doing is Doing.SCAN:
        if sys.platform == "linux" and isinstance(error, OSError | EOFError):  # no system bus, or it has gone
            return UnavailableError(*_NO_SERVICE)
        return UnavailableError(*_UNAVAILABLE[Reason.UNKNOWN])
    if doing is Doing.TALK:
        return LinkLostError(f"the link to {name} broke", "the session goes on when the ball is back")
    if isinstance(error, BleakDeviceNotFoundError):
        return DeviceNotFoundError(f"{name} went out of reach", "come closer, wake the ball, then try again")
    return DeviceBusyError(
        f"{name} does not answer", "come closer, wake it, and end any other app that may be connected to it"
    )
