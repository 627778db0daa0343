"""The composition root: builds every service and wires them."""
