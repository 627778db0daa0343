"""Where an instance lives, and that two never share a place."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from seawall.cli import up
from seawall.cli.instance import AlreadyRunning, Instance, InstanceRecord, ServiceRecord, locate, reach
from seawall.cli.instance_directories import claim, prepare
from seawall.cli.instance_leftovers import clear_run, recover
from seawall.cli.instance_lock import is_held, lock
from seawall.cli.supervisor_process import start_ticks
from seawall.core.errors import ConfigurationError


def _record(of: Instance, pid: int, ticks: int, services: tuple[ServiceRecord, ...] = ()) -> InstanceRecord:
    return InstanceRecord(pid, ticks, "http://localhost:8420", 8420, str(of.data), "/run", services)


def _prepared(tmp_path: Path) -> Instance:
    instance = Instance(tmp_path / "data", tmp_path / "run")
    prepare(instance)
    return instance


def test_run_directory_is_named_by_the_data_path(tmp_path: Path) -> None:
    """Two data directories never share sockets, and the same one always finds its own."""
    one = locate(tmp_path / "one", {"XDG_RUNTIME_DIR": "/run/user/7"})
    other = locate(tmp_path / "other", {"XDG_RUNTIME_DIR": "/run/user/7"})
    assert one.run != other.run
    assert one.run.parent == Path("/run/user/7")
    assert one == locate(tmp_path / "one", {"XDG_RUNTIME_DIR": "/run/user/7"})


def test_too_long_a_path_for_sockets_says_how_to_mend_it(tmp_path: Path) -> None:
    """A socket's path has 107 bytes; a longer one is refused before anything starts."""
    with pytest.raises(ConfigurationError, match="XDG_RUNTIME_DIR") as caught:
        locate(tmp_path, {"XDG_RUNTIME_DIR": "/tmp/" + "x" * 90})
    assert "107" in caught.value.expected


def test_a_deep_data_directory_is_no_obstacle(tmp_path: Path) -> None:
    """Sockets are not kept in the data directory, so its depth does not matter."""
    assert locate(tmp_path / ("d" * 200), {}).run.parent == Path("/tmp")


def test_directories_are_private(tmp_path: Path) -> None:
    """Nobody else may look into the data or reach the sockets."""
    instance = _prepared(tmp_path)
    assert instance.data.stat().st_mode & 0o777 == 0o700
    assert instance.run.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kept", ["notes.txt", "home"])
def test_a_directory_with_other_things_in_it_is_not_closed_to_others(tmp_path: Path, kept: str) -> None:
    """`--data .` or `--data /tmp` would lock everybody out of it."""
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    (data / kept).mkdir()
    with pytest.raises(ConfigurationError, match="holds something else"):
        prepare(Instance(data, tmp_path / "run"))
    assert data.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("kept", ["warehouse", "lost+found"])
def test_a_directory_that_is_ours_or_a_fresh_volume_is_taken(tmp_path: Path, kept: str) -> None:
    """Prepared data that was copied, a disk that was just mounted."""
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    (data / kept).mkdir()
    prepare(Instance(data, tmp_path / "run"))
    assert data.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("left", ["postgres", "vectors", "gateway", "prepared"])
def test_a_run_directory_that_was_given_away_is_taken_back(tmp_path: Path, left: str) -> None:
    """A supervisor was killed after it had opened it to an embedded Postgres, however far it had come."""
    instance = _prepared(tmp_path)
    (instance.run / left).mkdir()
    instance.run.chmod(0o711)
    prepare(instance)
    assert instance.run.stat().st_mode & 0o777 == 0o700


def test_a_claimed_directory_keeps_its_mode(tmp_path: Path) -> None:
    """Somebody may be running in it; one that is for something else is refused all the same."""
    instance = _prepared(tmp_path)
    (instance.data / "instance.lock").touch()
    instance.data.chmod(0o711)
    claim(instance)
    assert instance.data.stat().st_mode & 0o777 == 0o711
    (instance.data / "instance.lock").rename(instance.data / "notes.txt")
    with pytest.raises(ConfigurationError, match="holds something else"):
        claim(instance)


def test_an_instance_is_reached_where_it_put_its_sockets(tmp_path: Path) -> None:
    """Whoever asks may have another XDG_RUNTIME_DIR: a shell of root, a timer."""
    assert reach(tmp_path, {}) == locate(tmp_path, {})
    locate(tmp_path, {}).write(_record(locate(tmp_path, {}), os.getpid(), start_ticks(os.getpid()) or 0))
    assert reach(tmp_path, {"XDG_RUNTIME_DIR": "/run/user/7"}).run == Path("/run")


def test_what_came_along_with_a_copy_of_another_directory_says_nothing(tmp_path: Path) -> None:
    """Whoever stops or starts the copy must not touch the processes of the original."""
    original, copied = (locate(tmp_path / name, {}) for name in ("original", "copied"))
    for one in (original, copied):
        prepare(one)
    original.write(_record(original, os.getpid(), start_ticks(os.getpid()) or 0))
    copied.record_path.write_bytes(original.record_path.read_bytes())
    assert (original.read() is not None, copied.read()) == (True, None)
    assert reach(copied.data, {}).run == copied.run


