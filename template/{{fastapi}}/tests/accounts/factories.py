"""Users for tests."""

from functools import cache
from uuid import uuid4

from polyfactory import Ignore, Use
from polyfactory.factories.sqlalchemy_factory import SQLAlchemyFactory

from accounts import hashing
from accounts.models import User
from tests.support import PASSWORD


@cache
def _hashed() -> str:
    return hashing.hasher().hash(PASSWORD)


class UserFactory(SQLAlchemyFactory[User]):
    """Active users whose password is `PASSWORD`."""

    id = Use(uuid4)
    email = Use(lambda: f"{uuid4().hex}@example.org")
    password = Use(_hashed)
    full_name = Use(lambda: UserFactory.__faker__.name())
    is_active = True
    is_staff = False
    is_superuser = False
    email_verified_at = None
    last_login = None
    created_at = Ignore()
    updated_at = Ignore()
