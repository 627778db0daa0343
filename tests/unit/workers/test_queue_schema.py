"""The queue's schema in our migrations is the installed Procrastinate's."""

from __future__ import annotations

from procrastinate.schema import SchemaManager

from seawall.store.migrations import DIRECTORY


def test_the_migration_is_the_installed_schema():
    """A new Procrastinate whose schema changed fails here, and needs a migration of its own."""
    ours = (DIRECTORY / "0002_job_queue.sql").read_text("utf-8")
    head, _, body = ours.partition("-- ───")
    assert "CREATE SCHEMA procrastinate" in head
    assert body.partition("\n")[2].strip() == SchemaManager.get_schema().strip()
