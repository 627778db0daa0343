"""One model call from request to record. The order of the stages is `_steps`, in one place.

A step does its work at once and gives None, gives what has to be waited for, or says that the call is under way and will be heard of; only
for what is waited for is a task made. So a refusal or an answer from the cache costs no task, nor does a call to a provider that has a
connection free: its request leaves in the turn of the event loop that brought the client's. Whatever happens (an error, a client that
vanishes, a cut stream) the call is settled and recorded, once, at its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial

from seawall.core.deadline import HEADER, MODEL_TIMEOUT_MS_MAX, Deadline
from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.model_proxy.answer import Source
from seawall.model_proxy.bringing import Bringing
from seawall.model_proxy.cache.answers import Answer
from seawall.model_proxy.cache.flights import Flight
from seawall.model_proxy.cache.seats import Seat
from seawall.model_proxy.call import Call, Surface
from seawall.model_proxy.contract.contract import prepare as prepare_contract
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.errors import ContractBroken
from seawall.model_proxy.genai_spans import annotate
from seawall.model_proxy.http import Request
from seawall.model_proxy.journey import CANCELLED, UNDER_WAY, Journey, Step, UnderWay
from seawall.model_proxy.leading import Leading
from seawall.model_proxy.reading import reading
from seawall.model_proxy.settle import settle
from seawall.model_proxy.stages import Cache, Stages
from seawall.model_proxy.wire import SURFACES
from seawall.telemetry import spans
from seawall.telemetry.events import event

__all__ = ["Pipeline", "Stages"]


class Pipeline:
    """Answers `POST /v1/chat/completions` and `/v1/embeddings`, and prompts."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages
        self._ways = Bringing(stages)
        order: tuple[tuple[object, Step], ...] = (
            (stages.identify, self._identify),
            (True, reading(stages.evaluation)),
            (stages.admit, self._admit),
            (stages.screen, self._screen),
            (True, self._prepare),
            (stages.evaluation, self._replay),
            (stages.cache, self._look),
            (stages.caller, self._bring),
        )
        self._steps = tuple(step for stage, step in order if stage is not None)
        self._tasks: set[asyncio.Task[None]] = set()

    def takes(self, request: Request) -> bool:
        """Whether a path is that of a surface."""
        return request.path in SURFACES

    def handle(self, request: Request, out: Out, prepare: Callable[[Call], None] | None = None) -> None:
        """Answer a request, now or later; `prepare` makes the call of a prompt once it is known who asks. Never raises."""
        headers = request.headers
        span = spans.begin("model.call", "model", traceparent=headers.get("traceparent"), kind="server")
        deadline = Deadline.from_header(headers.get(HEADER), default_ms=MODEL_TIMEOUT_MS_MAX, most_ms=MODEL_TIMEOUT_MS_MAX)
        surface: Surface = SURFACES[request.path] if prepare is None else "prompt"
        self.start(Journey(Call(request, surface, deadline, span), out, prepare))

    def start(self, journey: Journey, at: int = 0) -> None:
        """Take the steps from number `at` on: those that need no waiting now, the rest in a task."""
        try:
            for number in range(at, len(self._steps)):
                waiting = self._steps[number](journey)
                if waiting is not None:
                    if not isinstance(waiting, UnderWay):
                        self._wait(journey, waiting, number + 1)
                    return
                if journey.out.ended:
                    break
        except SeawallError as error:
            self._failed(journey, error)
        except Exception as error:  # noqa: BLE001 -- the edge of the process: one call fails, not the service
            self._broke(journey, error)
        self._close(journey)

    def _wait(self, journey: Journey, waiting: Awaitable[None], at: int) -> None:
        task = asyncio.get_running_loop().create_task(self._go_on(journey, waiting, at))
        self._tasks.add(task)
        task.add_done_callback(partial(self._waited, journey, waiting))
        journey.out.on_gone = task.cancel  # type: ignore[assignment]  # whether it was cancelled is nothing to the edge

    def _waited(self, journey: Journey, waiting: Awaitable[None], task: asyncio.Task[None]) -> None:
        """A task is over. One that was cancelled before its first step has done nothing, not even closed the journey."""
        self._tasks.discard(task)
        if task.cancelled() and not journey.closed:
            if isinstance(waiting, Coroutine):
                waiting.close()
            journey.call.error = CANCELLED
            self._close(journey)

    async def _go_on(self, journey: Journey, waiting: Awaitable[None], at: int) -> None:
        spans.enter(journey.call.span)
        under_way = False
        try:
            await waiting
            for step in self._steps[at:]:
                if journey.out.ended:
                    break
                if (more := step(journey)) is not None:
                    if isinstance(more, UnderWay):
                        under_way = True
                        return
                    await more
        except asyncio.CancelledError:
            journey.call.error = CANCELLED
            if not journey.out.gone:
                self._failed(journey, DeadlineExceeded("The service is stopping"))
            raise
        except SeawallError as error:
            self._failed(journey, error)
        except Exception as error:  # noqa: BLE001 -- the edge of the process: one call fails, not the service
            self._broke(journey, error)
        finally:
            if not under_way:
                self._close(journey)

    # ── the steps, in their order ──

    def _identify(self, journey: Journey) -> Awaitable[None] | None:
        """Who asks."""
        call = journey.call
        call.caller = self._stages.identify.known(call.request)
        return None if call.caller is not None else self._find(call)

    async def _find(self, call: Call) -> None:
        call.caller = await self._stages.identify.find(call.request)

    def _admit(self, journey: Journey) -> Awaitable[None] | None:
        """Limits and money."""
        admit = self._stages.admit
        if admit is None or admit.try_admit(journey.call):
            return None
        return admit.admit(journey.call)

    def _screen(self, journey: Journey) -> Awaitable[None] | None:
        """Injection, personal data, secrets, the data's class."""
        screen = self._stages.screen
        if screen is None or screen.request(journey.call):
            return None
        return screen.deep(journey.call)

    def _prepare(self, journey: Journey) -> Awaitable[None] | None:
        """The schemas that the answer is to keep, made ready."""
        return prepare_contract(journey.call)

    def _replay(self, journey: Journey) -> Awaitable[None] | None:
        """A recorded answer, for evaluations that ask for one."""
        evaluation = self._stages.evaluation
        return evaluation.answer(journey.call, journey.delivery) if evaluation is not None and journey.call.lane else None

    def _look(self, journey: Journey) -> Awaitable[None] | UnderWay | None:
        """An answer there is already, or one that is being made."""
        cache = self._stages.cache
        seat = self._found(journey, cache) if cache is not None else None
        if cache is None or seat is None:
            return None
        if journey.work is None:
            return self._share(journey, cache, seat)
        journey.out.on_gone = lambda: self._gone(journey, seat.leave)
        seat.tell(lambda outcome: self._landed(journey, outcome))
        return UNDER_WAY

    def _landed(self, journey: Journey, outcome: bool | Exception) -> None:
        """The flight that this call leads is over: its seat has everything, or there is nothing more to come."""
        if outcome is True:
            journey.delivery.finish()
        elif isinstance(outcome, SeawallError):
            self._failed(journey, outcome)
        elif isinstance(outcome, Exception):
            self._broke(journey, outcome)
        else:
            self._failed(journey, DeadlineExceeded())
        self._close(journey)

    def _bring(self, journey: Journey) -> Awaitable[None] | UnderWay:
        """The answer itself: route, call, filters, out."""
        call, out = journey.call, journey.out
        source = Source(call, self._ways.filters(call), journey.delivery)
        out.on_pause, out.on_resume = source.pause, source.resume
        cancel = self._ways.begin(call, source, lambda error: self._back(journey, source, error))
        if cancel is None:
            return self._ways.bring(call, source)
        out.on_gone = lambda: self._gone(journey, cancel)
        return UNDER_WAY

    def _gone(self, journey: Journey, cancel: Callable[[], object]) -> None:
        """The client vanished while its answer was under way."""
        journey.call.error = CANCELLED
        if not cancel():
            self._close(journey)

    def _back(self, journey: Journey, source: Source, error: Exception | None) -> None:
        """The answer that was under way is there, or there is none."""
        try:
            if error is not None:
                raise error
            if source.late is not None:
                self._wait(journey, self._ways.look(journey.call, source), len(self._steps))
                return
            source.finish()
        except ContractBroken as broken:
            if source.contract is not None:
                self._wait(journey, self._ways.mend(journey.call, source, broken), len(self._steps))
                return
            self._failed(journey, broken)
        except SeawallError as failed:
            self._failed(journey, failed)
        except Exception as other:  # noqa: BLE001 -- the edge of the process: one call fails, not the service
            self._broke(journey, other)
        self._close(journey)

    # ── parts of steps ──

    def _found(self, journey: Journey, cache: Cache) -> Seat | None:
        """A seat on a flight, which is begun where there is none. None: answered from the cache, or not to be cached."""
        call, delivery, out = journey.call, journey.delivery, journey.out
        found = cache.look(call)
        if isinstance(found, Answer):
            if call.stream:
                delivery.ready_stream(found.stream(usage=call.usage_asked))
            else:
                delivery.ready(found.whole())
            return None
        if found is None:
            if call.cache_key is None:
                return None
            found = cache.begin(call)
            self._lead(journey, cache, found)
        elif found.call is not call:
            call.leader = found.call
        seat = found.join(delivery, streamed=call.stream, usage_told=call.usage_asked)
        out.on_pause, out.on_resume = seat.pause, seat.resume
        if out.paused:  # what was there already was more than it takes
            seat.pause()
        return seat

    def _lead(self, journey: Journey, cache: Cache, flight: Flight) -> None:
        """Bring the answer for everybody on a flight."""
        call = journey.call
        call.served = "model"
        journey.work = Leading(call, flight, Source(call, self._ways.filters(call), flight), self._ways, cache)

    async def _share(self, journey: Journey, cache: Cache, seat: Seat | None) -> None:
        """Wait with those who ask the same; look again where the first of them gave up."""
        while seat is not None:
            try:
                async with asyncio.timeout(journey.call.deadline.remaining()):
                    arrived = await seat.done()
            except TimeoutError:
                raise DeadlineExceeded from None
            if arrived:
                journey.delivery.finish()
                return
            seat = self._found(journey, cache)

    # ── the end ──

    def _failed(self, journey: Journey, error: SeawallError) -> None:
        journey.call.error = journey.call.error or error.slug
        journey.delivery.fail(error)

    def _broke(self, journey: Journey, error: Exception) -> None:
        entered = spans.enter(journey.call.span)
        event("model.failed", error=type(error).__name__)
        spans.leave(entered)
        self._failed(journey, SeawallError("Something went wrong on our side"))

    def _close(self, journey: Journey) -> None:
        """Settle and record; what is brought for others too at its end, though its first asker is gone. Neither waits nor raises."""
        if journey.closed:
            return
        if journey.work is not None and not journey.work.done:
            journey.work.on_done = lambda: self._close(journey)
            return
        journey.closed = True
        call, stages = journey.call, self._stages
        delivery = journey.delivery
        text, pieces = (delivery.text, delivery.pieces) if call.stream else ("", ())
        settle(call, delivery.answer, text, stages.admit)
        annotate(call, stages.semconv)
        if stages.record is not None:
            stages.record.record(call, delivery.answer, text, pieces)
        if stages.evaluation is not None and call.snapshot:
            stages.evaluation.record(call, delivery.answer, text, pieces)
        if call.error:
            call.span.error = call.error
        spans.finish(call.span)
