"""Spans, events and the maths of service levels."""
