"""The instance's signing key: ECDSA on P-256 (JWS `ES256`), made at first start, readable by the owner only.

Several processes may start at once: the first to link its finished file into place wins and all read the same key.
A file `previous.pem` beside it is still verified with, never signed with, so a key can be rotated without signing
everybody out. Key ids are RFC 7638 thumbprints.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from seawall.core.errors import ConfigurationError
from seawall.store.whole_files import create_whole

ALGORITHM = "ES256"
CURRENT = "signing.pem"
PREVIOUS = "previous.pem"
_COORDINATE_BYTES = 32
_ecdsa = ec.ECDSA(hashes.SHA256())


class SigningKeys:
    """One key to sign with and every key to verify with, by key id."""

    def __init__(self, signing: ec.EllipticCurvePrivateKey, retired: tuple[ec.EllipticCurvePublicKey, ...] = ()) -> None:
        self._signing = signing
        self.kid = _thumbprint(signing.public_key())
        self._public = {_thumbprint(key): key for key in (signing.public_key(), *retired)}

    def sign(self, message: bytes) -> bytes:
        """The JWS signature of `message`: 64 bytes, r then s (RFC 7518, section 3.4)."""
        r, s = decode_dss_signature(self._signing.sign(message, _ecdsa))
        return r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES)

    def verifies(self, kid: str, message: bytes, signature: bytes) -> bool:
        """Whether the key named `kid` made `signature`. An unknown key verifies nothing."""
        key = self._public.get(kid)
        if key is None or len(signature) != 2 * _COORDINATE_BYTES:
            return False
        r, s = int.from_bytes(signature[:_COORDINATE_BYTES]), int.from_bytes(signature[_COORDINATE_BYTES:])
        try:
            key.verify(encode_dss_signature(r, s), message, _ecdsa)
        except InvalidSignature:
            return False
        return True

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JSON Web Key Set (RFC 7517), each pinned to its algorithm and use."""
        return {"keys": [{**_jwk(key), "kid": kid, "alg": ALGORITHM, "use": "sig"} for kid, key in self._public.items()]}


def generate() -> SigningKeys:
    """A fresh key that is kept nowhere."""
    return SigningKeys(ec.generate_private_key(ec.SECP256R1()))


def load(directory: Path) -> SigningKeys:
    """The keys in `directory`. ConfigurationError when there are none or they are not ours."""
    signing = _read_private(directory / CURRENT)
    previous = directory / PREVIOUS
    return SigningKeys(signing, (_read_private(previous).public_key(),) if previous.exists() else ())


def load_or_create(directory: Path) -> SigningKeys:
    """The keys in `directory`, made there first when missing. Safe when several processes start together."""
    if not (directory / CURRENT).exists():
        _create(directory)
    return load(directory)


def _create(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    create_whole(directory / CURRENT, pem)


def _read_private(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError as error:
        raise ConfigurationError(f"There is no signing key at {path}", fix="Start the instance once with `seawall up`") from error
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{path} cannot be read as a private key", got=str(error)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigurationError(f"{path} is not a P-256 key", expected="an EC private key on P-256 in PEM")
    return key


def _jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {"crv": "P-256", "kty": "EC", "x": _base64url(numbers.x), "y": _base64url(numbers.y)}


def _base64url(coordinate: int) -> str:
    return base64.urlsafe_b64encode(coordinate.to_bytes(_COORDINATE_BYTES)).rstrip(b"=").decode()


def _thumbprint(key: ec.EllipticCurvePublicKey) -> str:
    canonical = msgspec.json.encode(_jwk(key), order="sorted")
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
