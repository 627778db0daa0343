"""Prompts as a service: an app's typed functions, called with JSON, answered with what their schema promises."""
