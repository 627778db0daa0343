"""Tokens: what a verifier must refuse, and that what we mint comes back unchanged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.clock import ManualClock
from seawall.core.errors import InvalidInput
from seawall.core.principal import Principal
from seawall.trust.errors import InvalidToken
from seawall.trust.keys import generate
from seawall.trust.tokens import VERIFIED_MAX, Tokens

KEYS = generate()
START = 1_700_000_000
BUYER = Principal(
    user="mia", tenant="north", roles=("buyer",), attributes={"store_groups": ("a", "b"), "level": 3}, scopes=("read",), session="s1"
)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forge(
    header: dict | None = None, claims: dict | None = None, sign: Callable[[bytes], bytes] = KEYS.sign, drop: tuple[str, ...] = ()
) -> str:
    """A token as `mint` makes it, but for what a test changes."""
    head = {"alg": "ES256", "kid": KEYS.kid, "typ": "at+jwt", **(header or {})}
    body = {"iss": "seawall", "aud": "seawall", "sub": "mia", "iat": START, "exp": START + 300, "jti": "1", **(claims or {})}
    body = {key: value for key, value in body.items() if key not in drop}
    signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(body).encode())}"
    return f"{signed}.{b64(sign(signed.encode()))}"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def tokens(clock: ManualClock) -> Tokens:
    return Tokens(KEYS, clock)


def test_round_trip(tokens: Tokens) -> None:
    """A minted token says who it was minted for, in full."""
    assert tokens.verify(tokens.mint(BUYER, 300)) == BUYER


attributes = st.one_of(
    st.text(max_size=20), st.integers(-(2**53), 2**53), st.booleans(), st.lists(st.text(max_size=9), max_size=4).map(tuple)
)


@given(
    st.text(min_size=1, max_size=40),
    st.lists(st.text(max_size=9), max_size=3),
    st.dictionaries(st.text(max_size=9), attributes, max_size=4),
)
def test_round_trip_of_any_principal(user: str, roles: list[str], attrs: dict) -> None:
    """No name, role or attribute is changed on the way."""
    principal = Principal(user=user, roles=tuple(roles), attributes=attrs)
    tokens = Tokens(KEYS, ManualClock(START))
    assert tokens.verify(tokens.mint(principal, 60)) == principal


def hs256_with_public_key(message: bytes) -> bytes:
    pem = KEYS._signing.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hmac.new(pem, message, hashlib.sha256).digest()


REFUSED = {
    "alg none": lambda: forge({"alg": "none"}, sign=lambda _: b""),
    "alg None, signed": lambda: forge({"alg": "None"}),
    "HS256 with the public key": lambda: forge({"alg": "HS256"}, sign=hs256_with_public_key),
    "ES256 label over an HMAC": lambda: forge(sign=hs256_with_public_key),
    "another key": lambda: forge(sign=generate().sign),
    "unknown kid": lambda: forge({"kid": "other"}),
    "no typ": lambda: forge({"typ": ""}),
    "wrong typ": lambda: forge({"typ": "JWT"}),
    "critical extension": lambda: forge({"crit": ["b64"]}),
    "expired": lambda: forge(claims={"exp": START - 6}),
    "no exp": lambda: forge(drop=("exp",)),
    "no iat": lambda: forge(drop=("iat",)),
    "no sub": lambda: forge(drop=("sub",)),
    "exp as text": lambda: forge(claims={"exp": "9999999999"}),
    "exp null": lambda: forge(claims={"exp": None}),
    "wrong aud": lambda: forge(claims={"aud": "elsewhere"}),
    "wrong iss": lambda: forge(claims={"iss": "elsewhere"}),
    "issued in the future": lambda: forge(claims={"iat": START + 6}),
    "not yet valid": lambda: forge(claims={"nbf": START + 6}),
    "empty signature": lambda: forge(sign=lambda _: b""),
    "zero signature": lambda: forge(sign=lambda _: bytes(64)),
    "not a token": lambda: "hello",
    "empty": lambda: "",
    "four parts": lambda: forge() + ".x",
    "10 MB": lambda: "a" * 10_000_000,
    "padding": lambda: forge() + "=",
    "not ascii": lambda: "é.é.é",
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_refused(tokens: Tokens, make: Callable[[], str]) -> None:
    """A token with one thing wrong is refused."""
    with pytest.raises(InvalidToken):
        tokens.verify(make())


def test_tampered_payload(tokens: Tokens) -> None:
    """Raising one's own role breaks the signature."""
    head, _, signature = tokens.mint(BUYER, 300).split(".")
    _, body, _ = forge(claims={"roles": ["approver"]}).split(".")
    with pytest.raises(InvalidToken):
        tokens.verify(f"{head}.{body}.{signature}")


@given(st.integers(0, 399), st.integers(1, 127))
def test_any_flipped_character(position: int, shift: int) -> None:
    """Changing any single character of a token makes it invalid."""
    tokens = Tokens(KEYS, ManualClock(START))
    token = tokens.mint(BUYER, 300)
    at = position % len(token)
    changed = token[:at] + chr((ord(token[at]) + shift) % 128) + token[at + 1 :]
    with pytest.raises(InvalidToken):
        tokens.verify(changed)


def test_skew_is_five_seconds(clock: ManualClock) -> None:
    """A token works until 5 s after its expiry, also when it was verified before, and not longer."""
    tokens = Tokens(KEYS, clock)
    token = tokens.mint(BUYER, 60)
    clock.advance(64)
    assert tokens.verify(token).user == Tokens(KEYS, clock).verify(token).user == "mia"
    clock.advance(1.5)
    for verifier in (tokens, Tokens(KEYS, clock)):
        with pytest.raises(InvalidToken):
            verifier.verify(token)


def test_issue_time_skew(tokens: Tokens) -> None:
    """A clock 5 s ahead of ours is forgiven."""
    assert tokens.verify(forge(claims={"iat": START + 5, "aud": ["x", "seawall"]})).user == "mia"


def test_verified_table_is_bounded(tokens: Tokens) -> None:
    """Many users do not grow memory without end."""
    sample = [tokens.mint(BUYER, 300) for _ in range(3)]
    tokens._verified.update({str(i): (0.0, BUYER) for i in range(VERIFIED_MAX)})
    for token in sample:
        tokens.verify(token)
    assert len(tokens._verified) <= VERIFIED_MAX


@pytest.mark.parametrize("ttl", [0, -1, 86_401])
def test_lifetime_is_bounded(tokens: Tokens, ttl: float) -> None:
    """Nobody mints a token that never ends."""
    with pytest.raises(InvalidInput):
        tokens.mint(BUYER, ttl)
