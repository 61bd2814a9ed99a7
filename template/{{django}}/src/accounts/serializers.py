"""Wire shapes of accounts."""

from rest_framework.fields import DateTimeField, IntegerField, ListField, UUIDField

from access.roles import known
from accounts.passwords import LONGEST
from config.serializers import BooleanField, CharField, ChoiceField, Serializer
from config.validation import EMAIL


class UserSerializer(Serializer):
    """A user, as the user sees it."""

    id = UUIDField(read_only=True)
    email = CharField(read_only=True)
    full_name = CharField(max_length=150, allow_blank=True, default="")
    created_at = DateTimeField(read_only=True)


class RegistrationSerializer(UserSerializer):
    """A user to be."""

    email = CharField(pattern=EMAIL, lower=True, max_length=254)
    password = CharField(write_only=True, allow_blank=True, trim_whitespace=False)


class CredentialsSerializer(Serializer):
    """Who wants a token; whatever is wrong with it is told in one way."""

    email = CharField(max_length=254, allow_blank=True, trim_whitespace=False)
    password = CharField(max_length=LONGEST, allow_blank=True, trim_whitespace=False)


class RefreshSerializer(Serializer):
    """A refresh token; whatever is wrong with it is told in one way."""

    refresh_token = CharField(max_length=2000, allow_blank=True, trim_whitespace=False)


class PasswordSerializer(Serializer):
    """A change of one's password."""

    current_password = CharField(max_length=LONGEST, allow_blank=True, trim_whitespace=False)
    new_password = CharField(allow_blank=True, trim_whitespace=False)


class TokenSerializer(Serializer):
    """What a login gets; lifetimes are in seconds."""

    access_token = CharField()
    token_type = CharField()
    expires_in = IntegerField()
    refresh_token = CharField()
    refresh_expires_in = IntegerField()


class AccountSerializer(Serializer):
    """A user, as admins see it."""

    id = UUIDField(read_only=True)
    email = CharField(read_only=True)
    full_name = CharField(read_only=True)
    is_active = BooleanField()
    roles = ListField(child=CharField(), read_only=True)
    created_at = DateTimeField(read_only=True)


class RolesSerializer(Serializer):
    """The roles that a user is to have."""

    roles = ListField(child=ChoiceField(choices=sorted(known())), max_length=50)
