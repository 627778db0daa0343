"""JSON Schema compiled for reading step by step: what a value may be, decided while its text arrives."""
