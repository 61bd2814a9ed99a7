"""Wire shapes of profiles."""

from rest_framework.fields import DateTimeField

from apps.profiles.policies import WEBSITE
from config.serializers import CharField, Serializer


class ProfileSerializer(Serializer):
    """A profile; what a replacement leaves out is empty."""

    bio = CharField(max_length=2000, allow_blank=True, default="")
    website = CharField(pattern=WEBSITE, max_length=200, allow_blank=True, default="")
    updated_at = DateTimeField(read_only=True, allow_null=True)
