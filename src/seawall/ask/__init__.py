"""A question in words becomes a governed query."""
