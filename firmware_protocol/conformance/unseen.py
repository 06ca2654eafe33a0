"""Rules that no item looks at, and why: they are the host's, or need more than one link to be seen."""

_HOST = "the host's"
_RADIO = "the radio's; the system between shows nothing of it"
_WRITES = "a calibration is never written by a check"

UNSEEN = {
    1: _RADIO,
    3: _RADIO,
    4: _RADIO,
    7: "a port that nobody reads would have to be held up on purpose",
    8: "whether a port has a fixed baud rate cannot be seen",
    10: _HOST,
    17: "what the channels have in common cannot be seen from outside",
    31: _WRITES,
    41: "needs a second link",
    43: "needs a ball that is not linked",
    **dict.fromkeys(range(44, 54), _HOST),
    58: _RADIO,
    60: _HOST,
}
