"""Everything the model proxy is made of, opened in order and closed in the opposite one.

It starts and serves while Postgres, Valkey and providers are away. Every stage is set by models.yaml.
"""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec

from seawall.app.faults import InvalidApp
from seawall.app.load import load_bundle
from seawall.app.model import Bundle
from seawall.core.digest import digest
from seawall.core.settings import Settings
from seawall.model_proxy.admission.opening import open_admission
from seawall.model_proxy.app import ModelProxy
from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.cache.memo import EmbeddingMemo
from seawall.model_proxy.cache.shared import SharedAnswers
from seawall.model_proxy.call import Call
from seawall.model_proxy.caller import Caller
from seawall.model_proxy.config import Config
from seawall.model_proxy.config_load import load, models_file
from seawall.model_proxy.exchanges.cassettes import FOLDER as CASSETTES
from seawall.model_proxy.exchanges.cassettes import Cassettes
from seawall.model_proxy.exchanges.evaluation import Evaluation
from seawall.model_proxy.exchanges.keys import FILE as KEYS
from seawall.model_proxy.exchanges.keys import FileKeys
from seawall.model_proxy.exchanges.kms import load_kms
from seawall.model_proxy.exchanges.recorder import open_recorder
from seawall.model_proxy.genai_spans import OPT_IN, semconv_of
from seawall.model_proxy.health import Health, Ping
from seawall.model_proxy.identify import Identifier
from seawall.model_proxy.minilm import Embedder
from seawall.model_proxy.models import cards
from seawall.model_proxy.pipeline import Pipeline, Stages
from seawall.model_proxy.prompts.artifacts import ARTIFACTS
from seawall.model_proxy.prompts.batch import Batching
from seawall.model_proxy.prompts.library import Library
from seawall.model_proxy.prompts.service import Prompts
from seawall.model_proxy.route.live import COPY, LiveRoutes
from seawall.model_proxy.route.router import Router
from seawall.model_proxy.screen.classifier import InjectionClassifier
from seawall.model_proxy.screen.screen import RequestScreen
from seawall.model_proxy.screen.settings import OFF
from seawall.store.postgres import Database, open_pool
from seawall.store.valkey_pipe import PipedValkey
from seawall.telemetry.events import event
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
        valkey = PipedValkey(settings.valkey_url) if settings.valkey_url else None
        if valkey is not None:
            stack.push_async_callback(valkey.close)
        identifier = Identifier(Tokens(load_or_create(settings.keys)), database)
        await identifier.start()
        stack.push_async_callback(identifier.close)
        plain = Router(config)
        admission = open_admission(config, plain.routes, _holder(settings), database=database, valkey=valkey, journal=_journal(settings))
        await admission.start()
        stack.push_async_callback(admission.close)
        router = Router(config, may=admission.may)
        live = LiveRoutes(database, settings.data / COPY, lambda table: (plain.apply(table), router.apply(table))[1])
        await live.start()
        stack.push_async_callback(live.close)
        memo = EmbeddingMemo() if config.cache.ttl > 0 else None
        caller = Caller(config, run=settings.run, environment=environment, memo=memo, move=admission.move)
        stack.callback(caller.close)
        cache = _cache(config, settings, valkey, plain)
        stack.push_async_callback(cache.close)
        kms = load_kms(settings.exchanges_kms)
        recorder = open_recorder(settings.data, config.record, kms=kms)
        if recorder is not None:
            recorder.start()
            stack.push_async_callback(recorder.close)
        keys = functools.cache(lambda: FileKeys(settings.keys / KEYS, kms))
        apps = {folder.name: folder for folder in settings.apps}
        evaluation = Evaluation(Cassettes(settings.data / CASSETTES, apps, keys, kept=config.record.cassettes))
        evaluation.start()
        stack.push_async_callback(evaluation.close)
        stages = Stages(
            identify=identifier,
            admit=admission,
            screen=_screen(config, settings, stack),
            cache=cache if config.cache.ttl > 0 else None,
            route=router,
            caller=Batching(caller),
            start=caller.start,
            record=recorder,
            evaluation=evaluation,
            semconv=semconv_of(settings.genai_semconv, environment.get(OPT_IN, "")),
        )
        pipeline = Pipeline(stages)
        prompts = Prompts(_library(settings), pipeline.handle)
        yield ModelProxy(identifier, cards(config), pipeline, _health(config, database, valkey), prompts)


def _holder(settings: Settings) -> str:
    """This replica's name in leases and ledger: the same after a restart, another on another machine or for another instance."""
    return f"{socket.gethostname()[:60]}/{digest(str(settings.data))[:8]}/{settings.replica}"


def _journal(settings: Settings) -> Path:
    return settings.data / f"admission-{settings.replica}.journal"


def _cache(config: Config, settings: Settings, valkey: PipedValkey | None, router: Router) -> ExactCache:
    """Two levels where there is a Valkey. Keys hold the model a route gives now, and the screening answers have passed. `router` counts
    nothing against models' limits."""
    shared = None
    if valkey is not None:
        shared = SharedAnswers(valkey, Sealer(load_or_create_key(settings.keys / "cache.key")), ttl_seconds=config.cache.ttl)
    policy = digest(msgspec.to_builtins(config.screen))
    return ExactCache(config.cache, shared, routing=lambda call: _routed(router, call), policy=policy)


def _routed(router: Router, call: Call) -> str:
    """The model a route gives this caller now, by its own name too: what models.yaml calls the same may be another tomorrow."""
    target = router.candidates(call)[0]
    return f"{target.id}\0{target.provider}\0{target.model}"


def _library(settings: Settings) -> Library:
    """The prompts of the instance's apps. An app with faults has none here; the ui and `seawall check` tell of its faults."""
    bundles: list[Bundle] = []
    for folder in settings.apps:
        try:
            bundles.append(load_bundle(folder, settings.bundles))
        except InvalidApp:
            event("prompts.app_left_out", app=folder.name)
    return Library(bundles, ARTIFACTS)


def _screen(config: Config, settings: Settings, stack: contextlib.AsyncExitStack) -> RequestScreen | None:
    """Placeholders are made with a key that replicas share, so that they may share answers as well. ConfigurationError when the policy
    wants the classifier and its model is not there."""
    if config.screen == OFF:
        return None
    classifier = None
    if config.screen.injection.classifier != "off":
        embedder = Embedder()
        stack.callback(embedder.close)
        embedder.model.check()
        classifier = InjectionClassifier(embedder)
    return RequestScreen(config.screen, load_or_create_key(settings.keys / "screen.key").keys[-1].secret, classifier)


def _health(config: Config, database: Database, valkey: PipedValkey | None) -> Health:
    async def models() -> bool:
        return bool(config.models)

    pings = [Ping("models", models, detail=f"{len(config.models)} models, {len(config.routes)} routes")]
    pings.append(Ping("postgres", database.ready, hard=False))
    if valkey is not None:
        pings.append(Ping("valkey", valkey.ready, hard=False))
    return Health(tuple(pings))
