"""The first event of a session: what it stands on, whole, so that a replay needs nothing else. Pure."""

import dataclasses

from companion.handsfree.terms import Terms
from companion.safety.limits import GuardContext
from companion.smoothing import Smoother
from companion.stages import Plan
from firmware_protocol.driver import Profile
from sessions.events import Json, Opened


def first_event(
    plan: Plan,
    profile: Profile,
    context: GuardContext,
    smoother: Smoother,
    hands: Terms | None,
    t_s: float,
    host_s: float,
) -> Opened:
    """`t_s`: of the first scan; `host_s` the same moment on the engine's clock."""
    device: dict[str, Json] = dataclasses.asdict(profile) | {"unit": int(profile.unit)}
    return Opened(
        t_s=t_s,
        started_at=plan.wall(host_s),
        device=device,
        person=plan.person,
        region=context.region,
        side=context.side,
        tool=context.tool,
        area_cm2=context.area_cm2,
        program=plan.program,
        context=context.to_json() | ({} if hands is None else {"hands": hands.to_json()}),
        smoothing=smoother.describe(),
        simulated=profile.simulated,
        software=plan.software,
        routine=None if plan.routine is None else plan.routine.to_json(),
    )
