"""The route stage: a name asked for becomes the models that may take the call, best first.

Pure and quick: what depends only on route, data class, tenant's residency and surface is worked out once and kept until the table
changes. A provider is passed over when it may not see the data class of the call, or is where the route or the tenant forbids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from seawall.model_proxy.call import Call, DataClass, Limits, Target
from seawall.model_proxy.config import LOCAL_REGION, Config, Model, ModelKind, Route
from seawall.model_proxy.errors import BadCall, CallOverLimit, NoProviderAllowed, OverLimit, UnknownModel
from seawall.model_proxy.route.sticky import Weighted, choose, weighted

May = Callable[[Call, Target], bool]
"""Whether a model's own limits let a call through."""


class LiveRoute(msgspec.Struct, frozen=True):
    """What an operator set for a route, in place of what models.yaml says."""

    variants: dict[str, int]
    fallback: tuple[str, ...] = ()


class _Plan(msgspec.Struct, frozen=True):
    """Who may take calls of one kind."""

    variants: tuple[Weighted, ...]
    lists: dict[str, tuple[Target, ...]]
    """Variant → it and the fallbacks."""
    only: tuple[Target, ...] = ()
    """The list, where there is nothing to choose."""


class Router:
    """Keeps the promise of `stages.Route`. `may` is asked about each candidate, if given."""

    def __init__(self, config: Config, *, may: May | None = None) -> None:
        self._config = config
        self._may = may
        self._routes: dict[str, Route] = dict(config.routes)
        self._plans: dict[tuple[str, DataClass, str, str], _Plan] = {}

    # ── the table ──

    def apply(self, live: Mapping[str, LiveRoute]) -> tuple[str, ...]:
        """Put the live table over models.yaml's; the routes whose live setting cannot be used, because a model is not known here."""
        routes, refused = dict(self._config.routes), []
        for name, setting in live.items():
            if usable(self._config, name, setting):
                routes[name] = msgspec.structs.replace(routes[name], variants=setting.variants, fallback=setting.fallback)
            else:
                refused.append(name)
        if routes != self._routes:
            self._routes, self._plans = routes, {}
        return tuple(refused)

    def routes(self) -> Mapping[str, Route]:
        """The table in force."""
        return self._routes

    def model_limits(self, target: Target) -> Limits:
        """What everybody together may ask of a model."""
        return self._config.models[target.id].limits

    # ── calls ──

    def candidates(self, call: Call, name: str = "") -> Sequence[Target]:
        """Who may take the call (under another name than it asked for: `name`), best first; sets `call.route`.

        UnknownModel, BadCall for a model of the wrong kind, NoProviderAllowed when none may see the data, OverLimit when `may` refuses all.
        """
        name = name or call.model
        caller = call.caller
        tenant = caller.principal.tenant if caller is not None else ""
        residency = tenant if tenant in self._config.residency else ""
        key = (name, call.data_class, residency, call.surface)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._plan(name, call.data_class, residency, "embedding" if call.surface == "embeddings" else "chat")
        call.route = name
        found = plan.only
        if not found:
            user = f"{tenant}\0{caller.principal.user}" if caller is not None else call.id
            found = plan.lists[choose(user.encode("utf-8", "surrogatepass"), plan.variants).name]
        if call.remote:
            found = self._fetching(found)
        return found if self._may is None else self._within_limits(call, found, self._may)

    def _fetching(self, found: tuple[Target, ...]) -> tuple[Target, ...]:
        """Those whose provider may be asked to fetch what the call names. BadCall when there are none."""
        able = tuple(target for target in found if self._config.providers[target.provider].remote_images)
        if not able:
            raise BadCall(
                f"No provider of '{found[0].id}' may be asked to fetch what is at an address",
                param="messages",
                fix="Send its bytes, as `data:image/png;base64,…`, or set `remote_images` of the provider in models.yaml",
            )
        return able

    def _within_limits(self, call: Call, found: tuple[Target, ...], may: May) -> Sequence[Target]:
        allowed = [target for target in found if may(call, target)]
        if not allowed:
            tokens = getattr(call.reservation, "tokens", 0)
            most = [self.model_limits(target).tokens_per_minute for target in found]
            if all(0 < one < tokens for one in most):
                raise CallOverLimit(
                    f"One call is larger than the limit of tokens a minute of the model {found[0].id}",
                    expected=f"at most {max(most)}",
                    got=f"{tokens} with the longest answer",
                    fix="Send less, or set a smaller max_tokens",
                )
            raise OverLimit(f"The model {found[0].id} is asked for more than its limit", retry_after=1.0)
        return allowed

    def _plan(self, name: str, data_class: DataClass, tenant: str, kind: ModelKind) -> _Plan:
        route = self._routes.get(name)
        if route is None:
            raise UnknownModel(f"The model '{name[:100]}' does not exist or you do not have access to it")
        self._check_kind(route, kind)
        variants = {one: weight for one, weight in route.variants.items() if self._allowed(one, route, data_class, tenant)}
        fallback = [one for one in route.fallback if self._allowed(one, route, data_class, tenant)]
        drawn = weighted(name, variants)
        if not drawn:
            if not fallback:
                detail = f"No provider of '{name[:100]}' may see data of the class {data_class} of this tenant"
                raise NoProviderAllowed(detail, fix="Ask for another model, or widen `classes` or `region` in models.yaml")
            return _Plan((), {}, self._targets(fallback))
        lists = {one.name: self._targets([one.name, *fallback]) for one in drawn}
        return _Plan(drawn, lists, lists[drawn[0].name] if len(drawn) == 1 else ())

    def _targets(self, names: Sequence[str]) -> tuple[Target, ...]:
        return tuple(self._config.models[name].target for name in dict.fromkeys(names))

    def _check_kind(self, route: Route, kind: ModelKind) -> None:
        model = self._model(route)
        if model.kind != kind:
            other = "/v1/embeddings" if model.kind == "embedding" else "/v1/chat/completions"
            raise BadCall(f"'{route.id}' is not a model for this endpoint", param="model", fix=f"Ask {other} for it")

    def _model(self, route: Route) -> Model:
        return self._config.models[next(iter(route.variants))]

    def _allowed(self, model: str, route: Route, data_class: DataClass, tenant: str) -> bool:
        provider = self._config.providers[self._config.models[model].target.provider]
        if data_class not in provider.classes:
            return False
        if provider.region == LOCAL_REGION and provider.kind == "embedded":
            return True
        wanted = (route.regions, self._config.residency.get(tenant, ()))
        return all(not regions or provider.region in regions for regions in wanted)


def usable(config: Config, name: str, setting: LiveRoute) -> bool:
    """Whether a live setting fits models.yaml: a known route, known models of its kind, a weight above 0."""
    route = config.routes.get(name)
    models = [config.models.get(one) for one in (*setting.variants, *setting.fallback)]
    if route is None or not any(weight > 0 for weight in setting.variants.values()):
        return False
    kind = config.models[next(iter(route.variants))].kind
    return all(model is not None and model.kind == kind for model in models)
