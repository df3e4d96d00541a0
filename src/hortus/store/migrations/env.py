"""Alembic's entry: runs migrations on the connection that `store/migrating.py` hands over."""

from alembic import context

from hortus.store.schema import TABLES

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=TABLES,
    render_as_batch=True,  # SQLite can change a column only by rebuilding its table
    transactional_ddl=True,  # all of an upgrade or none; Alembic's default for SQLite is no
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
