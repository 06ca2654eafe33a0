"""What the host says in plain words: names of requests, refusals, and how a link ends."""

import re

from firmware_protocol.driver import Close, Refused
from firmware_protocol.messages import Request, Status

REFUSALS = {
    Status.UNKNOWN: "this ball does not offer it",
    Status.LENGTH: "the ball could not read the request",
    Status.VALUE: "the ball does not accept this value",
    Status.STATE: "not possible right now",
    Status.BUSY: "the ball is busy",
    Status.DENIED: "the ball wants an encrypted link for this: pair it first",
    Status.VERSION: "the ball speaks another version",
    Status.TOO_BIG: "the link is too small for the answer",
    Status.UNSTABLE: "the load moved meanwhile: leave the ball untouched and try again",
    Status.STORAGE: "the ball could not store it",
    Status.HARDWARE: "a sensor of the ball fails or is at its end",
    Status.NO_DATA: "the ball has no such data",
    Status.HELLO_FIRST: "the ball started anew meanwhile",
}
NO_ANSWER = "the ball did not answer"

# Causes of Close: text, hint, whether the link is to be opened again.
CLOSINGS = {
    "stopped": ("The session was ended.", "", False),
    "no_ball": (
        "No ball here: nothing that speaks the ball protocol answered.",
        "Check the address, and that the ball is switched on and charged.",
        False,
    ),
    "silent": ("The ball does not answer any more.", "Bring it closer, or check its cable and battery.", True),
    "version": ("This ball speaks only another version of the protocol.", "Update the companion.", False),
    "wrong_ball": ("Another ball answered than the one expected.", "Connect that one, or choose this one.", False),
    "elsewhere": ("This ball is in use elsewhere.", "End the other session, then connect again.", False),
    "fault": ("The ball reports a sensor fault and stopped.", "Let it rest unloaded, then try again.", False),
    "battery": ("The ball stopped: its battery is empty.", "Charge it.", False),
}


def closing(cause: str, text: str | None = None, hint: str | None = None, retry: bool | None = None) -> Close:
    """The Close of a cause, in its own words unless others are given."""
    said, advice, again = CLOSINGS[cause]
    return Close(
        cause, said if text is None else text, advice if hint is None else hint, again if retry is None else retry
    )


def newer_version(highest: int) -> Close:
    return closing("version", f"This ball speaks version {highest} of the protocol, which is not known here.")


def wrong_ball(expected: str, serial: str) -> Close:
    said = f"ball {serial}" if serial else "a ball without a serial number"
    return closing("wrong_ball", f"Expected ball {expected}, but {said} answered.")


def failed_start(status: int) -> Close:
    """START was refused for good; what may pass by itself is tried again."""
    match status:
        case Status.TOO_BIG:
            return closing("fault", "The link is too slow for the scans of this ball.", "Ask for a lower rate.")
        case Status.DENIED:
            return closing("fault", "The ball wants an encrypted link.", "Pair it first.")
        case Status.HARDWARE:
            return closing("fault")
        case _:
            return closing("fault", f"The ball does not start: {_refusal(status)}.", "Ask for another rate.")


def name_of(request: Request) -> str:
    """As PROTOCOL.md writes it: CAL_GET for CalGet."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(request).__name__).upper()


def refused(request: Request, status: int | None, text: str | None = None) -> Refused:
    """`status` None: the ball did not say anything to it."""
    if text is None:
        text = NO_ANSWER if status is None else _refusal(status)
    return Refused(name_of(request), status, text)


def _refusal(status: int) -> str:
    return REFUSALS[Status(status)] if status in REFUSALS else f"the ball failed (status {status})"
