"""The app bundle: load, check, compile. Pure: reads a folder once, then works on values."""
