"""What could be asked, as links: after a refusal what was perhaps meant, else a few questions to begin with."""

from __future__ import annotations

from seawall.app.model import Field, Metric, Order
from seawall.ask.question import Question, by_field, by_time
from seawall.ask.reading import Reading
from seawall.ask.sentence import sentence
from seawall.query.compile_names import datasets_of
from seawall.ui.ask.asked import query_of
from seawall.ui.ask.vocabulary import Offered
from seawall.ui.recent import Recent
from seawall.ui.render.ask import Link
from seawall.ui.rights import Rights
from seawall.ui.wiring import Site

REMEMBERED_MAX = 256
TOP = 10


class OfferedOf:
    """The vocabularies of those who asked last."""

    def __init__(self) -> None:
        self._known: Recent[tuple[str, str], Offered] = Recent(REMEMBERED_MAX)

    def __call__(self, site: Site, rights: Rights) -> Offered:
        """What these rights may ask of an app."""
        key = (site.bundle.digest, rights.fingerprint)
        return self._known.get(key) or self._known.put(key, Offered(site.app, rights.policy))


def offers(offered: Offered, reading: Reading, locale: str, *, lang: str) -> tuple[Link, ...]:
    """Questions about what may have been meant; examples when nothing is known of that."""
    made = [one for name in reading.offers if (one := _about(offered, name)) is not None]
    return _links(offered, made, locale, lang) or examples(offered, locale, lang=lang)


def examples(offered: Offered, locale: str, *, lang: str) -> tuple[Link, ...]:
    """A metric over time, the largest of something, and a number."""
    metric = next(iter(offered.metrics), None)
    if metric is None:
        return ()
    made = [Question((metric.name,))]
    groups = _groups(offered, metric)
    if groups:
        made.insert(0, _ranked(metric, groups[0]))
    if _has_time(offered, metric):
        made.insert(0, Question((metric.name,), by=(by_time("week"),)))
    return _links(offered, made, locale, lang)


def _about(offered: Offered, name: str) -> Question | None:
    metric = next((one for one in offered.metrics if one.name == name), None)
    if metric is not None:
        return Question((metric.name,), by=(by_time("week"),)) if _has_time(offered, metric) else Question((metric.name,))
    field = next((one for one in offered.fields if one.ref == name), None)
    reaching = next((one for one in offered.metrics if field in offered.groups((one.name,))), None)
    return _ranked(reaching, field) if field is not None and reaching is not None else None


def _groups(offered: Offered, metric: Metric) -> tuple[Field, ...]:
    """Fields of text, those that pages filter by first: their authors found that people think in them."""
    found = [one for one in offered.groups((metric.name,)) if one.datatype == "String"]
    filtered = [each.field for page in offered.app.pages.values() for each in page.filters.values()]
    return tuple(sorted(found, key=lambda one: filtered.index(one.ref) if one.ref in filtered else len(filtered)))


def _ranked(metric: Metric, field: Field) -> Question:
    return Question((metric.name,), by=(by_field(field.ref),), order=(Order(metric.name, descending=True),), limit=TOP)


def _has_time(offered: Offered, metric: Metric) -> bool:
    return all(offered.app.semantics.datasets[name].time for name in datasets_of(metric))


def _links(offered: Offered, questions: list[Question], locale: str, lang: str) -> tuple[Link, ...]:
    app = offered.app
    return tuple(Link(f"/{app.name}/ask?{query_of(one, lang=lang)}", sentence(one, app, locale)) for one in dict.fromkeys(questions))
