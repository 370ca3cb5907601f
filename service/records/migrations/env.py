"""Runs migrations on the connection, and in the transaction, that `Database.open` hands over."""

from alembic import context

from service.records.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
)
context.run_migrations()
