"""What the calls of a caller to a route are counted against: made once, then found by a look-up."""

from __future__ import annotations

from seawall.model_proxy.admission.desk import LeaseDesk
from seawall.model_proxy.admission.estimate import NOTHING, Prices
from seawall.model_proxy.admission.reservation import Seat
from seawall.model_proxy.admission.settings import SEATS_MAX, AdmissionSettings
from seawall.model_proxy.call import Caller, Limits


class Seats:
    """The seats of this replica; bounded."""

    def __init__(self, settings: AdmissionSettings, prices: Prices, desk: LeaseDesk) -> None:
        self._settings = settings
        self._prices = prices
        self._desk = desk
        self._seats: dict[tuple[str, str, str, str], Seat] = {}

    def __len__(self) -> int:
        return len(self._seats)

    def of(self, caller: Caller, model: str) -> Seat:
        """The seat of a caller's calls of a route."""
        principal = caller.principal
        key = (principal.tenant, principal.user, caller.key_id, model)
        return self._seats.get(key) or self._make(caller, key)

    def clear(self) -> None:
        """Look up anew what they refer to."""
        self._seats.clear()

    def tidy(self) -> None:
        """Follow the table of routes, and do not grow without end."""
        if self._prices.moved() or len(self._seats) > SEATS_MAX:
            self._seats.clear()

    def _make(self, caller: Caller, key: tuple[str, str, str, str]) -> Seat:
        tenant, user, key_id, model = key
        tag, none = tenant.replace("{", "(").replace("}", ")") or "-", Limits()
        settings, lease = self._settings, self._desk.lease
        own = lease(tag, f"key:{key_id}", caller.limits) if key_id and caller.limits != none else None
        users = lease(tag, f"user:{user}", settings.user) if settings.user != none else None
        tenants = lease(tag, "tenant", settings.tenant, fair=True) if settings.tenant != none else None
        seat = Seat(tuple(one for one in (own, users, tenants) if one is not None), users, tenants, self._prices.of(model))
        seat.models = tuple(lease(f"model:{name}", "model", limits) for name, limits in seat.price.limited)
        if seat.price is not NOTHING and len(self._seats) <= SEATS_MAX:
            self._seats[key] = seat
        return seat
