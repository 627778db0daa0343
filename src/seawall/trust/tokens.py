"""Access tokens: JWTs (RFC 7519, RFC 9068) signed with the instance's own key.

A verified token has: type `at+jwt`, algorithm ES256 and nothing else, a known key, our issuer and audience, an expiry
that has not passed and an issue time that has come, with at most 5 seconds of skew. Verification costs about 100 µs,
so results are kept until the token expires, in a bounded table.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import InvalidInput
from seawall.core.ids import new_id
from seawall.core.principal import Attribute, Principal
from seawall.trust.errors import InvalidToken
from seawall.trust.keys import ALGORITHM, SigningKeys

ISSUER = AUDIENCE = "seawall"
TYPE = "at+jwt"
SKEW_SECONDS = 5.0
TTL_SECONDS_MAX = 24 * 3600.0
TOKEN_BYTES_MAX = 8192
VERIFIED_MAX = 4096


class _Header(msgspec.Struct, frozen=True):
    alg: str
    typ: str
    kid: str
    crit: tuple[str, ...] | None = None


class _Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    iss: str
    aud: str | tuple[str, ...]
    sub: str
    exp: int
    iat: int
    jti: str
    tenant: str = "default"
    roles: tuple[str, ...] = ()
    attrs: dict[str, Attribute] = {}
    scope: str = ""
    sid: str = ""
    nbf: int | None = None

    def principal(self) -> Principal:
        return Principal(
            user=self.sub,
            tenant=self.tenant,
            roles=self.roles,
            attributes=self.attrs,
            scopes=tuple(self.scope.split()),
            session=self.sid,
        )


_headers = msgspec.json.Decoder(_Header)
_claims = msgspec.json.Decoder(_Claims)


class Tokens:
    """Mints tokens and verifies them."""

    def __init__(self, keys: SigningKeys, clock: Clock = SYSTEM_CLOCK) -> None:
        self._keys = keys
        self._clock = clock
        self._verified: OrderedDict[str, tuple[float, Principal]] = OrderedDict()
        self._header = _encode(msgspec.json.encode({"alg": ALGORITHM, "kid": keys.kid, "typ": TYPE}))

    def mint(self, principal: Principal, ttl_seconds: float) -> str:
        """A token that says who `principal` is for `ttl_seconds`, at most a day."""
        if not 0 < ttl_seconds <= TTL_SECONDS_MAX:
            raise InvalidInput(
                "A token cannot live that long", expected=f"more than 0 and at most {TTL_SECONDS_MAX:.0f} s", got=f"{ttl_seconds} s"
            )
        now = int(self._clock.time())
        claims = _Claims(
            iss=ISSUER,
            aud=AUDIENCE,
            sub=principal.user,
            exp=now + max(1, int(ttl_seconds)),
            iat=now,
            jti=new_id(self._clock),
            tenant=principal.tenant,
            roles=principal.roles,
            attrs=principal.attributes,
            scope=" ".join(principal.scopes),
            sid=principal.session,
        )
        signed = f"{self._header}.{_encode(msgspec.json.encode(claims))}"
        return f"{signed}.{_encode(self._keys.sign(signed.encode()))}"

    def verify(self, token: str) -> Principal:
        """Whom `token` speaks for. InvalidToken when any check fails."""
        now = self._clock.time()
        known = self._verified.get(token)
        if known is not None:
            if now < known[0]:
                return known[1]
            del self._verified[token]
        claims = self._checked(token, now)
        expires = claims.exp + SKEW_SECONDS
        self._verified[token] = (expires, claims.principal())
        if len(self._verified) > VERIFIED_MAX:
            self._verified.popitem(last=False)
        return self._verified[token][1]

    def _checked(self, token: str, now: float) -> _Claims:
        if len(token) > TOKEN_BYTES_MAX or token.count(".") != 2:
            raise InvalidToken("The token is not a compact JWS", expected=f"three parts, at most {TOKEN_BYTES_MAX} bytes")
        signed, _, signature = token.rpartition(".")
        head, _, body = signed.partition(".")
        try:
            header = _headers.decode(_decode(head))
            if header.alg != ALGORITHM or header.typ.lower() != TYPE or header.crit is not None:
                raise InvalidToken("The token is of the wrong kind", expected=f"type {TYPE}, algorithm {ALGORITHM}, no critical extensions")
            if not self._keys.verifies(header.kid, signed.encode(), _decode(signature)):
                raise InvalidToken("The token's signature does not hold")
            claims = _claims.decode(_decode(body))
        except (msgspec.MsgspecError, ValueError) as error:
            raise InvalidToken("The token cannot be read or lacks a claim") from error
        _check_claims(claims, now)
        return claims


def _check_claims(claims: _Claims, now: float) -> None:
    audiences = (claims.aud,) if isinstance(claims.aud, str) else claims.aud
    if claims.iss != ISSUER or AUDIENCE not in audiences:
        raise InvalidToken("The token was issued by or for somebody else")
    if now >= claims.exp + SKEW_SECONDS:
        raise InvalidToken("The token has expired", fix="Refresh the session or mint a new token")
    if max(claims.iat, claims.nbf or 0) > now + SKEW_SECONDS:
        raise InvalidToken("The token is from the future", fix="Set the clocks of the machines")


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Strict base64url without padding: what `_encode` would not have written is refused."""
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("not base64url") from error
    if _encode(data) != text:
        raise ValueError("not canonical base64url")
    return data
