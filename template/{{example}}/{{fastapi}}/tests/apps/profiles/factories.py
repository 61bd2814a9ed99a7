"""Profiles for tests."""

from polyfactory import Ignore, Use
from polyfactory.factories.sqlalchemy_factory import SQLAlchemyFactory

from apps.profiles.models import Profile
from tests.accounts.factories import UserFactory


class ProfileFactory(SQLAlchemyFactory[Profile]):
    """Profiles, each of a user of its own."""

    __set_foreign_keys__ = False

    user = Use(UserFactory.build)
    bio = Use(lambda: ProfileFactory.__faker__.sentence())
    website = "https://example.org/"
    created_at = Ignore()
    updated_at = Ignore()
