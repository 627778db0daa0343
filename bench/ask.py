"""How well, how fast and how cheaply questions in words become queries.

python bench/ask.py [--quick] [--only merchandising,flights,…] [--json]
python bench/ask.py --details merchandising:dev [--accepted]     # for whoever improves it: scores by kind, and every miss

Accuracy is that of questions that were written down before the parser was frozen and not looked at while it was made: a third of
merchandising's by hash, and all of a second app's. Only questions of `dev` are shown one by one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial

from asking import accuracy, products, sharing, tiers
from harness import Claim, report

Part = Callable[..., Awaitable[dict[str, Claim]]]
PARTS: dict[str, Part] = {
    "merchandising": partial(accuracy.claims, app="merchandising"),
    "flights": partial(accuracy.claims, app="flights"),
    "cache": sharing.claims,
    "tiers": tiers.claims,
    "products": products.claims,
}
"""Name → `async def claims(*, quick: bool) -> dict[str, Claim]`."""
SHOWN = ("dev",)
"""Files whose questions may be seen."""


async def all_claims(names: list[str], *, quick: bool) -> dict[str, Claim]:
    """The chosen parts, one after the other."""
    found: dict[str, Claim] = {}
    for name in names:
        found |= await PARTS[name](quick=quick)
    return found


def main() -> int:
    """The exit code is 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--details", metavar="APP:FILE", help="the misses of a file of golden questions, as JSON")
    parser.add_argument("--accepted", action="store_true", help="with --details: through the fitted thresholds")
    options = parser.parse_args()
    if options.details:
        app, _, name = options.details.partition(":")
        if name not in SHOWN:
            parser.error(f"only {', '.join(SHOWN)} may be looked at: {name} is for judging")
        print(json.dumps(asyncio.run(accuracy.details(app, name, accepted=options.accepted)), ensure_ascii=False, indent=1))
        return 0
    names = options.only.split(",")
    if unknown := set(names) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return report(asyncio.run(all_claims(names, quick=options.quick)), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
