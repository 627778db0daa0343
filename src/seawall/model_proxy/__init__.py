"""The model proxy service."""
