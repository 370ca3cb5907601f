"""What is kept of questions: conversations, feedback and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_time = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("conversation_id", sa.Text, primary_key=True),
        sa.Column("owner_key", sa.Text, nullable=False),
        sa.Column("owner_user", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("created", _time, nullable=False),
        sa.Column("updated", _time, nullable=False),
    )
    op.create_index(
        "conversations_of_owner", "conversations", ["owner_key", "owner_user", "updated", "conversation_id"]
    )
    op.create_table(
        "turns",
        sa.Column(
            "conversation_id",
            sa.Text,
            sa.ForeignKey("conversations.conversation_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer_json", sa.Text, nullable=False),
        sa.Column("created", _time, nullable=False),
    )
    op.create_table(
        "feedback",
        sa.Column("feedback_id", sa.Text, primary_key=True),
        sa.Column("created", _time, nullable=False),
        sa.Column("owner_key", sa.Text, nullable=False),
        sa.Column("owner_user", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("answer_id", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("answer_json", sa.Text, nullable=False),
        sa.Column("reviewed", sa.Boolean, nullable=False),
    )
    op.create_index("feedback_by_time", "feedback", ["created", "feedback_id"])
    op.create_table(
        "audit",
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("at", _time, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("owner_key", sa.Text, nullable=False),
        sa.Column("owner_user", sa.Text, nullable=False),
        sa.Column("interface", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("kept", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("doc_ids", sa.Text, nullable=False),
        sa.Column("answer_id", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("milliseconds", sa.Float, nullable=False),
    )
    op.create_index("audit_by_time", "audit", ["at"])
