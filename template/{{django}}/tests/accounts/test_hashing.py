"""What Django asks about passwords is answered by the policy."""

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import (
    password_validators_help_texts,
    validate_password,
)
from django.core.exceptions import ValidationError

from accounts.models import User
from tests.support import PASSWORD


def test_commands_take_what_registration_takes() -> None:
    """Also one that contains the user's own name is too easy."""
    validate_password(PASSWORD)
    assert password_validators_help_texts() == [""]
    for password, code in (("short", "too_short"), ("grace-hopper-1906", "too_common")):
        with pytest.raises(ValidationError) as caught:
            validate_password(password, User(email="hopper@example.org"))
        assert [error.code for error in caught.value.error_list] == [code]


@pytest.mark.integration
@pytest.mark.django_db
def test_a_hash_of_another_kind_is_renewed_at_login() -> None:
    """Whoever comes from another Django service keeps the password."""
    old = make_password(PASSWORD, hasher="pbkdf2_sha256")
    user = User.objects.create(email="ada@example.org", password=old)
    assert authenticate(username=user.email, password=PASSWORD) == user
    user.refresh_from_db()
    assert user.password.startswith("argon2$argon2id$")
