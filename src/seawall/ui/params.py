"""URL parameters in and out: parsed within bounds, made canonical, so that equal questions share one cache entry.

A page forgives: unknown parameters are ignored, and a value of the wrong type drops that one filter with a notice. The data API is
strict: both are an InvalidInput that names the parameter. Canonical means: only the page's filters, empty values gone, text
normalised to NFC, the choices of a multiselect sorted and unique, every other control one value.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence, Set
from urllib.parse import parse_qsl, urlencode

import msgspec

from seawall.app.model import App, Filter, Page, PageFilter, Panel, RowsQuery
from seawall.core.errors import InvalidInput
from seawall.query.cache import Parameters, parameters_of
from seawall.query.cursor import LENGTH_MAX
from seawall.query.filters import from_url

QUERY_BYTES_MAX = 16_384
FIELDS_MAX = 200
VALUES_MAX = 100
VALUE_LENGTH_MAX = 200
CURSOR_LENGTH_MAX = LENGTH_MAX
LIMIT_MAX = 10_000
AFTER_SUFFIX = ".after"
ROW_SUFFIX = ".row"
API_PARAMETERS = frozenset({"lang", "after", "limit", "format"})
ROW_PARAMETERS = frozenset({"lang", "format"})

Values = dict[str, list[str]]
"""Parameter name → its values."""


class Choice(msgspec.Struct, frozen=True):
    """What a URL asks of a page or panel, canonical."""

    parameters: Values
    """The filters set, sorted by name."""
    filters: Mapping[str, tuple[Filter, ...]]
    """The same as conditions."""
    lang: str = ""
    inorder: bool = False
    panels: tuple[str, ...] = ()
    """Only these, when the fragments endpoint names them."""
    after: Mapping[str, str] = {}
    """Panel → cursor. The data API's only cursor is under ""."""
    row: tuple[str, str] | None = None
    """The panel and key of the row shown in full (pages only)."""
    limit: int | None = None
    format: str = ""
    dropped: Values = {}
    """Filters set aside because their value does not fit, with what was given: nothing a user typed is lost (pages only)."""


def read(query: bytes) -> Values:
    """The query string's parameters in the order given. InvalidInput when it is beyond the bounds or not UTF-8."""
    if len(query) > QUERY_BYTES_MAX:
        raise InvalidInput("The query string is too long", expected=f"at most {QUERY_BYTES_MAX} bytes", got=f"{len(query)} bytes")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise InvalidInput("The query string cannot be read", expected=f"at most {FIELDS_MAX} UTF-8 parameters, percent-encoded") from error
    values: Values = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def page_choice(app: App, page: Page, values: Values) -> Choice:
    """What a page's URL asks for. Never raises: what cannot be used is dropped."""
    wanted = _canonical(page, values, strict=False)
    filters: dict[str, tuple[Filter, ...]] = {}
    dropped = {name: cut for name in sorted(page.filters) if name not in wanted and (cut := _cut_short(values.get(name, ())))}
    for name, given in list(wanted.items()):
        try:
            made = from_url(app, page, {name: given})
        except InvalidInput:
            dropped[name] = given
            del wanted[name]
            continue
        filters.update(made)
        if name not in made:  # a value that filters nothing, such as `all`
            del wanted[name]
    return Choice(
        parameters=wanted,
        filters=filters,
        lang=_last(values, "lang")[:35],
        inorder=_last(values, "inorder") == "1",
        panels=tuple(part for part in _last(values, "panels").split(",") if part in page.panels),
        after={name: cursor for name in page.panels if (cursor := _last(values, name + AFTER_SUFFIX)) and len(cursor) <= CURSOR_LENGTH_MAX},
        row=_row(page, values),
        dropped=dropped,
    )


