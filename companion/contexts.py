"""What the guard is told before a session: the person, the tool and the ball in one frozen value."""

from companion import past
from companion.run import LiveRequest
from companion.safety import limits
from companion.safety.limits import GuardContext
from companion.safety.table import AREA_RANGE
from firmware_protocol.driver import Profile, Unit


def guard_context(profile: Profile, request: LiveRequest, known: past.Past | None = None) -> GuardContext:
    """All that the guard must know from outside, in one frozen value. `known`: of the person; None: nothing.

    The tool is the user's choice, else the ball's own proposal, else the hard ball: the smallest, so the strictest.
    """
    tool = request.tool or limits.tool_of_ball(profile.tool) or limits.DEFAULT_TOOL
    area_cm2 = limits.tools()[tool].area_cm2
    told_cm2 = profile.contact_mm2 / 100
    if request.tool is None and AREA_RANGE[0] <= told_cm2 <= AREA_RANGE[1]:
        area_cm2 = told_cm2  # what no tool can be is the ball's mistake, and its tool's own area stands
    context = GuardContext(
        person=request.person,
        screened=False,  # until something is known of the person: half of every limit
        region=request.region,
        side=request.side,
        tool=tool,
        area_cm2=area_cm2,
        cell_cm2=profile.cell_mm2 / 100 or None,
        full_scale_n=profile.full_scale * profile.lsb or None,
        judged=profile.unit is Unit.NEWTON,
    )
    return context if known is None else known.apply(context, simulated=profile.simulated)
