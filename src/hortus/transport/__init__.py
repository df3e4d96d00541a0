"""The HTTP client towards hosts."""
