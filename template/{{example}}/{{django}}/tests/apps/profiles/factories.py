"""Profiles for tests."""

from factory.declarations import SubFactory
from factory.django import DjangoModelFactory
from factory.faker import Faker

from apps.profiles.models import Profile
from tests.accounts.factories import UserFactory


class ProfileFactory(DjangoModelFactory[Profile]):
    """Profiles, each of a user of its own."""

    class Meta:
        model = Profile

    user = SubFactory(UserFactory)
    bio = Faker("sentence")
    website = "https://example.org/"
