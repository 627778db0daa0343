"""A small retail star schema, as an App value and as rows, for the tests of this package."""

from __future__ import annotations

import msgspec

from seawall.app.model import App, Dataset, DataType, Field, Metric, Policy, Relationship, Role, RowPolicy, Semantics, Text
from seawall.core.principal import Principal
from seawall.query.policy import EffectivePolicy, resolve

Row = dict[str, object]


def field(dataset: str, name: str, datatype: DataType = "String", expression: str = "", **more: object) -> Field:
    """A field over the column of the same name."""
    return Field(dataset, name, expression or name, datatype, Text({"en": name}), **more)  # type: ignore[arg-type]


def dataset(name: str, fields: list[Field], key: tuple[str, ...] = (), time: str = "", engine: str = "warehouse") -> Dataset:
    """A dataset whose source is `t_NAME`."""
    return Dataset(name, f"t_{name}", {f.name: f for f in fields}, primary_key=key, time=time, engine=engine)  # type: ignore[arg-type]


def metric(name: str, expression: str, datatype: DataType = "Float") -> Metric:
    """A metric labelled by its name."""
    return Metric(name, expression, datatype, Text({"en": name}))


SALES = dataset(
    "sales",
    [
        field("sales", "sale_id", "Integer"),
        field("sales", "sold_at", "DateTime", is_time=True),
        field("sales", "amount", "Float"),
        field("sales", "units", "Integer"),
        field("sales", "basket_id", "Integer"),
        field("sales", "household_id", "Integer"),
        field("sales", "household", "Integer", "CAST(household_id AS BIGINT)"),
        field("sales", "is_large", "Boolean", "amount > 10"),
    ],
    ("sale_id",),
    "sold_at",
)
RETURNS = dataset(
    "returns",
    [
        field("returns", "return_id", "Integer"),
        field("returns", "returned_on", "Date", is_time=True),
        field("returns", "refund", "Float"),
        field("returns", "reason"),
    ],
    ("return_id",),
    "returned_on",
)
PRODUCTS = dataset(
    "products", [field("products", "product_id", "Integer"), field("products", "department"), field("products", "brand")], ("product_id",)
)
STORES = dataset(
    "stores",
    [field("stores", "store_id", "Integer"), field("stores", "store_group"), field("stores", "region_id", "Integer")],
    ("store_id",),
)
REGIONS = dataset("regions", [field("regions", "region_id", "Integer"), field("regions", "region")], ("region_id",))
SECRETS = dataset("secrets", [field("secrets", "secret_id", "Integer"), field("secrets", "plan")], ("secret_id",))

RELATIONSHIPS = (
    Relationship("sales_products", "sales", "products", ("product_id",), ("product_id",)),
    Relationship("sales_stores", "sales", "stores", ("store_id",), ("store_id",)),
    Relationship("returns_products", "returns", "products", ("product_id",), ("product_id",)),
    Relationship("returns_stores", "returns", "stores", ("store_id",), ("store_id",)),
    Relationship("stores_regions", "stores", "regions", ("region_id",), ("region_id",)),
)
METRICS = {
    m.name: m
    for m in (
        metric("revenue", "SUM(sales.amount)"),
        metric("units", "SUM(sales.units)", "Integer"),
        metric("sales_count", "COUNT(sales.sale_id)", "Integer"),
        metric("baskets", "COUNT(DISTINCT sales.basket_id)", "Integer"),
        metric("basket_value", "SUM(sales.amount) / NULLIF(COUNT(DISTINCT sales.basket_id), 0)"),
        metric("refunds", "SUM(returns.refund)"),
        metric("return_count", "COUNT(returns.return_id)", "Integer"),
        metric("net", "SUM(sales.amount) - COALESCE(SUM(returns.refund), 0)"),
        metric("return_rate", "COUNT(returns.return_id) / COUNT(sales.sale_id)"),
        metric("large_share", "SUM(sales.amount) FILTER (WHERE sales.is_large) / SUM(sales.amount)"),
        metric("grocery_revenue", "SUM(sales.amount) FILTER (WHERE products.department = 'GROCERY')"),
        metric("households", "COUNT(DISTINCT sales.household_id)", "Integer"),
        metric("products_known", "COUNT(products.product_id)", "Integer"),
        metric("plans", "COUNT(secrets.plan)", "Integer"),
    )
}
SEMANTICS = Semantics({d.name: d for d in (SALES, RETURNS, PRODUCTS, STORES, REGIONS, SECRETS)}, RELATIONSHIPS, METRICS)
COLUMNS: dict[str, dict[str, str]] = {
    "sales": {
        "sale_id": "BIGINT",
        "sold_at": "TIMESTAMP",
        "amount": "DOUBLE PRECISION",
        "units": "INTEGER",
        "basket_id": "BIGINT",
        "household_id": "BIGINT",
        "product_id": "BIGINT",
        "store_id": "BIGINT",
    },
    "returns": {
        "return_id": "BIGINT",
        "returned_on": "DATE",
        "refund": "DOUBLE PRECISION",
        "reason": "TEXT",
        "product_id": "BIGINT",
        "store_id": "BIGINT",
    },
    "products": {"product_id": "BIGINT", "department": "TEXT", "brand": "TEXT"},
    "stores": {"store_id": "BIGINT", "store_group": "TEXT", "region_id": "BIGINT"},
    "regions": {"region_id": "BIGINT", "region": "TEXT"},
    "secrets": {"secret_id": "BIGINT", "plan": "TEXT"},
}
"""Dataset → physical column → SQL type."""


def app(policies: dict[str, Policy] | None = None, semantics: Semantics = SEMANTICS) -> App:
    """The app; by default everybody with a role sees everything but `secrets`, which only the board may read."""
    open_to_all = {name: Policy(name) for name in semantics.datasets if name != "secrets"}
    roles = {"viewer": Role("viewer"), "buyer": Role("buyer", ("viewer",)), "board": Role("board", ("buyer",))}
    made = open_to_all | {"secrets": Policy("secrets", ("board",))} | (policies or {})
    return App("shop", Text({"en": "Shop"}), semantics, roles, made, {})


def with_sunday_weeks() -> App:
    """The shop, whose weeks of sales begin on Sunday."""
    sales = SEMANTICS.datasets["sales"]
    fields = sales.fields | {"sold_at": msgspec.structs.replace(sales.fields["sold_at"], week_starts="sunday")}
    datasets = SEMANTICS.datasets | {"sales": msgspec.structs.replace(sales, fields=fields)}
    return app(semantics=msgspec.structs.replace(SEMANTICS, datasets=datasets))


def viewer(**attributes: object) -> Principal:
    """Somebody with the least role."""
    return Principal("vera", roles=("viewer",), attributes=attributes)  # type: ignore[arg-type]


def everything(of: App) -> EffectivePolicy:
    """What the board sees."""
    return resolve(of, Principal("bo", roles=("board",)))


BY_GROUP = RowPolicy("stores.store_group", "in", "user.store_groups", unless=("board",))
"""Sales are visible in the principal's store groups."""
