"""What a call holds, and where it is counted. Numbers alone: `admission.py` takes and gives back."""

from __future__ import annotations

from seawall.model_proxy.admission.estimate import Price
from seawall.model_proxy.admission.lease import Lease
from seawall.model_proxy.admission.wallet import Allotment, Wallet


class Reservation:
    """What a call holds until it is settled."""

    __slots__ = ("allotment", "before", "leases", "model", "models", "money", "routed", "settled", "tokens")

    def __init__(
        self, leases: tuple[Lease, ...], tokens: int, allotment: Allotment | None, money: int, models: tuple[Lease, ...] | None = None
    ) -> None:
        self.leases = leases
        self.tokens = tokens
        self.allotment = allotment
        self.money = money
        self.models = models
        """Of the models it may be sent to, where those have limits; None: not known."""
        self.model: Lease | None = None
        """Of the model it is sent to, where that has limits."""
        self.before = 0
        """Tokens used of models it was sent to before that one."""
        self.routed = False
        """It is known which model it is sent to first."""
        self.settled = False


class Seat:
    """What a caller's calls of one route are counted against."""

    __slots__ = ("leases", "models", "price", "tenant", "user", "wallet")

    def __init__(self, leases: tuple[Lease, ...], user: Lease | None, tenant: Lease | None, price: Price) -> None:
        self.leases = leases
        self.user = user
        self.tenant = tenant
        self.price = price
        self.models: tuple[Lease, ...] = ()
        self.wallet: Wallet | None = None
