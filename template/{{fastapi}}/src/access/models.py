"""The template's own tables. Their migrations are the template's too: add none of yours here."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from config.database import CreatedAt, Id, Model


class TokenFamily(Model):
    """A login: its tokens are good while it is there and not revoked."""

    __tablename__ = "access_token_family"

    id: Mapped[Id]
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("accounts_user.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[CreatedAt]
    current: Mapped[uuid.UUID]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    revoked_at: Mapped[datetime | None]


class RoleGrant(Model):
    """A role that a user has; nobody has one twice."""

    __tablename__ = "access_role_grant"
    __table_args__ = (UniqueConstraint("user_id", "role"),)

    id: Mapped[Id]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("accounts_user.id", ondelete="CASCADE"))
    created_at: Mapped[CreatedAt]
    role: Mapped[str] = mapped_column(String(50))
