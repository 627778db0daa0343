"""The models that ship with Seawall, so that everything works without a key and without a network."""
