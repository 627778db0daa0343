"""Postgres and Valkey: pools, named SQL, migrations, and the engines embedded on one machine."""
