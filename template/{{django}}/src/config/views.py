"""Bases of views: who is asked first, what a body has to be, and how lists are answered."""

import hashlib
import json
from typing import Any, cast

from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from config import bodies
from config.errors import FieldError, UnsupportedMediaTypeError, ValidationFailedError


class View(GenericAPIView[Any]):
    """A view for users; `Public` in front of it opens one."""

    http_method_names = ("get", "post", "put", "patch", "delete", "head")
    filterset_class: Any = None

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Return none: what a path allows is told where it refused something else."""
        return {}

    @property
    def user(self) -> User:
        """Return who asks."""
        return cast("User", self.request.user)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a wrong method before asking who it is."""
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        super().initial(request, *args, **kwargs)

    def body(self, **options: Any) -> dict[str, Any]:
        """Return the checked values of the body; `partial=True` is for those of a change.

        Raises:
            UnsupportedMediaTypeError: it is not JSON.
            ValidationError: values are wrong, all named at once.
        """
        if not self.request.body:
            raise ValidationFailedError([FieldError("#", "required")])
        if not bodies.is_json(self.request.content_type):
            raise UnsupportedMediaTypeError
        serializer = self.get_serializer(data=json.loads(self.request.body), **options)
        serializer.is_valid(raise_exception=True)
        return cast("dict[str, Any]", serializer.validated_data)

    def answer(self, thing: object, status: int = 200, *, location: str = "") -> Response:
        """Return the answer that shows a thing; `location` is the path of one just made."""
        headers = {"Location": location} if location else None
        return Response(self.get_serializer(thing).data, status, headers=headers)

    def unchanged(self, *version: object) -> Response | None:
        """Return the answer to a client that has this version, else None."""
        tag = f'"{hashlib.sha256(repr(version).encode()).hexdigest()[:32]}"'
        self.headers |= {"ETag": f"W/{tag}", "Cache-Control": "private, no-cache"}
        known = self.request.headers.get("If-None-Match", "").split(",")
        if {each.strip().removeprefix("W/") for each in known}.isdisjoint({"*", tag}):
            return None
        return Response(status=304)


class Public(View):
    """A view for anybody; a token is not even looked at."""

    authentication_classes = ()
    permission_classes = ()


class ListView(ListModelMixin, View):
    """A list in pages; `pagination_class` is one of `config.lists`."""

    filter_backends = (DjangoFilterBackend,)

    def page(self) -> Response:
        """Return the page that was asked for, once the query is known to be good."""
        cast("Any", self.paginator).check(self)
        return self.list(self.request)
