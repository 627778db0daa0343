"""The parts of models.yaml that set the stages: limits, budgets, screening, cache, records, queue, retries, breakers."""

from __future__ import annotations

from typing import Any, get_args

from seawall.app.yaml_tree import Node
from seawall.model_proxy.call import DATA_CLASSES
from seawall.model_proxy.config import Breaking, Budget, CacheSettings, Config, Kept, Period, Queueing, Recording, Retries
from seawall.model_proxy.config_providers import LIMIT_KEYS, read_limits
from seawall.model_proxy.config_reader import Reader
from seawall.model_proxy.screen.settings import Action, Injection, InjectionAction, LongAction, Output, Raises, Screening

STAGE_KEYS = ("limits", "budgets", "screen", "cache", "record", "queue", "retries", "breaker")
_ACTIONS = get_args(Action)
_INJECTION = get_args(InjectionAction)
_LONG: tuple[LongAction, ...] = ("flag", "refuse")
_NANODOLLARS = 1_000_000_000


def read_stages(root: Node, reader: Reader) -> dict[str, Any]:
    """The fields of `Config` that these sections set."""
    limits = reader.section(root, "limits", ("user", "tenant"))
    usual = Config({}, {}, {})
    return {
        "user": read_limits(reader.section(limits, "user", LIMIT_KEYS), reader, usual.user),
        "tenant": read_limits(reader.section(limits, "tenant", LIMIT_KEYS), reader, usual.tenant),
        "budget": _budget(root, reader),
        "screen": _screening(root, reader),
        "cache": _cache(root, reader),
        "record": _recording(root, reader),
        "queue": _queueing(root, reader),
        "retries": _retries(root, reader),
        "breaker": _breaking(root, reader),
    }


def _budget(root: Node, reader: Reader) -> Budget:
    section = reader.section(reader.section(root, "budgets", ("default",)), "default", ("usd", "period"))
    usd = reader.number(section, "usd", 100.0, most=1e9)
    return Budget(round(usd * _NANODOLLARS), reader.choice(section, "period", get_args(Period), "month"))


def _screening(root: Node, reader: Reader) -> Screening:
    usual = Screening()
    node = reader.section(root, "screen", ("injection", "pii", "secrets", "output", "class", "raises"))
    injection = reader.section(node, "injection", ("rules", "data", "classifier", "long", "spotlight"))
    output = reader.section(node, "output", ("secrets", "pii", "prompt", "window"))
    raises = reader.section(node, "raises", ("pii", "secrets"))
    return Screening(
        injection=Injection(
            rules=reader.choice(injection, "rules", _INJECTION, usual.injection.rules),
            data=reader.choice(injection, "data", _INJECTION, usual.injection.data),
            classifier=reader.choice(injection, "classifier", _INJECTION, usual.injection.classifier),
            long=reader.choice(injection, "long", _LONG, usual.injection.long),
            spotlight=reader.flag(injection, "spotlight", default=usual.injection.spotlight),
        ),
        pii=reader.choice(node, "pii", _ACTIONS, usual.pii),
        secrets=reader.choice(node, "secrets", _ACTIONS, usual.secrets),
        output=Output(
            secrets=reader.choice(output, "secrets", _ACTIONS, usual.output.secrets),
            pii=reader.choice(output, "pii", _ACTIONS, usual.output.pii),
            prompt=reader.choice(output, "prompt", _ACTIONS, usual.output.prompt),
            window=reader.whole(output, "window", usual.output.window, least=64, most=4096),
        ),
        class_=reader.choice(node, "class", DATA_CLASSES, usual.class_),
        raises=Raises(
            pii=reader.choice(raises, "pii", DATA_CLASSES, usual.raises.pii),
            secrets=reader.choice(raises, "secrets", DATA_CLASSES, usual.raises.secrets),
        ),
    )


def _cache(root: Node, reader: Reader) -> CacheSettings:
    node, usual = reader.section(root, "cache", ("ttl", "max_mb")), CacheSettings()
    return CacheSettings(reader.seconds(node, "ttl", usual.ttl), reader.whole(node, "max_mb", usual.max_mb, least=1, most=1 << 20))


def _recording(root: Node, reader: Reader) -> Recording:
    node, usual = reader.section(root, "record", ("keep", "max_gb", "cassettes")), Recording()
    taped = reader.section(node, "cassettes", ("keep", "max_gb"))
    return Recording(
        reader.seconds(node, "keep", usual.keep),
        reader.number(node, "max_gb", usual.max_gb, least=0.001, most=1e6),
        Kept(
            reader.seconds(taped, "keep", usual.cassettes.keep, least=3600.0),
            reader.number(taped, "max_gb", usual.cassettes.max_gb, least=0.001, most=1e6),
        ),
    )


def _queueing(root: Node, reader: Reader) -> Queueing:
    node, usual = reader.section(root, "queue", ("waiting", "seconds")), Queueing()
    waiting = reader.whole(node, "waiting", usual.waiting, most=100_000)
    return Queueing(waiting, reader.seconds(node, "seconds", usual.seconds, most=600.0))


def _retries(root: Node, reader: Reader) -> Retries:
    node, usual = reader.section(root, "retries", ("attempts", "share", "burst", "wait")), Retries()
    return Retries(
        attempts=reader.whole(node, "attempts", usual.attempts, least=1, most=10),
        share=reader.number(node, "share", usual.share, most=1.0),
        burst=reader.whole(node, "burst", usual.burst, most=10_000),
        wait=reader.seconds(node, "wait", usual.wait, most=600.0),
    )


def _breaking(root: Node, reader: Reader) -> Breaking:
    keys = ("window", "failures", "slow", "slow_after", "least", "open", "probes")
    node, usual = reader.section(root, "breaker", keys), Breaking()
    return Breaking(
        window=reader.seconds(node, "window", usual.window, least=1.0, most=3600.0),
        failures=reader.number(node, "failures", usual.failures, least=0.01, most=1.0),
        slow=reader.number(node, "slow", usual.slow, least=0.01, most=1.0),
        slow_after=reader.seconds(node, "slow_after", usual.slow_after, least=0.001, most=3600.0),
        least=reader.whole(node, "least", usual.least, least=1, most=1_000_000),
        open=reader.seconds(node, "open", usual.open, least=0.001, most=3600.0),
        probes=reader.whole(node, "probes", usual.probes, least=1, most=100),
    )
