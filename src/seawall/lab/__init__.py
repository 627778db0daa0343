"""What users try their apps with before users of theirs do: simulators. Production code never imports it."""
