"""What an instance screens and what becomes of what is found: the `screen` part of models.yaml.

`off` does not look. `pass` looks only to judge the data class. `flag` lets it go on and names it in the exchange. `mask` puts a placeholder
in its place. `refuse` ends the call. An injection cannot be masked: it has no edges.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from seawall.model_proxy.call import DataClass

Action = Literal["off", "pass", "flag", "mask", "refuse"]
InjectionAction = Literal["off", "flag", "refuse"]
LongAction = Literal["", "flag", "refuse"]


class Injection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Text that tries to give the model other instructions."""

    rules: InjectionAction = "flag"
    """Of what users type, and of what is given for a model's earlier answers."""
    data: InjectionAction = "flag"
    """Of text that came from data; it is held to more rules."""
    classifier: InjectionAction = "off"
    """The trained classifier, about 11 ms a sentence, on users' text and data alike."""
    long: LongAction = ""
    """A call with more text than the classifier reads; "": as `classifier` says."""
    spotlight: bool = True
    """Put text that came from data between delimiters that it cannot guess."""


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What models write."""

    secrets: Action = "refuse"
    pii: Action = "pass"
    prompt: Action = "flag"
    """The system prompt, said again word for word: eight words of it in a row."""
    window: int = 256
    """Characters of a stream that are held back at most; 64 to 4,096."""

    def __post_init__(self) -> None:
        if not 64 <= self.window <= 4096:
            raise ValueError(f"window is 64 to 4096 characters, not {self.window}")


class Raises(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The least data class of a call in which something was found and went on unmasked."""

    pii: DataClass = "confidential"
    secrets: DataClass = "restricted"


class Screening(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"class_": "class"}):
    """All of it."""

    injection: Injection = Injection()
    pii: Action = "pass"
    secrets: Action = "refuse"
    output: Output = Output()
    class_: DataClass = "internal"
    """The least data class of any call."""
    raises: Raises = Raises()


OFF = Screening(
    injection=Injection(rules="off", data="off", classifier="off", spotlight=False),
    pii="off",
    secrets="off",
    output=Output(secrets="off", pii="off", prompt="off"),
)
"""Nothing is looked for; bare mode."""
