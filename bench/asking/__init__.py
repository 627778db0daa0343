"""The parts of `bench/ask.py`, one a module: each has `async def claims(*, quick: bool) -> dict[str, Claim]`."""
