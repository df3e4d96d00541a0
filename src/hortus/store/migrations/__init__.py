"""Alembic's environment and its revisions, shipped in the package."""
