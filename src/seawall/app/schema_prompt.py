"""The JSON Schema of prompts/NAME.yaml: what `seawall check` holds a prompt to, and what editors complete from."""

from __future__ import annotations

from seawall.app import names
from seawall.app.schema_parts import Schema, choice, list_of, map_of, named, ref, requiring, text, text_schema, whole

SCHEMA_ID = "https://seawall.dev/schemas/prompt.schema.json"
_TRUTH = {"type": "boolean"}


def prompt_schema() -> Schema:
    """The schema, as JSON Schema 2020-12."""
    template = "A template: words, and `{{a.b}}` where a value of the input goes."
    messages = list_of("Messages, in order, before the examples' last.", ref("message"), at_least=1, at_most=20)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Seawall prompt",
        **requiring(
            "input output",
            map_of(
                "A typed function that a model computes.",
                name=text("Its name in URLs. Default, and the only one allowed: that of the file.", pattern=names.APP, code="bad_name"),
                title=ref("text", "Its name for people. Default: made from the name."),
                description=ref("text", "What it does."),
                input={"type": "object", "description": "JSON Schema of what it takes, an object."},
                output={"type": "object", "description": "JSON Schema of what it answers."},
                system=text(template + " Sent first, as the system's message."),
                user=text(template + " Sent last, as the user's message."),
                messages={**messages, "description": "Messages in order, in place of `system` and `user`."},
                examples=list_of("Calls with the answers they should have; the model sees them.", ref("example"), at_most=20),
                variants=named("Ways to ask, chosen by weight; a user stays with one.", ref("variant"), at_most=10, pattern=names.APP),
                tier=choice("Which models it needs. Default: `small`.", ("small", "large")),
                temperature={"type": "number", "description": "Default: 0.", "minimum": 0, "maximum": 2},
                max_tokens=whole("Tokens an answer may have. Default: 512.", 1, 32_768),
                batch={**_TRUTH, "description": "Ask calls that come within milliseconds as one. Default: false."},
                cache={**_TRUTH, "description": "Keep answers of temperature 0, and give them to whoever asks the same. Default: true."},
                check=text("An artifact check, by its registered name.", pattern=names.APP, code="bad_name"),
                roles=list_of("Who may call it. Default: every role.", text("A role."), at_least=1, at_most=100),
                **{"class": choice("How sensitive its input is at least.", ("public", "internal", "confidential", "restricted"))},
            ),
        ),
        "$defs": {
            "text": text_schema(),
            "message": requiring(
                "role content", map_of("A message.", role=choice("Who says it.", ("system", "user", "assistant")), content=text(template))
            ),
            "example": requiring(
                "input output",
                map_of(
                    "A call and its answer.",
                    input={"description": "Keeps the input's schema."},
                    output={"description": "Keeps the output's schema."},
                ),
            ),
            "variant": map_of(
                "A way to ask; what it leaves out is as the prompt has it.",
                weight=whole("Its share. Default: 100.", 0, 10_000),
                system=text(template),
                user=text(template),
                model=text("A model or route of models.yaml in place of the tier."),
                temperature={"type": "number", "description": "In place of the prompt's.", "minimum": 0, "maximum": 2},
                max_tokens=whole("In place of the prompt's.", 1, 32_768),
            ),
        },
    }
