"""Values as readers of a locale expect them, fast enough for every cell of a table.

Babel (CLDR) gives symbols, patterns and month names once per locale; numbers and dates are then put together with plain
string work, about a microsecond each, because Babel's own functions take thirty. `None`, NaN and NaT are shown as an em
dash; why a value is missing is said by whoever draws the cell. Numbers carry U+2212 for minus. Nothing here escapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, time
from decimal import Decimal
from functools import lru_cache

from babel.numbers import get_currency_precision, get_currency_symbol

from seawall.app.model import DataType, Format
from seawall.ui.cldr import affixes, babel_locale, compact_scales, number_symbols, true_false
from seawall.ui.dates import Dates, monday
from seawall.ui.numbers import Number, is_missing, is_number, to_float

__all__ = ["MINUS", "NBSP", "NULL", "Formatter", "ToText", "formatter", "is_missing", "is_number"]

NULL = "—"
MINUS = "−"
NBSP = "\u00a0"
SIGNIFICANT_DIGITS = 3
VAST_EXPONENT = 18
"""From here on a number is written as 1.79E308: there are no words for it, and no room for its digits."""
ToText = Callable[[object], str]
_TEMPORAL = ("date", "week", "month", "datetime")


@lru_cache(maxsize=32)
def formatter(locale: str) -> Formatter:
    """The one formatter of a locale, shared."""
    return Formatter(locale)


class Formatter:
    """How one locale writes numbers, money, shares and dates. Make it with `formatter(locale)`."""

    def __init__(self, locale: str) -> None:
        self.locale = locale
        self.babel = babel_locale(locale)
        symbols = number_symbols(self.babel)
        self.decimal_symbol = symbols["decimal"]
        self._swap = str.maketrans({",": symbols["group"], ".": symbols["decimal"], "-": MINUS})
        self._percent = affixes(self.babel.percent_formats[None].pattern)
        self._scales = compact_scales(self.babel)
        self._currency_leads = self.babel.currency_formats["standard"].pattern.startswith("¤")
        self._currencies: dict[str, str] = {}
        self._dates = Dates(self.babel)
        self._makers: dict[tuple[Format, DataType], ToText] = {}
        self.true_false = true_false(self.babel.language)

    # ── whole values ─────────────────────────────────────────────────────────────────────────────────────────

    def value(self, value: object, format: Format, datatype: DataType) -> str:
        """`value` as text; an em dash for what is missing or not a number."""
        return self.maker(format, datatype)(value)

    def maker(self, format: Format, datatype: DataType) -> ToText:
        """The function that writes one column's values, to be called for each cell."""
        key = (format, datatype)
        made = self._makers.get(key)
        if made is None:
            made = self._makers[key] = self._make(format, datatype)
        return made

    def short(self, value: object, format: Format, datatype: DataType) -> str:
        """The value for a label in a chart: three significant digits, compact above a thousand."""
        if not is_number(value) or format.style in _TEMPORAL or format.style == "text":
            return self.value(value, format, datatype)
        amount = to_float(value)
        if format.style == "currency" and 0 < abs(amount) < 100:
            return self.dress(self.plain(value, 2), format)
        if format.style == "percent" and abs(amount) < 10:
            return self.dress(self.plain(value * 100, 1 if abs(amount) < 1 else 0), format)
        return self.dress(self.significant(amount * (100 if format.style == "percent" else 1)), format)

    def change(self, ratio: float, *, digits: int = 1) -> str:
        """A relative change as a signed percentage: +4.2%."""
        if not math.isfinite(ratio):
            return NULL
        text = self.plain(abs(ratio) * 100, digits if abs(ratio) < 9.995 else 0)
        sign = "" if not any(digit in "123456789" for digit in text) else "+" if ratio > 0 else MINUS
        return f"{sign}{self._percent[0]}{text}{self._percent[1]}"

    def share(self, ratio: float, *, digits: int = 0) -> str:
        """A part of a whole: 56%."""
        return f"{self._percent[0]}{self.plain(ratio * 100, digits)}{self._percent[1]}"

    def axis(self, values: Sequence[float], format: Format) -> list[str]:
        """Labels for ticks, ascending: one scale for all, just enough decimals, and the unit once, on the last."""
        factor = 100 if format.style == "percent" else 1
        sizes = [abs(value * factor) for value in values]
        top = max(sizes, default=0.0)
        divisor, suffix = self._scale(math.floor(math.log10(top) + 1e-12)) if top > 0 else (1.0, "")
        scaled = [value * factor / divisor for value in values]
        decimals = next((digits for digits in range(6) if all(_exact(value, digits) for value in scaled)), 6)
        if len(values) > 1 and values[0] > 0 and values[-1] / values[0] >= 100:
            texts = [self.significant(value * factor) for value in values]
        elif top and (top >= 1e15 or top < 1e-5):
            texts = [f"{value * factor:.3g}".translate(self._swap) for value in values]
        else:
            texts = ["0" if value == 0 else self.plain(value, decimals) + suffix for value in scaled]
        if texts:
            texts[-1] = self.dress(texts[-1], format)
        return texts

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────

    def plain(self, value: Number, decimals: int) -> str:
        """Grouped, with exactly `decimals` digits after the decimal symbol."""
        text = f"{value:,.{decimals}f}"
        if text[0] == "-" and not any(digit in "123456789" for digit in text):
            text = text[1:]
        return text.translate(self._swap)

    def significant(self, value: float, digits: int = SIGNIFICANT_DIGITS) -> str:
        """At most `digits` significant digits, with the locale's word for thousands and above where it has one."""
        if not math.isfinite(value):
            return NULL if math.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
        size = abs(value)
        if size == 0:
            return "0"
        exponent = int(f"{size:.{digits - 1}e}".partition("e")[2])
        if exponent >= VAST_EXPONENT:
            return f"{value:.{digits - 1}E}".replace("E+", "E").translate(self._swap)
        divisor, suffix = self._scale(exponent)
        scaled = value / divisor
        decimals = max(0, digits - 1 - (exponent - round(math.log10(divisor))))
        return self._trim(self.plain(scaled, min(decimals, 12))) + suffix

    def dress(self, number: str, format: Format) -> str:
        """`number` with its percent sign, currency or unit."""
        if format.style == "percent":
            return f"{self._percent[0]}{number}{self._percent[1]}"
        if format.style == "currency" and format.currency:
            return self._with_currency(number, self.symbol(format.currency))
        return f"{number}{NBSP}{format.unit}" if format.unit else number

    def symbol(self, currency: str) -> str:
        """The short sign of a currency, as this locale writes it."""
        made = self._currencies.get(currency)
        if made is None:
            made = self._currencies[currency] = str(get_currency_symbol(currency, locale=self.babel))
        return made

    def date(self, value: object, skeleton: str) -> str:
        """A date or time by CLDR skeleton (`yMMMd`), `date`, `datetime` or `time`."""
        return self._dates.write(value, skeleton) if isinstance(value, date | time) else NULL

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────

    def _make(self, format: Format, datatype: DataType) -> ToText:
        style = _style(format, datatype)
        if style == "text":
            return _text
        if style == "boolean":
            yes, no = self.true_false
            return lambda value: NULL if value is None else (yes if value else no)
        if style in ("date", "week", "month", "datetime", "time"):
            return self._temporal(style)
        return self._number(format, style)

    def _temporal(self, style: str) -> ToText:
        write_date = self._dates.write
        skeleton = {"date": "yMMMd", "week": "yMMMd", "month": "yMMM"}.get(style, style)
        convert = monday if style == "week" else _same

        def write(value: object) -> str:
            if isinstance(value, date | time):
                return write_date(convert(value), skeleton)
            return NULL if is_missing(value) else str(value)

        return write

    def _number(self, format: Format, style: str) -> ToText:
        decimals, trims = _decimals(format, style)
        factor = 100 if style == "percent" else 1
        compacts = (1000 if format.compact else 10**VAST_EXPONENT) / factor
        before, after = self.dress("\0", format).split("\0")
        swap, trim = self._swap, self._trim
        template = f",.{decimals}f"

        def write(value: object) -> str:
            if not is_number(value):
                return _odd(value)
            if value >= compacts or value <= -compacts:
                return self.dress(self.significant(to_float(value) * factor), format)
            text = (value * factor if factor != 1 else value).__format__(template).translate(swap)
            if text[0] == MINUS:
                return f"{self._sign(text)}{before}{trim(text[1:]) if trims else text[1:]}{after}"
            return f"{before}{trim(text) if trims else text}{after}"

        return write

    @staticmethod
    def _sign(text: str) -> str:
        """Minus, unless rounding left nothing but zeros."""
        return MINUS if any(digit in "123456789" for digit in text) else ""

    def _with_currency(self, number: str, symbol: str) -> str:
        if not self._currency_leads:
            return f"{number}{NBSP}{symbol}"
        gap = NBSP if symbol[-1:].isalpha() else ""
        if number.startswith(MINUS):
            return f"{MINUS}{symbol}{gap}{number[1:]}"
        return f"{symbol}{gap}{number}"

    def _trim(self, text: str) -> str:
        return text.rstrip("0").rstrip(self.decimal_symbol) if self.decimal_symbol in text else text

    def _scale(self, exponent: int) -> tuple[float, str]:
        best = (1.0, "")
        for least, divisor, suffix in self._scales:
            if exponent >= least:
                best = (divisor, suffix)
        return best


def _exact(value: float, digits: int) -> bool:
    return abs(round(value, digits) - value) <= 1e-9 * max(1.0, abs(value))


def _same(value: date | time) -> date | time:
    return value


def _text(value: object) -> str:
    return NULL if is_missing(value) else str(value)


def _odd(value: object) -> str:
    if isinstance(value, float) and math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value is None or isinstance(value, float | Decimal):
        return NULL
    return str(value)


def _style(format: Format, datatype: DataType) -> str:
    if format.style != "number":
        return format.style
    return {
        "String": "text", "Opaque": "text", "Boolean": "boolean", "Date": "date", "Time": "time",
        "DateTime": "datetime", "DateTimeTz": "datetime", "Integer": "integer",
    }.get(datatype, "number")  # fmt: skip


def _decimals(format: Format, style: str) -> tuple[int, bool]:
    """How many decimals, and whether trailing zeros go."""
    if style == "currency":
        return (format.decimals if format.decimals is not None else get_currency_precision(format.currency or "USD")), False
    if style == "percent":
        return (1 if format.decimals is None else format.decimals), False
    if style == "integer":
        return (format.decimals or 0), False
    return (2 if format.decimals is None else format.decimals), True
