"""Vectors: what is near in meaning, kept in a store that can fail alone."""
