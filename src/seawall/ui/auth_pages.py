"""The few pages a signed-out person sees, in English and German. Plain HTML with the site's stylesheet, no script."""

from __future__ import annotations

from markupsafe import Markup

from seawall.ui.assets import asset
from seawall.ui.negotiate import locale_of

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "sign_in.title": "Sign in",
        "sign_in.text": "Open the one-time link you were given. On your own machine, the start of Seawall and “seawall link” print one.",
        "signed_out.title": "You are signed out",
        "signed_out.text": "Open a new one-time link to sign in again.",
        "confirm.title": "Sign in here?",
        "confirm.text": "You followed a sign-in link from another site. Go on only if you asked for it.",
        "confirm.button": "Sign in",
        "sign-in-link.title": "This link no longer works",
        "sign-in-link.text": "It was used already or is too old. Ask for a new one; on your own machine, “seawall link” prints one.",
        "cross-site.title": "Refused",
        "cross-site.text": "The request came from another site.",
        "unavailable.title": "Sign-in is not available now",
        "unavailable.text": "Nothing is lost. Try again in a moment.",
    },
    "de": {
        "sign_in.title": "Anmelden",
        "sign_in.text": "Öffnen Sie den Einmal-Link, den Sie erhalten haben. Am eigenen Rechner zeigen der Start und „seawall link“ ihn.",
        "signed_out.title": "Sie sind abgemeldet",
        "signed_out.text": "Öffnen Sie einen neuen Einmal-Link, um sich wieder anzumelden.",
        "confirm.title": "Hier anmelden?",
        "confirm.text": "Der Anmelde-Link kam von einer anderen Website. Fahren Sie nur fort, wenn Sie ihn angefordert haben.",
        "confirm.button": "Anmelden",
        "sign-in-link.title": "Dieser Link gilt nicht mehr",
        "sign-in-link.text": "Er wurde schon benutzt oder ist zu alt. Bitten Sie um einen neuen; am eigenen Rechner: „seawall link“.",
        "cross-site.title": "Abgelehnt",
        "cross-site.text": "Die Anfrage kam von einer anderen Website.",
        "unavailable.title": "Die Anmeldung ist gerade nicht möglich",
        "unavailable.text": "Nichts ist verloren. Versuchen Sie es gleich noch einmal.",
    },
}
_PAGE = Markup(
    '<!doctype html><html lang="{locale}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<title>{title} · Seawall</title><link rel="stylesheet" href="{css}"><link rel="icon" href="{icon}" type="image/svg+xml"></head>'
    '<body><main id="main" class="problem"><h1>{title}</h1><p>{text}</p>{more}</main></body></html>\n'
)
_BUTTON = Markup('<form method="post"><button class="button" type="submit">{}</button></form>')


def page(key: str, accept_language: str, *, button: bool = False) -> bytes:
    """The page named `key`; with `button`, a form that posts to its own address."""
    locale = locale_of("", accept_language, tuple(WORDS))
    words = WORDS[locale]
    more = _BUTTON.format(words[f"{key}.button"]) if button else ""
    files = {"css": asset("seawall.css"), "icon": asset("icon.svg")}
    html = _PAGE.format(locale=locale, title=words[f"{key}.title"], text=words[f"{key}.text"], more=more, **files)
    return str(html).encode()
