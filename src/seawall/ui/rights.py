"""What one principal may see of one app's pages, worked out once for each distinct set of rights.

A panel over data the principal may not read is not on the page, not in the API and not in the navigation: nobody can tell
it from one that never existed. Each visible panel gets a fingerprint over every dataset its query could ever touch (those
it names, and all that can be reached from them, since policies and filters follow the same relationships). Equal
fingerprints share fragments; anything that could make a difference makes them different.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seawall.app.model import App, MetricQuery, Page, Panel, Query
from seawall.core.digest import canonical, digest
from seawall.core.principal import Principal
from seawall.query.compile_names import datasets_of
from seawall.query.policy import EffectivePolicy, resolve
from seawall.ui.recent import Recent
from seawall.ui.render.context import Sight

REMEMBERED_MAX = 2_048


class Rights(msgspec.Struct, frozen=True):
    """An app as one set of rights sees it. The same object for equal rights, as long as it is remembered."""

    policy: EffectivePolicy
    encoded: bytes
    """The policy as usage records keep it."""
    fingerprint: str
    """Over every dataset of the app: names this view of it."""
    pages: dict[str, Page]
    """Pages with at least one visible panel, and only those panels."""
    fingerprints: dict[str, str]
    """Panel → fingerprint of the rights that matter to it."""
    sights: dict[str, Sight]
    """Panel → which rows these rights leave of it."""


class RightsOf:
    """Principal → Rights, remembered within bounds."""

    def __init__(self, app: App, resolve_policy: Callable[[App, Principal], EffectivePolicy] = resolve) -> None:
        self._app = app
        self._resolve = resolve_policy
        self._named = {panel.name: named_datasets(app, panel.query) for page in app.pages.values() for panel in page.panels.values()}
        self._reach = {panel: reach(app, named) for panel, named in self._named.items()}
        self._by_object: Recent[int, tuple[Principal, Rights]] = Recent(REMEMBERED_MAX)
        self._by_fingerprint: Recent[str, Rights] = Recent(REMEMBERED_MAX)

    def __call__(self, principal: Principal) -> Rights:
        """The rights of `principal`. Verified tokens give the same object each time, so this is one look-up."""
        known = self._by_object.get(id(principal))
        if known is not None and known[0] is principal:
            return known[1]
        rights = self._of_policy(self._resolve(self._app, principal))
        self._by_object.put(id(principal), (principal, rights))
        return rights

    def _of_policy(self, policy: EffectivePolicy) -> Rights:
        fingerprint = policy.fingerprint(self._app.semantics.datasets)
        return self._by_fingerprint.get(fingerprint) or self._by_fingerprint.put(fingerprint, self._made(policy, fingerprint))

    def _made(self, policy: EffectivePolicy, fingerprint: str) -> Rights:
        trimmed = {name: visible_part(self._app, page, policy) for name, page in self._app.pages.items()}
        pages = {name: page for name, page in trimmed.items() if page.panels}
        fingerprints = {panel: policy.fingerprint(self._reach[panel]) for page in pages.values() for panel in page.panels}
        sights = {panel: sight_of(policy, self._named[panel], self._reach[panel]) for panel in fingerprints}
        return Rights(policy, canonical(policy), fingerprint, pages, fingerprints, sights)


def visible_part(app: App, page: Page, policy: EffectivePolicy) -> Page:
    """`page` without the panels and filters over datasets that `policy` does not let be read."""
    panels = {name: panel for name, panel in page.panels.items() if named_datasets(app, panel.query) <= policy.datasets.keys()}
    layout = tuple(row for names in page.layout if (row := tuple(name for name in names if name in panels)))
    filters = {
        name: filter_ for name, filter_ in page.filters.items() if not filter_.field or filter_.field.partition(".")[0] in policy.datasets
    }
    return msgspec.structs.replace(page, panels=panels, layout=layout, filters=filters)


def sight_of(policy: EffectivePolicy, named: frozenset[str], reached: frozenset[str]) -> Sight:
    """None when a condition on a dataset it names can hold for no row, some when any condition may matter, else all."""
    conditions = {name: policy.datasets[name].predicates for name in reached if name in policy.datasets}
    if any(each.op == "in" and not each.values for name in named for each in conditions.get(name, ())):
        return "none"
    return "some" if any(conditions.values()) else "all"


def named_datasets(app: App, query: Query) -> frozenset[str]:
    """The datasets a query names."""
    fields = [condition.field for condition in query.where]
    if not isinstance(query, MetricQuery):
        fields += [name for name in query.columns if "." in name]
        return _of_fields(fields) | {query.dataset}
    fields += [dimension.field for dimension in query.by]
    metrics = [datasets_of(app.semantics.metrics[name]) for name in query.metrics]
    return _of_fields(fields).union(*metrics)


def reach(app: App, datasets: frozenset[str]) -> frozenset[str]:
    """`datasets` and all that many-to-one relationships lead to from them."""
    found = set(datasets)
    while more := {link.to for link in app.semantics.relationships if link.from_ in found} - found:
        found |= more
    return frozenset(found)


def subject_of(app: App, page: Page, panel: Panel, version: str) -> str:
    """Names what decides a fragment's bytes beside parameters, rights, locale and data.

    The panel alone is not enough: a metric's expression or a field's label may change under it, what a filter of the same name
    means, and so may our drawing.
    """
    filters = [page.filters[name] for name in panel.filters if name in page.filters]
    return "fragment:" + digest([app.name, page.name, panel, filters, app.semantics, version])


def _of_fields(refs: list[str]) -> frozenset[str]:
    return frozenset(ref.partition(".")[0] for ref in refs if "." in ref)
