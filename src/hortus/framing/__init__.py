"""Bytes to frames and back, and changes of single JSON members."""
