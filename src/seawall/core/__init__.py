"""Nouns, identifiers, errors, time. No input or output happens here."""
