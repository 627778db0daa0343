"""The contract as a filter of the pipeline: lets out only what is known to be right, and tells what is left to say after a repair.

A streamed answer goes out as far as `Reader.released`; with an artifact check it is held until that has passed. What a fixer may mend is
read on, held, and mended at its end; anything else raises ContractBroken at once, so that no more tokens are paid for. `mend` then asks
again. Once something is out, only an answer that begins so can follow; else the stream is cut.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall.core.errors import SeawallError
from seawall.core.schemas.errors import Violation
from seawall.model_proxy.call import Call, Piece, Whole
from seawall.model_proxy.contract.bodies import around_text, billed, without_text
from seawall.model_proxy.contract.continuation import continued
from seawall.model_proxy.contract.contract import Again, Contract, broken, repair_messages, tiers_after, unanswerable
from seawall.model_proxy.contract.reader import TEXT_MAX, Reader
from seawall.model_proxy.contract.tools import StreamedTools
from seawall.model_proxy.contract.whole import TRUNCATED, Unsound, kept, wrong_in
from seawall.model_proxy.errors import ContractBroken
from seawall.model_proxy.forms import pieces_of

HELD_MAX = 256 << 10
"""Characters of a stream that are held back at most."""
HELD_PIECES_MAX = 4_096


class ContractFilter:
    """Holds one answer to its contract (`stages.Filter`)."""

    __slots__ = ("_call", "_held_pieces", "_like", "_loose", "_out", "_over", "_reader", "_splice", "_tools", "contract", "text")

    def __init__(self, contract: Contract, call: Call) -> None:
        self.contract, self._call = contract, call
        self._reader = Reader(contract.schema.plan) if contract.schema is not None else None
        self._tools = StreamedTools(contract.tools) if contract.tools else None
        self._held_pieces: list[Piece] = []
        self._like: Piece | None = None
        self._splice: tuple[bytes, bytes] | None = None
        self._out = 0
        """Characters that went out."""
        self._over = False
        self._loose: Violation | None = None
        """The answer is not right as it is, but may be mended at its end."""
        self.text = ""
        """The answer that broke the contract, for those who mend it."""
        call.contract_rounds = 1

    # ── a stream ──

    def piece(self, piece: Piece) -> Sequence[Piece]:
        """What may be released now. ContractBroken."""
        if piece.bare and self._reader is not None and not self._held_pieces:
            return self._text(piece, self._reader)
        return self._mixed(piece)

    def end(self) -> Sequence[Piece]:
        """Nothing is held back beyond the piece that tells the reason of the end. ContractBroken when that never came."""
        return () if self._over else self._ended("")

    def _text(self, piece: Piece, reader: Reader) -> Sequence[Piece]:
        self._like = self._like or piece
        if self._loose is not None or self.contract.artifact is not None:
            self._hold(reader, piece.text)
            return ()
        before = reader.length
        try:
            reader.feed(piece.text)
        except Violation as wrong:
            self._broke(reader, wrong)
            return ()
        released = reader.released()
        if released == reader.length and self._out == before and not reader.complete:
            self._out = released
            return (piece,)
        return self._release(reader, min(released, reader.ended_at - 1) if reader.complete else released)

    def _release(self, reader: Reader, until: int) -> Sequence[Piece]:
        """The text up to a position, as one piece. An answer's last bracket waits for the last check."""
        if until <= self._out:
            if reader.length - self._out > HELD_MAX:
                raise broken(Violation("", "too much of the answer would have to be held back"))
            return ()
        text = reader.slice(self._out, until)
        self._out = until
        return (self._made(text),)

    def _hold(self, reader: Reader, text: str) -> None:
        reader.keep(text)
        if reader.length - self._out > min(HELD_MAX, TEXT_MAX):
            raise self._error(reader, self._loose or Violation("", "the answer is too long"))

    def _broke(self, reader: Reader, wrong: Violation) -> None:
        """Read on where a fixer may help; else cut now."""
        if not wrong.fixable:
            raise self._error(reader, wrong)
        self._loose = wrong

    def _mixed(self, piece: Piece) -> Sequence[Piece]:
        """A piece with more than text: roles, tool calls, the end."""
        self._like = self._like or piece
        reader = self._reader
        out: list[Piece] = []
        if piece.text and reader is not None:
            passed = self._text(Piece(piece.data, piece.text), reader)
            if not (len(passed) == 1 and passed[0].data is piece.data):
                piece = without_text(piece)
                out += passed
        if piece.arguments and self._tools is not None:
            out += self._called(piece, self._tools)
        elif piece.finish:
            out += self._ended(piece.finish)
            out.append(piece)
        else:
            out.insert(0, piece)
        return out

    def _called(self, piece: Piece, tools: StreamedTools) -> Sequence[Piece]:
        """Pieces of tool calls wait, whole, until all arguments so far are known to be right."""
        try:
            known = tools.feed(piece)
        except Violation as wrong:
            raise broken(wrong) from None
        self._held_pieces.append(piece)
        if not known and len(self._held_pieces) > HELD_PIECES_MAX:
            raise broken(Violation("", "too much of a tool call would have to be held back"))
        if not known:
            return ()
        out, self._held_pieces = self._held_pieces, []
        return out

    def _ended(self, finish: str) -> Sequence[Piece]:
        """What is left when the answer is whole. ContractBroken."""
        self._over = True
        reader = self._reader
        held, self._held_pieces = self._held_pieces, []
        if self._tools is not None and finish != TRUNCATED:
            self._tools_ended(self._tools)
        if reader is None or self._excused(reader, finish):
            return held
        wrong = self._loose or self._unfinished(reader) or self.contract.fault(reader.text)
        if wrong is None:
            return [*held, *self._release(reader, reader.length)]
        mended = self.contract.mended(reader.text, closers=finish != TRUNCATED)
        rest = self._rest(mended)
        if rest is None:
            raise self._error(reader, wrong)
        return [*held, *rest]

    def _tools_ended(self, tools: StreamedTools) -> None:
        try:
            tools.finish()
        except Violation as wrong:
            raise broken(wrong) from None

    def _unfinished(self, reader: Reader) -> Violation | None:
        if self.contract.artifact is not None:
            return wrong_in(reader.text, self.contract)  # it was held, not read
        try:
            reader.finish()
        except Violation as wrong:
            return wrong
        return None

    def _excused(self, reader: Reader, finish: str) -> bool:
        """No text (a refusal, tool calls), or a client that is told its answer was cut at `max_tokens`."""
        if self.contract.required:
            return False
        return not reader.length or finish in (TRUNCATED, "content_filter")

    def _rest(self, text: str | None) -> Sequence[Piece] | None:
        """What is left to say of an answer that is right; None when something else is out already."""
        released = self._reader.slice(0, self._out) if self._reader is not None else ""
        rest = continued(released, msgspec.json.decode(text)) if text is not None and self._out else text
        return None if rest is None else (self._made(rest),) if rest else ()

    def _error(self, reader: Reader, wrong: Violation) -> ContractBroken:
        self.text = reader.text
        return broken(wrong)

    def _made(self, text: str) -> Piece:
        """A bare piece like those of the stream."""
        if self._splice is None:
            self._splice = around_text(self._like)
        return Piece(self._splice[0] + msgspec.json.encode(text) + self._splice[1], text)

    # ── a whole answer ──

    def whole(self, answer: Whole) -> Whole:
        """The answer, mended where that is plain. ContractBroken."""
        try:
            return kept(self.contract, answer)
        except Unsound as error:
            self.text = error.text
            raise broken(error.wrong) from None

    # ── again ──

    async def mend(self, error: ContractBroken, again: Again) -> Whole | Sequence[Piece]:
        """Ask again until an answer keeps the contract: a whole one, or what is left of a stream. ContractBroken after the last round."""
        call = self._call
        messages = call.body.get("messages") or []
        released = self._reader.slice(0, self._out) if self._reader is not None else ""
        for tier in tiers_after(call):
            asked = repair_messages(messages, self.text, error.sentence(), released) if tier == "small" or released else list(messages)
            try:
                whole = self.whole(await again(tier, asked))
            except ContractBroken as worse:
                call.contract_rounds += 1
                error = worse
                continue
            except SeawallError as refused:
                if unanswerable(refused):
                    continue
                raise
            call.contract_rounds += 1
            whole = msgspec.structs.replace(whole, body=billed(whole.body, call.usage), usage=call.usage)
            if not call.stream:
                return whole
            pieces = self._pieces(whole)
            if pieces is not None:
                return pieces
        raise error

    def _pieces(self, whole: Whole) -> Sequence[Piece] | None:
        """What is left of a stream once a whole answer came; None when what is out cannot become it."""
        choices = whole.body.get("choices") or [{}]
        message = choices[0].get("message") or {}
        if self._like is None or message.get("tool_calls"):
            return pieces_of(whole.body) if not self._out else None
        rest = self._rest(message.get("content") or "")
        if rest is None:
            return None
        ends = pieces_of({**whole.body, "choices": [{**choices[0], "message": {}}]})
        return [*rest, *(piece for piece in ends if piece.finish or piece.usage is not None)]
