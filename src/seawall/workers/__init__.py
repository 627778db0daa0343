"""The workers service: durable jobs on Postgres."""
