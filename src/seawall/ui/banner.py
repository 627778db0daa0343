"""What the banner of every page offers: the app's pages, and the asker's own."""

from __future__ import annotations

from seawall.ui.params import to_query
from seawall.ui.render.context import RenderContext
from seawall.ui.render.page import NavLink
from seawall.ui.rights import Rights


def nav_of(rights: Rights, ctx: RenderContext, current: str, lang: str, *, mine: bool) -> list[NavLink]:
    """The pages in the banner; `mine`: the asker's own among them."""
    links = to_query({"lang": [lang]} if lang else {})
    nav = [NavLink(f"/{ctx.app}/{name}{links}", page.title.in_locale(ctx.locale), name == current) for name, page in rights.pages.items()]
    return [*nav, NavLink(f"/{ctx.app}/mine{links}", ctx.messages["mine"], current == "mine")] if mine else nav


def kept_cookie(app: str) -> str:
    """The cookie of those who have a page of their own. It changes what the banner offers, never what may be seen."""
    return f"seawall_mine_{app}"
