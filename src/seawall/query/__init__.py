"""Semantic query → SQL → Arrow, its caches and the degrade ladder."""
