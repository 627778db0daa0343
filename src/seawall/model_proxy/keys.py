"""Machine keys: `sw_<id>_<secret>`, printed once and kept as the SHA-256 of the secret.

The id is no secret: it names the key in lists, logs and the ledger. The secret has 256 random bits, so that a fast hash is enough.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Literal

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import InvalidInput, NotFound
from seawall.core.principal import Attribute, Principal
from seawall.model_proxy.call import Limits
from seawall.model_proxy.scopes import DEFAULT_SCOPES
from seawall.store.database import Queries, Row

PREFIX = "sw_"
CHANNEL = "seawall_model_keys"
"""Where ids of keys that were made or revoked are notified."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_KEY = re.compile(r"sw_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
AccountPeriod = Literal["hour", "day", "week", "month", "total"]


class KeyBudget(msgspec.Struct, frozen=True):
    """What a key may spend; the tenant's budget stands above it."""

    nanodollars: int
    period: AccountPeriod = "month"


class MachineKey(msgspec.Struct, frozen=True):
    """A key as it is stored, without its secret."""

    id: str
    name: str
    hash: bytes
    """SHA-256 of the secret."""
    principal: Principal
    limits: Limits = Limits()
    account: str = ""
    """The ledger account that pays."""
    expires_at: float | None = None
    """Seconds since 1970."""

    def __repr__(self) -> str:
        return f"MachineKey({self.id}, {self.name})"


class NewKey(msgspec.Struct, frozen=True):
    """What a key is to be."""

    name: str
    tenant: str = "default"
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    """At least one: a key without scopes could do nothing."""
    roles: tuple[str, ...] = ()
    attributes: dict[str, Attribute] = {}
    limits: Limits = Limits()
    budget: KeyBudget | None = None
    """None: only the tenant's."""
    ttl_seconds: float | None = None


class ListedKey(msgspec.Struct, frozen=True):
    """A line of `seawall key list`. Times are seconds since 1970, money is nano-dollars."""

    id: str
    name: str
    tenant: str
    scopes: tuple[str, ...]
    roles: tuple[str, ...]
    limits: Limits
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    budget: int | None
    period: str | None
    billed: int
    """In the current period of a budget of its own, with what replicas hold to spend; 0 without one."""

    def state(self, now: float) -> str:
        """In a word."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


def tenant_account(tenant: str) -> str:
    """The account of a tenant."""
    return f"tenant:{tenant}"


def split(presented: str) -> tuple[str, str] | None:
    """(id, secret) of a well-formed key, else None."""
    match = _KEY.fullmatch(presented)
    return (match[1], match[2]) if match else None


def hash_secret(secret: str) -> bytes:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


class MachineKeys:
    """The keys in the operational database. Every method raises Unavailable when that is away."""

    def __init__(self, database: Queries, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._clock = clock

    async def create(self, new: NewKey) -> tuple[MachineKey, str]:
        """Make a key; it and what to present, which is kept nowhere. InvalidInput for a name that is taken or ill, or without scopes."""
        if not new.scopes:
            raise InvalidInput("A key without scopes could do nothing", expected=f"some, like {', '.join(DEFAULT_SCOPES)}")
        if NAME.fullmatch(new.name) is None:
            raise InvalidInput(
                "A key's name is not a name", expected="letters, digits, `.`, `_` and `-`, at most 63", got=repr(new.name[:80])
            )
        made, secret = self._make(new)
        row = await self._database.fetch_one(
            "add_model_key",
            id=made.id,
            name=made.name,
            tenant=new.tenant,
            hash=made.hash.hex(),
            principal=msgspec.json.encode(made.principal).decode(),
            limits=msgspec.json.encode(made.limits).decode(),
            account=made.account,
            budget=new.budget.nanodollars if new.budget else None,
            period=new.budget.period if new.budget else "month",
            now=self._clock.time(),
            expires_at=made.expires_at,
        )
        if row is None:
            raise InvalidInput(
                f"The tenant {new.tenant} has a key named {new.name} already", fix=f"Revoke it, or choose another name than {new.name}"
            )
        return made, f"{PREFIX}{made.id}_{secret}"

    def _make(self, new: NewKey) -> tuple[MachineKey, str]:
        key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        principal = Principal(f"key:{key_id}", new.tenant, new.roles, new.attributes, new.scopes)
        account = f"key:{key_id}" if new.budget else tenant_account(new.tenant)
        expires_at = self._clock.time() + new.ttl_seconds if new.ttl_seconds is not None else None
        return MachineKey(key_id, new.name, hash_secret(secret), principal, new.limits, account, expires_at), secret

    async def find(self, key_id: str) -> MachineKey | None:
        """A key that was not revoked."""
        row = await self._database.fetch_one("find_model_key", id=key_id)
        return _key_of(row) if row else None

    async def list(self) -> Sequence[ListedKey]:
        """All, the newest first."""
        return [_listed(row) for row in await self._database.fetch_all("list_model_keys", now=self._clock.time())]

    async def revoke(self, word: str, tenant: str = "default") -> str:
        """End the key of this id, or of this name within `tenant`, for good; its id. NotFound when there is none."""
        key_id = parts[0] if (parts := split(word)) else word  # somebody may paste the whole key
        row = await self._database.fetch_one("revoke_model_key", word=key_id, tenant=tenant, now=self._clock.time())
        if row is None:
            raise NotFound("There is no such key, or it was revoked already", expected="an id or a name of `seawall key list`")
        return str(row["id"])


def _key_of(row: Row) -> MachineKey:
    return MachineKey(
        id=row["id"],
        name=row["name"],
        hash=bytes.fromhex(row["hash"]),
        principal=msgspec.json.decode(row["principal"], type=Principal),
        limits=msgspec.json.decode(row["limits"], type=Limits),
        account=row["account"],
        expires_at=row["expires_at"],
    )


def _listed(row: Row) -> ListedKey:
    principal = msgspec.json.decode(row["principal"], type=Principal)
    names = ("id", "name", "tenant", "created_at", "expires_at", "revoked_at", "budget", "period", "billed")
    limits = msgspec.json.decode(row["limits"], type=Limits)
    return ListedKey(scopes=principal.scopes, roles=principal.roles, limits=limits, **{name: row[name] for name in names})
