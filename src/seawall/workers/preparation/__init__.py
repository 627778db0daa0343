"""Fill an app's tables from source data, as one immutable generation."""

from seawall.workers.preparation.runner import prepare

__all__ = ["prepare"]
