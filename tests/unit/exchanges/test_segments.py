"""Segments: what was written reads, also after a crash, a rotation or damage; and only with the tenant's key."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.core.clock import ManualClock
from seawall.core.errors import NotFound
from seawall.model_proxy.config import Recording
from seawall.model_proxy.exchanges.keys import FileKeys, TenantKeys, derived, pseudonym, sealer
from seawall.model_proxy.exchanges.recorder import Writer
from seawall.model_proxy.exchanges.segments import Segment, folder_of, prune, read, segments, tenants
from seawall.trust.encryption import Key, Keyring

MASTER = Keyring((Key(1, bytes(32)),))
batches = st.lists(st.binary(max_size=200), max_size=5)
quick = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(folder: Path, lines: list[bytes], tenant: str = "acme", master: Keyring = MASTER) -> Path:
    segment = Segment(folder, tenant, sealer(derived(master, tenant)), "20260108T12")
    for one in lines:
        segment.append(one)
    segment.close()
    return segment.path


def found(path: Path, tenant: str = "acme", master: Keyring = MASTER) -> list[bytes | None]:
    return [None if batch.damaged else batch.lines for batch in read(path, tenant, sealer(derived(master, tenant)))]


@quick
@given(batches)
def test_what_is_written_reads(tmp_path: Path, lines: list[bytes]) -> None:
    """In its order, byte by byte."""
    assert found(written(tmp_path, lines)) == lines


@quick
@given(batches, st.data())
def test_a_torn_end_is_passed_over(tmp_path: Path, lines: list[bytes], data: st.DataObject) -> None:
    """Wherever a crash cuts the file: the batches before it read, and nothing else does."""
    path = written(tmp_path, lines)
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    left = found(path)
    assert left == lines[: len(left)]
    assert len(left) < max(1, len(lines))


@quick
@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=4), st.data())
def test_a_changed_byte_is_never_believed(tmp_path: Path, lines: list[bytes], data: st.DataObject) -> None:
    """What reads is what was written."""
    path = written(tmp_path, lines)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    assert set(found(path)) <= {*lines, None}


def test_a_damaged_batch_costs_only_itself(tmp_path: Path) -> None:
    """Those after it read."""
    path = written(tmp_path, [b"one", b"two", b"three"])
    content = bytearray(path.read_bytes())
    content[20 + 4 + 30] ^= 1
    path.write_bytes(content)
    assert found(path) == [None, b"two", b"three"]


def test_a_batch_moved_to_another_place_does_not_open(tmp_path: Path) -> None:
    """Neither in another segment nor twice in its own."""
    one, two = written(tmp_path, [b"one"]), written(tmp_path, [b"two"])
    body = one.read_bytes()[20:]
    one.write_bytes(one.read_bytes() + body)
    two.write_bytes(two.read_bytes()[:20] + body)
    assert (found(one), found(two)) == ([b"one", None], [None])


def test_no_tenant_opens_anothers(tmp_path: Path) -> None:
    """With its own key, whatever the file is called; a tenant's reader is not given another's key at all."""
    path = written(tmp_path, [b"secret"])
    assert found(path, "other") == [None]
    assert all(batch.damaged for batch in read(path, "acme", sealer(derived(MASTER, "other"))))
    reader = TenantKeys("other", derived(MASTER, "other"))
    with pytest.raises(NotFound):
        reader.ring("acme")


def test_segments_from_before_a_rotation_open(tmp_path: Path) -> None:
    """The newest key seals, all open, and a user's pseudonym stays."""
    path = tmp_path / "keys" / "exchanges.json"
    keys, running = FileKeys(path), FileKeys(path)
    before = written(tmp_path / "a", [b"old"], master=Keyring(keys._master.keys))
    name = pseudonym(keys.ring("acme"), "ann")
    keys.rotate()
    running.refresh()
    assert [key.id for key in running.ring("acme").keys] == [1, 2]
    assert [batch.lines for batch in read(before, "acme", sealer(running.ring("acme")))] == [b"old"]
    assert pseudonym(running.ring("acme"), "ann") == name
    assert path.stat().st_mode & 0o777 == 0o600


class FakeKms:
    """Wraps by turning around."""

    def wrap(self, secret: bytes) -> bytes:
        return b"wrapped" + secret[::-1]

    def unwrap(self, wrapped: bytes) -> bytes:
        return wrapped.removeprefix(b"wrapped")[::-1]


def test_a_key_service_keeps_the_file_from_being_the_key(tmp_path: Path) -> None:
    """The file holds wrapped keys only, before and after a rotation."""
    path = tmp_path / "keys" / "exchanges.json"
    keys = FileKeys(path, FakeKms())
    keys.rotate()
    again = FileKeys(path, FakeKms())
    assert again.ring("acme") == keys.ring("acme")
    kept = msgspec.json.decode(path.read_bytes(), type=dict[int, bytes])
    assert [kept[key.id] for key in again._master.keys] == [b"wrapped" + key.secret[::-1] for key in keys._master.keys]


def test_tenants_of_any_name_have_a_folder(tmp_path: Path) -> None:
    """Directly beneath the root, whatever they are called."""
    for name in ("../../etc", "", ".", "a/b", "ü", "default"):
        folder = folder_of(tmp_path, name)
        assert folder.parent == tmp_path
        folder.mkdir()
    assert sorted(tenants(tmp_path)) == sorted(["../../etc", "", ".", "a/b", "ü", "default"])


def writer(tmp_path: Path, clock: ManualClock, **more: float) -> Writer:
    return Writer(tmp_path / "x", FileKeys(tmp_path / "k.json"), Recording(**more), clock, segment_bytes_max=400)


def test_segments_rotate_by_hour_and_size(tmp_path: Path) -> None:
    """A new file each hour, and when one is full."""
    clock = ManualClock()
    writes = writer(tmp_path, clock)
    for line in (b"a" * 10, b"b" * 10):
        writes.append("acme", line)
    assert len(segments(folder_of(tmp_path / "x", "acme"))) == 1
    clock.advance(3600)
    writes.append("acme", b"c")
    for number in range(12):
        writes.append("acme", b"%d" % number * 30)
    writes.close()
    assert len(segments(folder_of(tmp_path / "x", "acme"))) >= 3


def test_what_is_too_old_or_too_much_goes(tmp_path: Path) -> None:
    """By age first, then the oldest over the bound in bytes."""
    paths = [written(tmp_path / "t-acme", [b"x" * 50]) for _ in range(5)]
    for age, path in enumerate(paths):
        os.utime(path, (1000 - age * 100, 1000 - age * 100))
    size = paths[0].stat().st_size
    assert prune(tmp_path, now=1001, keep_seconds=350, bytes_max=1e9) == 1
    assert prune(tmp_path, now=1001, keep_seconds=1e9, bytes_max=2.5 * size) == 2
    assert [path.exists() for path in paths] == [True, True, False, False, False]
