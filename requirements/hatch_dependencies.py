"""Gives the package the dependencies named in runtime.in, so that they are written down once."""

from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Dependencies(MetadataHookInterface):
    """Reads runtime.in, a line a requirement."""

    def update(self, metadata: dict) -> None:
        """Fill in `dependencies`."""
        lines = (Path(self.root) / "requirements" / "runtime.in").read_text().splitlines()
        metadata["dependencies"] = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