def test_whether_a_directory_is_held_is_found_out_without_holding_it(tmp_path: Path) -> None:
    """Before its supervisor has written a record, too."""
    instance = _prepared(tmp_path)
    assert not is_held(instance)
    held = lock(instance)
    assert is_held(instance)
    os.close(held)
    assert not is_held(instance)
    os.close(lock(instance))


def test_a_link_in_place_of_the_run_directory_is_refused(tmp_path: Path) -> None:
    """Under /tmp anybody may have put something where our directory goes."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="not a directory of this user"):
        prepare(Instance(tmp_path / "data", tmp_path / "run"))


def test_a_file_in_place_of_the_data_directory_is_explained(tmp_path: Path) -> None:
    """The error names the path and another way."""
    (tmp_path / "data").write_text("")
    with pytest.raises(ConfigurationError, match="--data"):
        prepare(Instance(tmp_path / "data", tmp_path / "run"))


def test_only_one_holds_a_data_directory(tmp_path: Path) -> None:
    """The second is told who has it and what to do."""
    instance = _prepared(tmp_path)
    held = lock(instance)
    instance.write(_record(instance, os.getpid(), start_ticks(os.getpid()) or 0))
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()} on http://localhost:8420"):
        lock(instance)
    os.close(held)
    os.close(lock(instance))


def test_a_refused_start_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs may have opened its directories to a Postgres that runs as somebody else: closed, it could not come back."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp")
    instance = locate(tmp_path / "data", os.environ)
    prepare(instance)
    held = lock(instance)
    try:
        instance.write(_record(instance, os.getpid(), start_ticks(os.getpid()) or 0))
        for passage in (instance.data, instance.run):
            passage.chmod(0o711)
        with pytest.raises(AlreadyRunning):
            up.run((), instance.data, None, detach=False, as_json=True, planner=lambda site: ())
        assert [passage.stat().st_mode & 0o777 for passage in (instance.data, instance.run)] == [0o711, 0o711]
    finally:
        os.close(held)
        clear_run(instance)


def test_who_holds_it_for_a_moment_only_is_waited_for(tmp_path: Path) -> None:
    """`seawall down` that looks for what was left, a supervisor that is about to end."""
    instance = _prepared(tmp_path)
    held = lock(instance)
    letting_go = threading.Timer(0.1, os.close, [held])
    letting_go.start()
    os.close(lock(instance))
    letting_go.join()


def test_record_survives_the_round_trip_and_garbage_is_no_record(tmp_path: Path) -> None:
    """A record cut short by a full disk counts as none."""
    instance = _prepared(tmp_path)
    assert instance.read() is None
    record = _record(instance, os.getpid(), start_ticks(os.getpid()) or 0, (ServiceRecord("ui-read", 1, "ready", 12, 34),))
    instance.write(record)
    assert instance.read() == record
    assert record.running
    instance.record_path.write_text('{"pid": 1')
    assert instance.read() is None


def test_recover_leaves_a_reused_pid_alone(tmp_path: Path) -> None:
    """A process that merely has the pid of an old service (here: this test) is not signalled."""
    instance = _prepared(tmp_path)
    instance.write(_record(instance, 1, 1, (ServiceRecord("ui-read", 0, "ready", os.getpid(), 1),)))
    assert recover(instance) == []


def test_recover_removes_stale_sockets_and_the_postmaster_file(tmp_path: Path) -> None:
    """What a killed instance left in the file system is gone."""
    instance = _prepared(tmp_path)
    (instance.run / "ui-read-0.sock").touch()
    (instance.run / ".s.PGSQL.5432.lock").touch()
    cluster = instance.data / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "postmaster.pid").write_text(str(os.getpid()))
    recover(instance)
    assert list(instance.run.iterdir()) == []
    assert not (cluster / "postmaster.pid").exists()


def test_the_socket_directory_goes_when_nobody_answers_in_it(tmp_path: Path) -> None:
    """Dead sockets and generated files go with it; a live socket or a file of somebody else's keeps it."""
    instance = _prepared(tmp_path)
    (instance.run / "gateway").mkdir()
    (instance.run / "gateway" / "listeners.json").touch()
    (instance.run / "prepared").touch()
    with socket.socket(socket.AF_UNIX) as live:
        live.bind(str(instance.run / "ui-read-0.sock"))
        live.listen()
        assert not clear_run(instance)
        assert (instance.run / "gateway" / "listeners.json").exists()
    (instance.run / "notes").touch()
    assert not clear_run(instance)
    assert [path.name for path in instance.run.iterdir()] == ["notes"]
    (instance.run / "notes").unlink()
    assert clear_run(instance)