def api_choice(app: App, page: Page, panel: Panel, values: Values) -> Choice:
    """What a data API URL asks for. InvalidInput names a parameter that is unknown, of the wrong type or out of bounds."""
    known = API_PARAMETERS | {name for name in panel.filters if name in page.filters}
    _check_known(values, known)
    wanted = _canonical(page, {name: values[name] for name in values if name in page.filters}, strict=True)
    after = _last(values, "after")
    if len(after) > CURSOR_LENGTH_MAX:
        raise InvalidInput("The cursor is too long", expected=f"at most {CURSOR_LENGTH_MAX} characters", got=str(len(after)))
    return Choice(
        parameters=wanted,
        filters=from_url(app, page, wanted),
        lang=_last(values, "lang")[:35],
        after={"": after} if after else {},
        limit=_limit(_last(values, "limit")),
        format=_last(values, "format"),
    )


def row_choice(values: Values) -> Choice:
    """What a URL of the data API about one row asks for. InvalidInput names a parameter that is unknown there."""
    _check_known(values, ROW_PARAMETERS)
    return Choice(parameters={}, filters={}, lang=_last(values, "lang")[:35], format=_last(values, "format"))


def of_panel(panel: Panel, choice: Choice) -> Parameters:
    """The parameters that touch `panel`, as its cache key has them. Choices that differ elsewhere share it."""
    touching = {name: values for name, values in choice.parameters.items() if name in panel.filters}
    if cursor := choice.after.get(panel.name):
        touching[panel.name + AFTER_SUFFIX] = [cursor]
    return parameters_of(touching)


def to_query(parameters: Mapping[str, list[str]], **more: str) -> str:
    """A query string with `?`, or nothing when there is nothing to say."""
    pairs = [(name, value) for name, values in parameters.items() for value in values]
    pairs += [(name, value) for name, value in more.items() if value]
    return "?" + urlencode(pairs) if pairs else ""


def _canonical(page: Page, values: Values, *, strict: bool) -> Values:
    wanted = {}
    for name in sorted(page.filters):
        given = [text for value in values.get(name, ()) if (text := unicodedata.normalize("NFC", value).strip())]
        fault = _out_of_bounds(given)
        if fault and strict:
            raise InvalidInput(f"The parameter {name!r} is out of bounds", expected=fault, got=f"{len(given)} values")
        if given and not fault:
            wanted[name] = _by_control(page.filters[name], given)
    return wanted


def _check_known(values: Values, known: Set[str]) -> None:
    if unknown := sorted(set(values) - known):
        raise InvalidInput(f"The parameter {unknown[0]!r} is not known here", expected="one of " + ", ".join(sorted(known)), got=unknown[0])


def _row(page: Page, values: Values) -> tuple[str, str] | None:
    """The first row panel for which the URL names a row."""
    for name, panel in page.panels.items():
        key = _last(values, name + ROW_SUFFIX)
        if isinstance(panel.query, RowsQuery) and key and len(key) <= CURSOR_LENGTH_MAX:
            return name, key
    return None


def _by_control(filter_: PageFilter, given: list[str]) -> list[str]:
    if filter_.control == "multiselect":
        return sorted(set(given))
    return given[-1:]


def _out_of_bounds(given: list[str]) -> str:
    if len(given) > VALUES_MAX:
        return f"at most {VALUES_MAX} values"
    if any(len(value) > VALUE_LENGTH_MAX or "\x00" in value for value in given):
        return f"values of at most {VALUE_LENGTH_MAX} characters, none of them NUL"
    return ""


def _cut_short(given: Sequence[str]) -> list[str]:
    """Values out of bounds, as far as they may be shown again."""
    return [cut for value in given[:VALUES_MAX] if (cut := value.replace("\x00", "").strip()[:VALUE_LENGTH_MAX])]


def _limit(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= len(text) <= 7 and 1 <= int(text) <= LIMIT_MAX):
        raise InvalidInput("The parameter 'limit' has the wrong value", expected=f"a whole number from 1 to {LIMIT_MAX}", got=text[:40])
    return int(text)


def _last(values: Values, name: str) -> str:
    found = values.get(name)
    return found[-1] if found else ""
