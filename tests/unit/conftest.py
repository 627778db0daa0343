"""What holds for every unit test: examples have the time they need, and what was imported is not searched for garbage."""

from __future__ import annotations

import atexit
import gc

from hypothesis import HealthCheck, settings

settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")
"""How fast this machine is at the moment is no property of the code: a busy one must not make a test fail."""

gc.disable()  # a million objects come into being while tests are collected, and all of them stay
atexit.register(gc.unfreeze)


def pytest_collection_finish() -> None:
    """From here on garbage is collected, of what tests make."""
    gc.freeze()
    gc.enable()
