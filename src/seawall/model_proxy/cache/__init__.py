"""Exact answers, kept and shared among those who may see them, and one call for those who ask the same at once."""
