"""The user model. Its table is complete; from the first render its migrations are the team's."""

from datetime import datetime

from sqlalchemy import CheckConstraint, String, false, true
from sqlalchemy.orm import Mapped, mapped_column

from config.database import CreatedAt, Id, Model, UpdatedAt


class User(Model):
    """A person or a machine that logs in with an e-mail address, kept in lower case."""

    __tablename__ = "accounts_user"
    # Two spellings of one address must not be two users.
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[Id]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    password: Mapped[str] = mapped_column(String(128))
    full_name: Mapped[str] = mapped_column(String(150), default="", server_default="")
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    is_staff: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_superuser: Mapped[bool] = mapped_column(default=False, server_default=false())
    email_verified_at: Mapped[datetime | None]
    last_login: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    @property
    def is_admin(self) -> bool:
        """Whether the user looks after everybody's content."""
        return self.is_staff or self.is_superuser
