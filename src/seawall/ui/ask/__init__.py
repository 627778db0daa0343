"""Asking in words on the page: the box, the answer as a sentence that can be edited, what people think of it, what they keep."""
