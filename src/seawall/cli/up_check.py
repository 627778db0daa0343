"""Before anything starts: are the apps sound?

The check runs in a process of its own, so that the supervisor, which lives for long, holds none of what checking needs. What was
found sound is kept in the data directory (`app/kept.py`): it is not checked again, by us or by the services, until a file of it or
Seawall itself changes. Faults are never kept.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from seawall.app.kept import keep, kept_bundle
from seawall.cli.instance import locate
from seawall.cli.instance_directories import claim
from seawall.cli.supervisor_process import die_with
from seawall.core.errors import ConfigurationError

KEPT = "bundles"
"""The folder in the data directory that services know as `Settings.bundles`."""
_POSTGRES = re.compile(r"postgres(ql)?://|\w+\s*="), "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
ADDRESSES = {
    "DATABASE_URL": _POSTGRES,
    "VECTOR_URL": _POSTGRES,
    "VALKEY_URL": (re.compile(r"(valkeys?|rediss?)://|unix:"), "valkey://USER:PASSWORD@HOST:PORT, valkeys://… or unix://…"),
}
"""Variable → how an address begins, and one as an example."""


def sound(folders: Sequence[Path], data: Path, *, as_json: bool) -> bool:
    """Whether all apps are sound; prints the faults of those that are not as `seawall check` does. Call it while there is one thread."""
    unknown = [folder for folder in folders if kept_bundle(folder, data / KEPT) is None]
    if not unknown:
        return True
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    die_with(parent)
    status = 1
    try:
        status = 0 if min([_is_sound(folder, data, as_json=as_json) for folder in unknown]) else 1
    except KeyboardInterrupt:
        status = 130
    except Exception:  # noqa: BLE001 -- a process edge: the parent only sees the status
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def check_addresses(environment: Mapping[str, str]) -> None:
    """ConfigurationError when a store's address is none. It is not repeated: it may hold a password."""
    for name, (form, example) in ADDRESSES.items():
        given = environment.get(name, "")
        if given and not form.match(given) and (name, given) != ("VECTOR_URL", "off"):
            raise ConfigurationError(f"{name} is not an address", expected=example, fix="Mend it, or unset it to use the embedded one")


def models_sound(file: Path, *, as_json: bool) -> bool:
    """Whether a models.yaml has no faults; prints them if it has, as `seawall models check` does. Keys may still be missing."""
    words = ["models", "check", str(file), "--no-keys", *(["--json"] if as_json else [])]
    done = subprocess.run([sys.executable, "-P", "-m", "seawall.cli.main", *words], stdout=subprocess.PIPE, check=False)  # noqa: S603 -- ourselves
    if done.returncode:
        sys.stdout.write(done.stdout.decode())
    return done.returncode == 0


def _is_sound(folder: Path, data: Path, *, as_json: bool) -> bool:
    from seawall.cli.check import checked_alone, show

    checked, bundle = checked_alone(folder)
    if bundle is not None and checked.ok:
        with suppress(ConfigurationError):  # whoever starts next tells what is wrong with the directory
            claim(locate(data, os.environ))
            keep(bundle, data / KEPT)
    else:
        show(checked, bundle, folder, as_json=as_json)
    return checked.ok
