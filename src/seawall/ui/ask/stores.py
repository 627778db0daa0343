"""What people thought of answers, and the answers they keep: over named queries, bounded, nothing of who asked beside a verdict.

A question or comment is kept without the personal data and secrets that are found in it. Postgres away: Unavailable, which the page tells.
"""

from __future__ import annotations

import msgspec

from seawall.core.principal import Principal
from seawall.model_proxy.screen.look import look
from seawall.model_proxy.screen.masks import replaced
from seawall.store.database import Queries

CANDIDATES_MAX = 20_000
"""Of one app, that wait to be looked at; further verdicts are thanked for and dropped."""
KEPT_MAX = 24
TEXT_MAX = 500
TITLE_MAX = 120


class Verdict(msgspec.Struct, frozen=True):
    """What somebody thought of an answer or a refusal."""

    app: str
    bundle: str
    question: str
    locale: str
    before: str
    """The question it refined, as parameters."""
    understood: str
    refusal: str
    tier: str
    verdict: str
    comment: str


class Kept(msgspec.Struct, frozen=True):
    """An answer on somebody's page."""

    id: int
    title: str
    params: str


class Verdicts:
    """Golden candidates."""

    def __init__(self, database: Queries) -> None:
        self._database = database

    async def record(self, verdict: Verdict) -> None:
        """Keep one. Unavailable when Postgres is away."""
        fields = msgspec.structs.asdict(verdict)
        fields["question"], fields["comment"] = redacted(verdict.question), redacted(verdict.comment)
        await self._database.execute("record_verdict", **fields, count_max=CANDIDATES_MAX)


class KeptAnswers:
    """Pages of people's own. Every method raises Unavailable when Postgres is away."""

    def __init__(self, database: Queries) -> None:
        self._database = database

    async def of(self, app: str, who: Principal) -> tuple[Kept, ...]:
        """Somebody's page, in its order."""
        rows = await self._database.fetch_all("kept_answers", **_owner(app, who))
        return tuple(msgspec.convert(row, Kept) for row in rows)

    async def keep(self, app: str, who: Principal, title: str, params: str) -> bool:
        """Put an answer at the end; False when the page is full."""
        return await self._database.fetch_one("keep_answer", **_owner(app, who), title=title, params=params, count_max=KEPT_MAX) is not None

    async def rename(self, app: str, who: Principal, id: int, title: str) -> None:
        """Give an answer another title."""
        await self._database.execute("rename_kept_answer", **_owner(app, who), id=id, title=title)

    async def move(self, app: str, who: Principal, id: int, *, up: bool) -> None:
        """Let an answer change places with its neighbour."""
        await self._database.execute("move_kept_answer", **_owner(app, who), id=id, up=up)

    async def drop(self, app: str, who: Principal, id: int) -> None:
        """Take an answer off."""
        await self._database.execute("drop_kept_answer", **_owner(app, who), id=id)


def redacted(text: str) -> str:
    """The text with personal data and secrets replaced by what they are: `[email]`."""
    found = look(text, pii_wanted=True, secrets_wanted=True)
    return replaced(text, [(one.start, one.end, f"[{one.id.rpartition('.')[2]}]") for one in found])


def _owner(app: str, who: Principal) -> dict[str, str]:
    return {"app": app, "tenant": who.tenant, "owner": who.user}
