"""HTML of pages, panels, tables, filters and states. Pure and synchronous; everything that comes from data is escaped."""
