"""Answers held to a schema while they arrive: read, released as far as they are known to be right, mended, asked for again."""
