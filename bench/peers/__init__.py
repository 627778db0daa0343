"""The same dashboard as people write it today."""
