"""What a session takes for granted about the person and the tool, said once when it begins."""

from collections.abc import Iterator

from companion.cli.text import clean
from sessions.events import Opened

BASIS = "they rest on judgement, see knead limits show"


def assumptions(opened: Opened) -> Iterator[str]:
    """One line for stderr, of what the limits are for."""
    context = opened.context
    judged = f"region {clean(opened.region, 40)}, tool {clean(opened.tool, 40)} ({opened.area_cm2:g} cm2); {BASIS}"
    if context.get("judged") is False:
        yield f"knead: this ball gives no newtons: pressure is not judged, only time, for {judged}"
    elif context.get("screened") is False:
        factor = context.get("factor_k")
        yield f"knead: nobody was screened, so limits are times {factor}, for {judged}"
    else:
        yield f"knead: limits are for {judged}"
