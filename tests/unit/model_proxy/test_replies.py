"""What an error answer tells an SDK about trying again."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from seawall.core.errors import SeawallError, Unavailable
from seawall.model_proxy.addresses import PrivateAddress
from seawall.model_proxy.errors import (
    CallOverLimit,
    NoProvider,
    NoProviderAllowed,
    OverBudget,
    OverLimit,
    ProviderFailed,
    ProviderRefusedKey,
)
from seawall.model_proxy.failures import refused
from seawall.model_proxy.replies import failure, retry_after
from seawall.model_proxy.upstream_errors import unreachable

RETRY = {"retry-after", "retry-after-ms", "x-should-retry"}


def told(error: SeawallError) -> dict[str, str]:
    return {name: value for name, value in failure(error).headers if name in RETRY}


@pytest.mark.parametrize(
    "error",
    [NoProviderAllowed(), PrivateAddress(), CallOverLimit(), OverBudget(), ProviderRefusedKey(), refused("p", 404, {}, b"", "").error],
    ids=lambda error: error.slug,
)
def test_what_a_try_again_cannot_mend_says_so(error: SeawallError) -> None:
    """SDKs would wait and ask twice more, in vain; `x-should-retry: false` stops them, and no time to come again is named."""
    assert told(error) == {"x-should-retry": "false"}
    assert retry_after(error) is None


@pytest.mark.parametrize(
    ("error", "headers"),
    [
        (OverLimit("Too many", retry_after=2.5), {"retry-after": "3", "retry-after-ms": "2500"}),
        (NoProvider("All rest"), {"retry-after": "1", "retry-after-ms": "1000"}),
        (Unavailable("Postgres is away"), {"retry-after": "1", "retry-after-ms": "1000"}),
        (ProviderFailed("HTTP 500"), {}),
    ],
    ids=lambda value: getattr(value, "slug", ""),
)
def test_what_may_pass_says_when_to_come_again(error: SeawallError, headers: dict[str, str]) -> None:
    """Where somebody knows; SDKs decide about the rest."""
    assert told(error) == headers


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no address for the name of its host"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "no answer from DNS"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "nothing listens at its address"),
        (FileNotFoundError(errno.ENOENT, "/run/secret.sock"), "nothing listens at its address"),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "a certificate that is not trusted"),
        (ssl.SSLError(1, "wrong version number"), "no TLS connection"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "no way to its network"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_why_a_provider_is_not_reached_is_said_in_words(error: OSError, words: str) -> None:
    """For people, not with the name of a Python class; and without an address of ours."""
    said = unreachable(error).sentence()
    assert said.startswith("The provider cannot be reached. Got ")
    assert words in said
    assert type(error).__name__ not in said
    assert "secret" not in said
