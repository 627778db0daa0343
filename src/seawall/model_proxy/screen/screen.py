"""The stage that screens: what is found in a request, what becomes of it, and the filter for its answer.

`request` is synchronous and cheap; `deep` asks the classifier where the policy wants that. Nothing found is ever written to an event, a
span or an error: they name the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from seawall.core.errors import ConfigurationError
from seawall.model_proxy.call import Call
from seawall.model_proxy.errors import Screened
from seawall.model_proxy.screen.aside import aside
from seawall.model_proxy.screen.beside import beside
from seawall.model_proxy.screen.classes import declared, higher
from seawall.model_proxy.screen.finds import Found
from seawall.model_proxy.screen.look import is_quiet, look
from seawall.model_proxy.screen.masks import Masks
from seawall.model_proxy.screen.output import OutputFilter
from seawall.model_proxy.screen.rules import SENTENCES, UNREAD, injections
from seawall.model_proxy.screen.settings import Action, Screening
from seawall.model_proxy.screen.spotlight import spotlit
from seawall.model_proxy.screen.texts import Place, descriptions, places
from seawall.telemetry.events import event

CLASSIFIED = "injection.classified"
FINDINGS_MAX = 32
AT_ONCE_BYTES_MAX = 128 << 10
"""A longer request is looked at in a thread: text that is made to take long takes 0.7 s a megabyte."""
DESCRIPTION_MAX = 32 << 10
"""Characters of a tool's description that are read; of a longer one it is said that there is more."""
CLEAN_MAX = 1024
CLEAN_CHARACTERS_MAX = 16_384
"""Texts of apps, of at most so many characters, in which nothing was found and which are not looked at again."""


@lru_cache(maxsize=2048)
def _in_description(text: str) -> tuple[str, ...]:
    """Tools are described the same way in every call."""
    return (*injections(text[:DESCRIPTION_MAX], data=False), *((UNREAD,) if len(text) > DESCRIPTION_MAX else ()))


class Classifier(Protocol):
    """Judges texts that may give a model orders."""

    def unread(self, texts: Sequence[str]) -> bool:
        """Whether there is more than it reads."""

    async def injected(self, texts: Sequence[str]) -> bool:
        """Whether one of them does."""


