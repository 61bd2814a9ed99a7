"""What the domains' models stand on."""

import pytest
from django.db.models import F

from accounts.models import User
from config.errors import NotFoundError
from config.models import Index, change, found


def test_an_index_is_named_after_its_columns() -> None:
    """As PostgreSQL would name it, however long that is."""
    index = Index(fields=["full_name", "email_verified_at"])
    index.set_name_with_model(User)
    assert index.name == "accounts_user_full_name_email_verified_at_idx"


@pytest.mark.integration
@pytest.mark.django_db
def test_a_row_is_found_and_changed() -> None:
    """A change is stored with its time, and leaves other columns alone."""
    with pytest.raises(NotFoundError):
        found(User.objects.all())
    user = User.objects.create_user("ada@example.org")
    User.objects.update(is_staff=True)
    assert change(user, full_name="Ada") is user
    changed = found(User.objects.filter(updated_at__gt=F("created_at")))
    assert (changed.full_name, changed.is_staff) == ("Ada", True)
