"""The ui service: pages, panels, charts, tables, islands."""
