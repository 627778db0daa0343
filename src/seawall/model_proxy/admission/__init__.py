"""Limits and money: leases in Valkey, a ledger in Postgres, and what a replica may give out of both without asking."""
