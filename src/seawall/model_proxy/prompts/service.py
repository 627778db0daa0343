"""`POST /v1/prompts/{app}/{prompt}` and `GET /v1/prompts`, over the pipeline that every model call passes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seawall.core.principal import Principal
from seawall.model_proxy.call import Call
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.http import Request
from seawall.model_proxy.prompts.asked import PREFIX, Prepare, enter, find, permitted, read
from seawall.model_proxy.prompts.library import Library
from seawall.model_proxy.prompts.outs import PromptOut

Run = Callable[[Request, Out, Prepare], None]


class Prompts:
    """Answers calls of prompts. `run` takes a call through the pipeline: identified, prepared by us, admitted, screened, brought."""

    def __init__(self, library: Library, run: Run) -> None:
        self._library, self._run = library, run

    def takes(self, request: Request) -> bool:
        """Whether the path is a prompt's."""
        return request.path.startswith(PREFIX)

    def handle(self, request: Request, out: Out) -> None:
        """Answer, now or later. Never raises. What is asked is read once it is known who asks: holding an input to its schema is work."""
        ready = find(self._library, request.path)
        held = PromptOut(out, ready) if ready is not None else None

        def prepare(call: Call) -> None:
            if ready is not None:
                permitted(call, ready)
            asked = read(self._library, request.path, request.body)
            if held is not None:
                held.call = call
            enter(self._library, call, asked)

        self._run(request, out if held is None else held, prepare)

    def listing(self, principal: Principal) -> bytes:
        """What somebody may call, as JSON."""
        data = [
            {
                "id": ready.path,
                "object": "prompt",
                "title": ready.prompt.title,
                "version": ready.prompt.version,
                "input": ready.prompt.input,
                "output": ready.prompt.output,
            }
            for ready in self._library.of(principal)
        ]
        return msgspec.json.encode({"object": "list", "data": data})
