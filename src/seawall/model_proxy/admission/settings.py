"""How admission is set: limits, the tenants' budget, and the sizes that decide how exact it is and how often it asks.

- A replica leases a tenth of a minute's limit at a time, and never more than half of what is left.
- While Valkey is away each replica lets `LOCAL_SHARE` of every limit through.
- A replica draws `allotment` of money at a time: a hundredth of the budget, at most a dollar. While Postgres is away it may spend one
  allotment it has not drawn. So spending passes a budget by at most allotment x replicas.
"""

from __future__ import annotations

import msgspec

from seawall.model_proxy.call import Limits
from seawall.model_proxy.config import Config
from seawall.model_proxy.keys import AccountPeriod

LOCAL_SHARE = 0.25
LEASE_SECONDS = 10.0
"""How long a lease lasts that is not renewed: a dead replica's streams are free again after it."""
LEASED_PART = 10
"""A lease is one part in so many of a minute's limit."""
TICK_SECONDS = 1.0
REPORT_SECONDS = 5.0
"""How often a replica tells the ledger what it spent."""
IDLE_SECONDS = 10.0
"""An allotment that nobody spends from goes back after it."""
DOLLAR = 1_000_000_000
"""Nano-dollars."""
ALLOTMENT_PART = 100
ALLOTMENT_MAX = DOLLAR
ROUNDS_MAX = 32
"""How often a call asks again when others took what was granted."""
LEASES_MAX = 50_000
SEATS_MAX = 20_000


class AdmissionSettings(msgspec.Struct, frozen=True):
    """One replica's. Money is nano-dollars."""

    holder: str
    """This replica's name, the same after a restart."""
    user: Limits = Limits()
    tenant: Limits = Limits()
    budget: int | None = None
    """Of each tenant; None: no limit."""
    period: AccountPeriod = "month"
    local_share: float = LOCAL_SHARE

    @property
    def allotment(self) -> int:
        """What is drawn at a time, and what may be spent undrawn while the ledger is away."""
        return allotment_of(self.budget)


def allotment_of(budget: int | None) -> int:
    """A hundredth of a budget, at most a dollar."""
    return ALLOTMENT_MAX if budget is None else max(1, min(ALLOTMENT_MAX, budget // ALLOTMENT_PART))


def settings_of(config: Config, holder: str) -> AdmissionSettings:
    """What models.yaml says of it."""
    return AdmissionSettings(holder, config.user, config.tenant, config.budget.nanodollars, config.budget.period)
