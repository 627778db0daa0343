"""One request for the page that answers questions: whose it is, what its address asks, in which language."""

from __future__ import annotations

import msgspec
from starlette.requests import Request

from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.ui.ask.asked import Asked, asked_of
from seawall.ui.ask.offers import OfferedOf
from seawall.ui.ask.vocabulary import Offered
from seawall.ui.ask.worded import Odd, odd_of
from seawall.ui.auth import token_of
from seawall.ui.carriers import raw_headers
from seawall.ui.negotiate import locale_of
from seawall.ui.params import Values, to_query
from seawall.ui.reception import Reception
from seawall.ui.render.context import RenderContext
from seawall.ui.rights import Rights
from seawall.ui.wiring import Site, UiServices, watermark_of


class Visit(msgspec.Struct, frozen=True):
    """One request for the page."""

    site: Site
    rights: Rights
    asked: Asked
    ctx: RenderContext
    offered: Offered
    deadline: Deadline
    token: str
    query: str
    """The query string as it came, to come back to."""
    fault: SeawallError | None = None
    """Why the parameters say nothing."""
    odd: Odd | None = None
    """What a form sent as a period that is none."""


class Visits:
    """Reads requests."""

    def __init__(self, services: UiServices, reception: Reception) -> None:
        self._services = services
        self._reception = reception
        self._offered = OfferedOf()

    def of(self, request: Request, site: Site, rights: Rights, values: Values) -> Visit:
        """What a request asks; `fault` of it where its parameters say nothing."""
        fault: SeawallError | None = None
        try:
            asked = asked_of(site.app, rights.policy, values)
        except SeawallError as error:
            fault, asked = error, Asked(lang=(values.get("lang") or [""])[-1][:35], inorder="inorder" in values)
        locale = locale_of(asked.lang, request.headers.get("accept-language", ""), site.app.locales)
        sticky = {"lang": [asked.lang]} if asked.lang else {}
        kept = {name: given for name, given in values.items() if name not in ("lang", "inorder", "said")}
        _, as_of = watermark_of(site)
        ctx = RenderContext(site.app.name, "ask", locale, as_of, {**kept, **sticky}, self._services.clock.time())
        return Visit(
            site=site, rights=rights, asked=asked, ctx=ctx, offered=self._offered(site, rights),
            deadline=self._reception.deadline(raw_headers(request.scope)),
            token=token_of(request, secure=self._services.secure), query=to_query({**kept, **sticky}).removeprefix("?"), fault=fault,
            odd=odd_of(values),
        )  # fmt: skip