class RequestScreen:
    """`stages.Screen` by a policy. `key`: for placeholders and delimiters, secret, of this process or shared by replicas."""

    def __init__(self, settings: Screening, key: bytes, classifier: Classifier | None = None) -> None:
        if settings.injection.classifier != "off" and classifier is None:
            raise ConfigurationError(
                "The policy wants the classifier of injections, and there is none", fix="Set injection.classifier to off"
            )
        self._settings = settings
        self._key = key
        self._classifier = classifier if settings.injection.classifier != "off" else None
        injection = settings.injection
        self._injection = {"user": injection.rules, "data": injection.data, "system": "off", "model": injection.rules}
        output = settings.output
        self._answers = any(action not in ("off", "pass") for action in (output.secrets, output.pii, output.prompt))
        """Whether something is looked for in answers."""
        self._clean: set[str] = set()
        """Texts of apps in which nothing was found, the last of some `CLEAN_MAX`."""

    def request(self, call: Call) -> bool:
        """Look at every text by the rules. Screened; BadCall for a data class there is not. False: `deep` is to be asked."""
        return len(call.request.body) <= AT_ONCE_BYTES_MAX and self._looked(call)

    def _looked(self, call: Call) -> bool:
        """Whether that is all: the classifier is not wanted."""
        settings = self._settings
        said = declared(call.request.headers, settings.class_)
        call.data_class = higher(call.data_class, said) if call.surface == "prompt" else said
        found = places(call.body)
        call.texts = tuple([place.text for place in found])
        chat = call.surface != "embeddings"
        if chat:
            for place in found:
                source = place.source
                if self._injection[source] != "off" and (rules := injections(place.text, data=source == "data")):
                    for rule in rules:
                        self._act(call, self._injection[source], rule, SENTENCES[rule])
            if ("tools" in call.body or "functions" in call.body) and self._injection["user"] != "off":
                self._described(call)
        if settings.pii != "off" or settings.secrets != "off":
            more = beside(call.body)
            self._personal(call, [*found, *more] if more else found)
        if chat and settings.injection.spotlight:
            for place in found:
                if place.source == "data":
                    place.holder[place.key] = spotlit(place.holder[place.key], self._key)
        if self._classifier is None or not chat:
            return True
        call.untrusted = tuple(place.text for source in (("user", "data"), ("model",)) for place in found if place.source in source)
        return not call.untrusted

    async def deep(self, call: Call) -> None:
        """Look at a long request in a thread; ask the classifier about what people and documents wrote. Screened, BadCall, OverLimit."""
        if len(call.request.body) > AT_ONCE_BYTES_MAX:
            await aside(lambda: self._looked(call))
        if self._classifier is None or not call.untrusted:
            return
        injection = self._settings.injection
        if self._classifier.unread(call.untrusted):
            self._act(call, injection.long or injection.classifier, UNREAD, SENTENCES[UNREAD])
        if await self._classifier.injected(call.untrusted):
            self._act(call, self._settings.injection.classifier, CLASSIFIED, "what the classifier takes for an injected instruction")

    def output(self, call: Call) -> OutputFilter | None:
        """What screens the answer and puts masked values back; None: nothing to do."""
        if call.surface == "embeddings" or not (self._answers or call.masks):
            return None
        return OutputFilter(call, self._settings.output)

    # ── injections ──

    def _described(self, call: Call) -> None:
        """What the app says of its tools is its own, so it is flagged at most: it may have come from a server of tools."""
        for text in descriptions(call.body):
            for rule in _in_description(text):
                self._act(call, "flag", rule, SENTENCES[rule])

    def _act(self, call: Call, action: str, rule: str, sentence: str) -> None:
        if rule not in call.findings and len(call.findings) < FINDINGS_MAX:
            call.findings = (*call.findings, rule)
        if action == "refuse":
            event("call.screened", rule=rule)
            raise Screened(
                f"The rule {rule} refuses this call: it holds {sentence}", fix="Say it in other words, or ask for the policy to be changed"
            )

    # ── personal data and secrets ──

    def _personal(self, call: Call, found: Sequence[Place]) -> None:
        settings = self._settings
        masks: Masks | None = None
        pii_wanted, secrets_wanted = settings.pii != "off", settings.secrets != "off"
        clean = pii_wanted and secrets_wanted
        known = self._clean
        texts = [place.text for place in found if place.source != "system" or place.text not in known]
        if is_quiet(texts[0] if len(texts) == 1 else "\n".join(texts)):
            call.clean = clean
            return
        for place in found:
            text = place.text
            if place.source == "system" and text in known:
                continue
            finds = look(text, pii_wanted=pii_wanted, secrets_wanted=secrets_wanted)
            if not finds:
                if place.source == "system":
                    self._remember(text)
                continue
            clean = False
            masked = [one for one in finds if self._handled(call, one)]
            if masked:
                masks = masks or Masks(self._key)
                place.holder[place.key] = masks.mask(text, masked)
        if masks is not None:
            call.masks = masks.values
        call.clean = clean

    def _remember(self, text: str) -> None:
        """Apps say the same in call after call, of themselves and of their tools."""
        if len(text) <= CLEAN_CHARACTERS_MAX:
            if len(self._clean) >= CLEAN_MAX:
                self._clean.clear()
            self._clean.add(text)

    def _handled(self, call: Call, one: Found) -> bool:
        """Refuse, note, raise the class; whether to mask."""
        secret = one.id.startswith("secret.")
        action: Action = self._settings.secrets if secret else self._settings.pii
        if action == "mask":
            self._act(call, action, one.id, "")
            return True
        if action != "pass":
            self._act(call, action, one.id, "a secret" if secret else "personal data")
        call.data_class = higher(call.data_class, self._settings.raises.secrets if secret else self._settings.raises.pii)
        return False
