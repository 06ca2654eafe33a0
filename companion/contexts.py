"""What the guard is told before a session: the person, the tool and the ball in one frozen value."""

from datetime import UTC, datetime

from companion import past
from companion.pairing.acquaintance import Acquaintances
from companion.pairing.footing import footing
from companion.run import LiveRequest
from companion.safety.limits import GuardContext
from firmware_protocol.driver import Profile, Unit


def guard_context(
    profile: Profile,
    request: LiveRequest,
    known: past.Past | None = None,
    balls: Acquaintances | None = None,
) -> GuardContext:
    """All that the guard must know from outside, in one frozen value. None: nothing is known of person or balls.

    Of what the ball claims, what pairing settled and what is assumed of a ball nobody knows, the stricter holds
    (companion.pairing.footing); the person's own choice of a tool stands.
    """
    balls = balls or Acquaintances((), request.address or "", datetime.now(UTC).date())
    met = balls.meet(profile)
    stands = footing(profile, request.tool, met.settled, balls.today)
    context = GuardContext(
        person=request.person,
        screened=False,  # until something is known of the person: half of every limit
        region=request.region,
        side=request.side,
        tool=stands.tool,
        area_cm2=stands.area_cm2,
        cell_cm2=stands.cell_cm2,
        full_scale_n=stands.full_scale_n,
        calibrated=stands.calibrated,
        judged=profile.unit is Unit.NEWTON,
        noise_n=stands.noise_n,
        told=(*met.told, *stands.told),
    )
    return context if known is None else known.apply(context, simulated=profile.simulated)
