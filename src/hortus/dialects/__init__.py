"""The registry of wire formats."""
