"""Users for tests."""

from functools import cache

from django.contrib.auth.hashers import make_password
from factory.declarations import LazyFunction, Sequence
from factory.django import DjangoModelFactory
from factory.faker import Faker

from accounts.models import User
from tests.support import PASSWORD


@cache
def _hashed() -> str:
    return make_password(PASSWORD)


class UserFactory(DjangoModelFactory[User]):
    """Active users whose password is `PASSWORD`."""

    class Meta:
        model = User

    email = Sequence(lambda number: f"user-{number}@example.org")
    password = LazyFunction(_hashed)
    full_name = Faker("name")
