"""Identity, policy, redaction, encryption."""
