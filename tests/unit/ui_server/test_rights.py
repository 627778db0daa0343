"""What rights let be seen, and which of them share fragments."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ui_server.sample import sample_app, text

from seawall.app.model import App, Dataset, Field, Filter, Relationship
from seawall.core.principal import Principal
from seawall.query.policy import Access, EffectivePolicy
from seawall.ui.rights import RightsOf, named_datasets, reach, subject_of


def app_with_stores() -> App:
    """Transactions lead to stores; weather is beside them."""
    app = sample_app()
    added = {name: Dataset(name, name, {"id": Field(name, "id", "id", "Integer", text("id"))}) for name in ("stores", "weather")}
    link = Relationship("at", "transactions", "stores", ("store",), ("id",))
    semantics = msgspec.structs.replace(app.semantics, datasets=app.semantics.datasets | added, relationships=(link,))
    return msgspec.structs.replace(app, semantics=semantics)


APP = app_with_stores()
accesses = st.builds(
    Access,
    predicates=st.lists(st.builds(Filter, st.just("stores.id"), st.just("in"), st.tuples(st.integers(0, 2))), max_size=1).map(tuple),
    masked=st.sampled_from([(), ("id",)]),
)
policies = st.fixed_dictionaries(dict.fromkeys(("transactions", "stores", "weather"), accesses)).map(EffectivePolicy)


def fingerprint(policy: EffectivePolicy) -> str:
    return RightsOf(APP, lambda *_: policy)(Principal("ann")).fingerprints["sales"]


@given(policies, policies)
def test_fragments_are_shared_exactly_by_equal_rights(one: EffectivePolicy, other: EffectivePolicy) -> None:
    """Over whatever the panel's query may touch, stores that a policy leads to included; weather makes no difference."""
    touched = ("transactions", "stores")
    assert (fingerprint(one) == fingerprint(other)) is all(one.datasets[name] == other.datasets[name] for name in touched)


def test_reach_follows_relationships_one_way() -> None:
    """From the many to the one, as joins and policies do."""
    assert reach(APP, frozenset({"transactions"})) == {"transactions", "stores"}
    assert reach(APP, frozenset({"stores"})) == {"stores"}


def test_a_query_names_its_datasets() -> None:
    """Metrics, dimensions, conditions and rows alike."""
    panels = APP.pages["demand"].panels | APP.pages["listing"].panels
    assert {name: set(named_datasets(APP, panel.query)) for name, panel in panels.items()} == {
        "sales": {"transactions"},
        "units": {"transactions"},
        "secret": {"secrets"},
        "rows": {"transactions"},
    }


def test_what_may_not_be_read_is_cut_out() -> None:
    """Panels, filters and pages over hidden data are gone, and their rows of the layout with them."""
    rights = RightsOf(APP, lambda *_: EffectivePolicy({"secrets": Access()}))(Principal("ann"))
    assert {name: (list(page.panels), page.layout, list(page.filters)) for name, page in rights.pages.items()} == {
        "demand": (["secret"], (("secret",),), ["period"])
    }


def test_equal_rights_are_one_object() -> None:
    """Plans and entries are found by it at no cost."""
    rights_of = RightsOf(sample_app())
    ann, bob, eve = (Principal(name, roles=("viewer",), attributes={"stores": ("S1",)}) for name in ("ann", "bob", "eve"))
    assert rights_of(ann) is rights_of(bob) is rights_of(eve)
    assert rights_of(Principal("dan", roles=("boss",))) is not rights_of(ann)


def test_a_changed_definition_is_another_subject() -> None:
    """The panel is the same, its metric is not: nothing drawn before may be shown."""
    page = APP.pages["demand"]
    metric = msgspec.structs.replace(APP.semantics.metrics["sales"], expression="AVG(transactions.amount)")
    changed = msgspec.structs.replace(
        APP, semantics=msgspec.structs.replace(APP.semantics, metrics=APP.semantics.metrics | {"sales": metric})
    )
    subjects = {subject_of(app, page, page.panels["sales"], version) for app in (APP, changed) for version in ("1", "2")}
    assert len(subjects) == 4


def test_a_filter_with_another_meaning_is_another_subject() -> None:
    """`?department=…` once meant the department; fragments drawn then are not shown now that it means the store."""
    page = APP.pages["demand"]
    filter_ = msgspec.structs.replace(page.filters["department"], field="transactions.store")
    changed = msgspec.structs.replace(page, filters=page.filters | {"department": filter_})
    assert subject_of(APP, page, page.panels["sales"], "1") != subject_of(APP, changed, page.panels["sales"], "1")
    assert subject_of(APP, page, page.panels["units"], "1") == subject_of(APP, changed, page.panels["units"], "1")
