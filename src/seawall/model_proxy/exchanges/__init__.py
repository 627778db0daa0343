"""Exchanges: model calls as they are recorded, in one format that is log, cassette, golden sample and evaluation log."""
