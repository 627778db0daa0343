"""Which key management service the exchanges' keys are wrapped with: whatever `SEAWALL_EXCHANGES_KMS` names, loaded by who composes."""

from __future__ import annotations

from importlib import import_module

from seawall.core.errors import ConfigurationError
from seawall.model_proxy.exchanges.keys import Kms

VARIABLE = "SEAWALL_EXCHANGES_KMS"


def load_kms(named: str) -> Kms | None:
    """What `module:factory` gives when called without arguments; None when nothing is named. ConfigurationError."""
    if not named:
        return None
    module, _, factory = named.partition(":")
    try:
        made = getattr(import_module(module), factory)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{VARIABLE} names nothing that can be loaded",
            expected="module:factory, a function that gives a key management service when called without arguments",
            got=f"{named[:200]} ({type(error).__name__}: {str(error)[:200]})",
            fix="Install the module where the services run, and check its name",
        ) from error
    if not all(callable(getattr(made, name, None)) for name in ("wrap", "unwrap")):
        raise ConfigurationError(
            f"What {VARIABLE} names is no key management service",
            expected="an object with wrap(bytes) and unwrap(bytes)",
            got=type(made).__name__,
            fix="See docs/reference/exchanges.md",
        )
    kms: Kms = made
    return kms
