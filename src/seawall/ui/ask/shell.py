"""The document around what is not a page of the app: the same banner, style sheet and script."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from starlette.requests import Request

from seawall.app.model import Page
from seawall.ui.assets import STYLE_SHEET
from seawall.ui.banner import kept_cookie, nav_of
from seawall.ui.frames import frame
from seawall.ui.render.context import RenderContext
from seawall.ui.render.page import STYLE_MARK, Assets, Shell, shell_close, shell_open
from seawall.ui.rights import Rights
from seawall.ui.wiring import Site, UiServices, watermark_of


class Shells:
    """Draws the beginning and the end."""

    def __init__(self, services: UiServices) -> None:
        self._services = services
        self._style = frame(f"<style>{services.assets.inline(STYLE_SHEET).text}</style>")
        self.close = frame(str(shell_close()))

    def has_kept(self, request: Request) -> bool:
        """Whether the asker has a page of their own, as their browser remembers."""
        return kept_cookie(request.path_params["app"]) in request.cookies

    def head(
        self,
        site: Site,
        rights: Rights,
        page: Page,
        ctx: RenderContext,
        *,
        lang: str,
        asked: str = "",
        mine: bool = False,
        in_order_url: str = "",
        fills: bool = True,
        bare: bool = True,
    ) -> Sequence[bytes]:
        """From the doctype into `<main>`. `fills`: the browser puts late panels in place itself, or there are none."""
        assets = self._services.assets
        files = Assets(
            css="", icon=assets.url("icon.svg"), deferred=(assets.url("seawall.js"),), scripts=() if fills else (assets.url("stream.js"),)
        )
        shell = Shell(
            watermark=watermark_of(site)[0],
            release=site.bundle.digest[:12],
            in_order_url=in_order_url,
            asks=site.ask is not None,
            asked=asked,
            bare=bare,
        )
        nav = nav_of(rights, ctx, page.name, lang, mine=mine)
        before, _, after = str(shell_open(site.app, page, ctx, Markup(), nav, files, shell)).partition(STYLE_MARK)
        return frame(before), self._style, frame(after)
