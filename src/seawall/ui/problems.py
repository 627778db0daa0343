"""Errors told twice in the same words: problem details for programs, a plain page for people. Neither is ever a 500 page.

What we did not foresee becomes a 503 with a trace id, and an event that names its type: the process goes on.
"""

from __future__ import annotations

import msgspec
from markupsafe import Markup

from seawall.core.errors import InvalidInput, SeawallError, Unavailable
from seawall.core.problem import MEDIA_TYPE, Problem, problem_of
from seawall.ui.messages import FALLBACK, locales, messages
from seawall.ui.negotiate import locale_of

HTML = "text/html; charset=utf-8"
_PAGE = Markup(
    '<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark"><title>{title}</title><link rel="stylesheet" href="{css}">'
    '<link rel="icon" href="{icon}" type="image/svg+xml"></head>'
    '<body><main id="main" class="problem"><h1>{title}</h1>{told}{detail}{fix}<p><a class="button" href="/">{home}</a></p>'
    "</main></body></html>"
)
_PARAGRAPH = Markup('<p lang="{}">{}</p>')


class Unforeseen(Unavailable):
    """Something went wrong on our side. It has been recorded; trying again may help."""

    slug = "unforeseen"


class TooLarge(SeawallError):
    """The request is larger than this route takes."""

    slug = "too-large"
    status = 413
    title = "Too large"


class NotAcceptable(SeawallError):
    """None of the formats offered here is accepted."""

    slug = "not-acceptable"
    status = 406
    title = "Not acceptable"


class MethodNotAllowed(SeawallError):
    """This address does not take that method."""

    slug = "method-not-allowed"
    status = 405
    title = "Method not allowed"


def as_json(error: SeawallError, instance: str) -> tuple[int, str, bytes]:
    """Status, media type and body for a program."""
    problem = problem_of(error, instance=instance)
    told = msgspec.structs.replace(problem, status=_status(problem))  # RFC 9457: the same in the body as on the wire
    return told.status, MEDIA_TYPE, told.encode()


def status_of(error: SeawallError) -> int:
    """The status an error is answered with: never 500."""
    return _status(problem_of(error))


def as_page(error: SeawallError, instance: str, *, css: str, icon: str = "", accept_language: str = "") -> tuple[int, str, bytes]:
    """Status, media type and body for a person: in their language as far as we have words for it, the particulars in English."""
    problem = problem_of(error, instance=instance)
    words = messages(locale_of("", accept_language, locales()))
    key = f"problem.{error.slug}"
    translated = words.locale != FALLBACK and key in words
    particular = not translated or isinstance(error, InvalidInput)
    html = _PAGE.format(
        lang=words.locale,
        title=words["problem.title"],
        told=_PARAGRAPH.format(words.locale, words[key]) if translated else "",
        detail=_PARAGRAPH.format("en", f"{problem.title}. {problem.detail}") if particular else "",
        fix=_PARAGRAPH.format("en", problem.fix) if problem.fix and particular else "",
        css=css,
        icon=icon,
        home=words["problem.home"],
    )
    return _status(problem), HTML, str(html).encode()


def _status(problem: Problem) -> int:
    return problem.status if 400 <= problem.status < 500 else (504 if problem.status == 504 else 503)
