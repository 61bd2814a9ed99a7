"""Wire shapes of accounts."""

from rest_framework.fields import DateTimeField, IntegerField, UUIDField

from accounts.passwords import LONGEST
from config.serializers import CharField, Serializer
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


class TokenSerializer(Serializer):
    """An access token; `expires_in` is in seconds."""

    access_token = CharField()
    token_type = CharField()
    expires_in = IntegerField()
