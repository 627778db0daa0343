"""Which model takes a call: weighted variants that stick to a user, who may see what, and a table that operators change while it runs."""
