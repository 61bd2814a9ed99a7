"""The user: one address, one person."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction

from accounts.models import User

PHRASE = "correct horse"

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_a_user_is_created_with_a_lower_case_address() -> None:
    """The address is kept as it will be looked up, the password as a hash."""
    user = User.objects.create_user(" Ada@Example.ORG ", PHRASE)
    user.refresh_from_db()
    assert user.email == "ada@example.org"
    assert user.check_password(PHRASE)
    assert PHRASE not in user.password
    assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)
    assert abs(user.updated_at - user.created_at) < timedelta(minutes=1)
    assert user.email_verified_at is None


def test_without_a_password_nobody_logs_in() -> None:
    """An account that waits for its owner has no password that could be guessed."""
    assert not User.objects.create_user("ada@example.org").has_usable_password()


def test_a_superuser_may_do_everything() -> None:
    """Which `createsuperuser` makes."""
    user = User.objects.create_superuser("root@example.org", PHRASE)
    assert user.is_staff
    assert user.has_perm("accounts.delete_user")


def test_any_case_logs_in() -> None:
    """People type their address as they like."""
    user = User.objects.create_user("ada@example.org", PHRASE)
    assert authenticate(username="ADA@example.org", password=PHRASE) == user
    assert authenticate(username="ada@example.org", password=PHRASE.upper()) is None
    with pytest.raises(User.DoesNotExist):
        User.objects.get_by_natural_key(None)


def test_an_address_is_taken_once() -> None:
    """In whatever case it comes the second time."""
    User.objects.create_user("ada@example.org")
    with pytest.raises(IntegrityError, match="email"), transaction.atomic():
        User.objects.create_user("ADA@example.org")


def test_the_database_itself_refuses_upper_case() -> None:
    """Code that goes around the manager cannot make two users of one address."""
    with pytest.raises(IntegrityError, match="accounts_user_email_lower"), transaction.atomic():
        User.objects.create(email="Ada@example.org")


def test_the_text_of_a_user_is_no_address() -> None:
    """What is logged by mistake is an id."""
    user = User.objects.create_user("ada@example.org")
    assert str(user) == str(user.pk)
    assert isinstance(user.pk, uuid.UUID)
