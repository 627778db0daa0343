"""Everything the model proxy is made of, opened in order and closed in the opposite one.

It starts and serves while Postgres, Valkey and providers are away. Every stage is set by models.yaml.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping

import msgspec

from seawall.core.digest import digest
from seawall.core.settings import Settings
from seawall.model_proxy.app import ModelProxy
from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.cache.shared import SharedAnswers
from seawall.model_proxy.caller import Caller
from seawall.model_proxy.config import Config
from seawall.model_proxy.config_load import load, models_file
from seawall.model_proxy.exchanges.cassettes import FOLDER as CASSETTES
from seawall.model_proxy.exchanges.cassettes import Cassettes
from seawall.model_proxy.exchanges.evaluation import Evaluation
from seawall.model_proxy.exchanges.recorder import open_recorder
from seawall.model_proxy.genai_spans import semconv_of
from seawall.model_proxy.health import Health, Ping
from seawall.model_proxy.identify import Identifier
from seawall.model_proxy.models import cards
from seawall.model_proxy.pipeline import Pipeline, Stages
from seawall.model_proxy.route.live import COPY, LiveRoutes
from seawall.model_proxy.route.router import Router
from seawall.model_proxy.screen.screen import RequestScreen
from seawall.model_proxy.screen.settings import OFF
from seawall.store.postgres import Database, open_pool
from seawall.store.valkey import ValkeyStore
from seawall.telemetry.export import Exporter
from seawall.trust.encryption import Sealer, load_or_create_key
from seawall.trust.keys import load_or_create
from seawall.trust.tokens import Tokens

POOL_MAX = 4


@contextlib.asynccontextmanager
async def wired(settings: Settings, environment: Mapping[str, str]) -> AsyncIterator[ModelProxy]:
    """The proxy of one instance. InvalidModels when models.yaml has faults."""
    config = load(models_file(environment))
    async with contextlib.AsyncExitStack() as stack:
        exporter = Exporter(settings.otlp_endpoint, "seawall-model-proxy", str(settings.replica))
        exporter.start()
        stack.callback(exporter.close)
        database = Database(await open_pool(settings.database_url, max_size=POOL_MAX))
        stack.push_async_callback(database.close)
        valkey = ValkeyStore(settings.valkey_url) if settings.valkey_url else None
        if valkey is not None:
            stack.push_async_callback(valkey.close)
        identifier = Identifier(Tokens(load_or_create(settings.keys)), database)
        await identifier.start()
        stack.push_async_callback(identifier.close)
        router = Router(config)
        live = LiveRoutes(database, settings.data / COPY, router.apply)
        await live.start()
        stack.push_async_callback(live.close)
        caller = Caller(config, run=settings.run, environment=environment)
        stack.callback(caller.close)
        cache = _cache(config, settings, valkey, router)
        stack.push_async_callback(cache.close)
        recorder = open_recorder(settings.data, config.record)
        if recorder is not None:
            recorder.start()
            stack.push_async_callback(recorder.close)
        evaluation = Evaluation(Cassettes(settings.data / CASSETTES, {folder.name: folder for folder in settings.apps}))
        stack.push_async_callback(evaluation.close)
        stages = Stages(
            identify=identifier,
            screen=_screen(config, settings),
            cache=cache if config.cache.ttl > 0 else None,
            route=router,
            caller=caller,
            record=recorder,
            evaluation=evaluation,
            semconv=semconv_of(environment),
        )
        yield ModelProxy(identifier, cards(config), Pipeline(stages), _health(config, database, valkey))


def _cache(config: Config, settings: Settings, valkey: ValkeyStore | None, router: Router) -> ExactCache:
    """Two levels where there is a Valkey. Keys hold the model a route gives now, and the screening answers have passed."""
    shared = None
    if valkey is not None:
        shared = SharedAnswers(valkey, Sealer(load_or_create_key(settings.keys / "cache.key")), ttl_seconds=config.cache.ttl)
    policy = digest(msgspec.to_builtins(config.screen))
    return ExactCache(config.cache, shared, routing=lambda call: router.candidates(call)[0].id, policy=policy)


def _screen(config: Config, settings: Settings) -> RequestScreen | None:
    """Placeholders are made with a key that replicas share, so that they may share answers as well."""
    if config.screen == OFF:
        return None
    return RequestScreen(config.screen, load_or_create_key(settings.keys / "screen.key").keys[-1].secret)


def _health(config: Config, database: Database, valkey: ValkeyStore | None) -> Health:
    async def models() -> bool:
        return bool(config.models)

    pings = [Ping("models", models, detail=f"{len(config.models)} models, {len(config.routes)} routes")]
    pings.append(Ping("postgres", database.ready, hard=False))
    if valkey is not None:
        pings.append(Ping("valkey", valkey.ready, hard=False))
    return Health(tuple(pings))
