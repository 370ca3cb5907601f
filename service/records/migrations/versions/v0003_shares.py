"""Answers that can be opened by a link."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "shares",
        sa.Column("share_id", sa.Text, primary_key=True),
        sa.Column("created", _time, nullable=False),
        sa.Column("owner_key", sa.Text, nullable=False),
        sa.Column("owner_user", sa.Text, nullable=False),
        sa.Column("visible", sa.Text, nullable=False),
        sa.Column("doc_ids", sa.Text, nullable=False),
        sa.Column("answer_sha256", sa.Text, nullable=False),
        sa.Column("answer_json", sa.Text, nullable=False),
    )
    op.create_index("shares_of_owner", "shares", ["owner_key", "owner_user", "answer_sha256"])
    op.create_index("shares_by_time", "shares", ["created"])
