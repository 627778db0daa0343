"""Screening of model calls: injected instructions, personal data, secrets, and how sensitive the data is."""
