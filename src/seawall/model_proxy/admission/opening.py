"""Wires admission together for one replica of the model proxy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.model_proxy.admission.admission import Admission
from seawall.model_proxy.admission.desk import LeaseDesk
from seawall.model_proxy.admission.estimate import Prices
from seawall.model_proxy.admission.journal import Journal
from seawall.model_proxy.admission.lease_stores import Leases, ValkeyLeases
from seawall.model_proxy.admission.ledger import Ledger
from seawall.model_proxy.admission.settings import AdmissionSettings, settings_of
from seawall.model_proxy.admission.treasury import Treasury
from seawall.model_proxy.config import Config, Route
from seawall.store.database import Queries
from seawall.store.valkey import Scripted


def open_admission(
    config: Config,
    routes: Callable[[], Mapping[str, Route]],
    holder: str,
    *,
    database: Queries,
    valkey: Scripted | None,
    journal: Path | None,
) -> Admission:
    """Admission as models.yaml sets it. `holder` names this replica, the same after a restart; `journal` is its own file."""
    leases = ValkeyLeases(valkey) if valkey is not None else None
    return assemble(settings_of(config, holder), Prices(config.models, routes), database, leases, Journal(journal))


def assemble(
    settings: AdmissionSettings,
    prices: Prices,
    database: Queries,
    leases: Leases | None,
    journal: Journal,
    *,
    clock: Clock = SYSTEM_CLOCK,
    ledger_clock: Clock | None = None,
) -> Admission:
    """The same from parts. `ledger_clock`: decides the period in place of Postgres' clock."""
    desk = LeaseDesk(leases, settings.holder, clock, local_share=settings.local_share)
    treasury = Treasury(Ledger(database, settings.holder, ledger_clock), journal, settings, clock)
    return Admission(settings, prices, desk, treasury, clock)
