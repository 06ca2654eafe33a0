"""What the pair screen works with, made of the parts."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from companion.tui.pairing import Pairing, Said, Size

if TYPE_CHECKING:
    from companion.cli.shelf import Shelf
    from companion.engine import Outcome
    from companion.meeting import Meeting
    from companion.pairing.steps import Ask, Say
    from companion.pairing.trust import Finding
    from companion.tui.pairing import Near

LOOK_S = 4.0  # once around; a ball advertises several times a second


def pairing_of(shelf: "Shelf") -> Pairing:
    return Pairing(near=_near, meet=lambda address, hear: Met(shelf, address, hear))


def _near(tell: "Callable[[Near], None]") -> "Sequence[Near]":
    """Ports and a virtual ball to try it with at once, then what advertises. Raises UnavailableError."""
    from companion import inreach, whereabouts
    from companion.cli.scan import harmless, places
    from companion.config import find_paths

    ports = [*places(), *inreach.virtual_places()[:1]]
    for place in ports:
        tell(place)
    known = whereabouts.known(find_paths())
    near = inreach.ble_places(known, LOOK_S, lambda place: tell(harmless(place)))
    return [*ports, *(harmless(place) for place in near)]


class Met:
    """A `tui.pairing.Meeting`."""

    def __init__(self, shelf: "Shelf", address: str, hear: Callable[[Said], None]) -> None:
        from companion import compose
        from companion.pairing.steps import Steps

        def heard(said: "Say | Ask") -> None:
            hear(_said(said))

        self._meeting: Meeting = compose.pair(address, shelf.settings, heard, Steps(asks=True))

    def answer(self, yes: bool | None, /) -> None:
        self._meeting.answer(yes)

    def skip(self) -> None:
        self._meeting.skip()

    def leave(self) -> None:
        self._meeting.leave()

    def run(self) -> "Outcome":
        return self._meeting.run()

    @property
    def checked_s(self) -> float:
        from companion.pairing.steps import Step

        steps = self._meeting.steps
        return steps.check.seen_s if steps.step is Step.CHECK else 0.0

    @property
    def claim(self) -> str:
        return self._meeting.claim

    @property
    def size(self) -> str:
        return self._meeting.size

    @property
    def nickname(self) -> str:
        return self._meeting.called

    def findings(self) -> "Sequence[Finding]":
        return self._meeting.findings()

    def keep(self, nickname: str, size: Size, /) -> Sequence[str]:
        from companion.pairing.profile import checked_name
        from companion.pairing.settling import Wishes

        self._meeting.nickname = checked_name(nickname)
        self._meeting.wishes = Wishes(tool=size.tool, area_cm2=size.area_cm2, as_told=size.as_told)
        return [text for _, text in self._meeting.keep().told]


def _said(said: "Say | Ask") -> Said:
    from companion.pairing.steps import Ask

    return Said(said.text, "", said.key, said.again) if isinstance(said, Ask) else Said(said.text, said.hint)
