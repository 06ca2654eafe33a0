"""How much each sum may reach in the present region, and how much of it was used elsewhere or before."""

import math
from collections.abc import Callable, Mapping

from companion.safety.dose import Account, Tuning, overlaps
from companion.safety.limits import GuardContext, regions, whole_body
from companion.safety.meters import Meters

Allowance = Callable[[GuardContext, Tuning, Meters], tuple[float, float]]  # limit, used; clocks in microseconds
Shares = Callable[[str, str], bool]  # whether a region and side lie over the same tissue
US = 1e6


def _same(context: GuardContext) -> Shares:
    return lambda region, side: region == context.region and overlaps(side, context.side)


def _group(context: GuardContext) -> Shares:
    group = regions()[context.region].day_group
    return lambda region, side: regions()[region].day_group == group and overlaps(side, context.side)


def _carried(context: GuardContext, shares: Shares, *, dose: bool) -> float:
    """From the last 24 hours; of left and right, the larger counts."""
    sides = {"left": 0.0, "right": 0.0, "both": 0.0}
    for row in context.carried:
        if shares(row.region, row.side):
            sides[row.side] += row.dose_kpa_s if dose else row.contact_s
    return sides["both"] + max(sides["left"], sides["right"])


def _contact_us(account: Account) -> float:
    return account.contact_us


def _dose_kpa_s(account: Account) -> float:
    return account.dose_kpa_s


def _time(context: GuardContext, tuning: Tuning, meters: Meters) -> tuple[float, float]:
    return tuning.limits.session_s * US, meters.elsewhere(_contact_us, _same(context))


def _dose(context: GuardContext, tuning: Tuning, meters: Meters) -> tuple[float, float]:
    return tuning.limits.dose_kpa_s, meters.elsewhere(_dose_kpa_s, _same(context))


def _session(context: GuardContext, _tuning: Tuning, _meters: Meters) -> tuple[float, float]:
    return context.session_limit_s * US, 0.0


def _day(context: GuardContext, _tuning: Tuning, meters: Meters) -> tuple[float, float]:
    """Regions over the same tissue share the largest day cap of their group."""
    group, shares = regions()[context.region].day_group, _group(context)
    cap_s = max(region.base.day_s for region in regions().values() if region.day_group == group)
    return cap_s * US, meters.elsewhere(_contact_us, shares) + US * _carried(context, shares, dose=False)


def _day_dose(context: GuardContext, tuning: Tuning, meters: Meters) -> tuple[float, float]:
    shares = _same(context)
    limit = whole_body()["day_dose_factor"] * tuning.limits.dose_kpa_s
    return limit, meters.elsewhere(_dose_kpa_s, shares) + _carried(context, shares, dose=True)


def _day_total(context: GuardContext, _tuning: Tuning, _meters: Meters) -> tuple[float, float]:
    return whole_body()["day_s"] * US, context.carried_s * US


def _time_advice(context: GuardContext, tuning: Tuning, meters: Meters) -> tuple[float, float]:
    advise_s = regions()[context.region].advise_s
    return math.inf if advise_s is None else advise_s * US, _time(context, tuning, meters)[1]


def _session_advice(_context: GuardContext, _tuning: Tuning, _meters: Meters) -> tuple[float, float]:
    return whole_body()["session_advise_s"] * US, 0.0


ALLOWANCES: Mapping[str, Allowance] = {
    "time": _time,
    "time_advice": _time_advice,
    "dose": _dose,
    "session": _session,
    "session_advice": _session_advice,
    "day": _day,
    "day_dose": _day_dose,
    "day_total": _day_total,
}
