"""State notes, which tell how old an answer is, as frames: few distinct ones, shown often."""

from __future__ import annotations

import msgspec

from seawall.query.ladder import Served
from seawall.ui.frames import frame
from seawall.ui.recent import Recent
from seawall.ui.render.context import RenderContext
from seawall.ui.wiring import UiServices

NOTES_MAX = 4_096
SECONDS = 60
"""State notes tell age in minutes, so a page is the same within one."""


class Notes:
    """State notes as frames: few distinct ones, shown often."""

    def __init__(self, services: UiServices) -> None:
        self._draw = services.drawing.state_note
        self._clock = services.clock
        self._frames: Recent[tuple[str, int, int, str], bytes] = Recent(NOTES_MAX)

    def minute(self) -> int:
        """The minute at which notes drawn now tell the age."""
        return int(self._clock.time() // SECONDS)

    def frame(self, served: Served, ctx: RenderContext) -> bytes:
        """The note that tells how old `served` is."""
        minute = self.minute()
        key = (served.rung, int(served.made_at), minute, ctx.locale)
        now = max(served.made_at, float(minute * SECONDS))
        return self._frames.get(key) or self._frames.put(
            key, frame(str(self._draw(served.rung, served.made_at, msgspec.structs.replace(ctx, now=now))))
        )
