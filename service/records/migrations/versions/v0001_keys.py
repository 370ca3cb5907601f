"""API keys, and the secret that signs what this service hands out."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("origins", sa.Text, nullable=False),
        sa.Column("documents", sa.Text, nullable=False),
        sa.Column("created", _time, nullable=False),
        sa.Column("revoked", _time),
    )
    table = op.create_table(
        "secrets",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )
    # Made here, under the lock of the migration, so that workers which start together share one.
    op.bulk_insert(table, [{"name": "signing", "value": secrets.token_bytes(32)}])
