"""What is done in Django's admin counts for the API at once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client as DjangoClient
from django.urls import path
from pytest_django import Settings

from access.models import RoleGrant
from accounts.models import User
from config.environment import load
from tests.support import PASSWORD, Client, Login, MakeUser, refusal

pytestmark = pytest.mark.integration

Submit = Callable[..., Any]


@pytest.fixture
def api(data_client: Client, settings: Settings) -> Client:
    """Return a client of the application with its admin."""
    settings.ROOT_URLCONF.urlpatterns.append(path("admin/", admin.site.urls))
    return data_client


@pytest.fixture
def superuser(make_user: MakeUser) -> Any:
    """Return somebody who may do everything."""
    return make_user(email="root@example.org", is_staff=True, is_superuser=True)


@pytest.fixture
def browser(api: Client, superuser: Any) -> DjangoClient:
    """Return a superuser's browser."""
    made = DjangoClient()
    made.force_login(superuser)
    return made


@pytest.fixture
def submit(browser: DjangoClient) -> Submit:
    """Return what fills in a form, changes some of its values and sends it.

    `roles` are those of its inline form, by their names without its prefix.
    """

    def submit(place: str, changes: Any, roles: Any = None) -> Any:
        page = browser.get(place)
        assert page.status_code == 200
        forms = [page.context["form" if place.endswith("/password/") else "adminform"]]
        for inline in page.context.get("inline_admin_formsets", ()):
            forms += [inline.formset.management_form, *inline.formset.initial_forms]
            name = inline.formset.prefix
            changes = changes | {f"{name}-{key}": each for key, each in (roles or {}).items()}
        fields = (each for form in forms for each in getattr(form, "form", form))
        filled = {field.html_name: field.value() for field in fields} | changes
        sent = {name: each for name, each in filled.items() if each is not None}
        return browser.post(place, {name: each for name, each in sent.items() if each is not False})

    return submit


def account(user: Any, page: str = "change") -> str:
    return f"/admin/accounts/user/{user.id}/{page}/"


def roles(user: Any) -> list[str]:
    return sorted(RoleGrant.objects.filter(user=user.id).values_list("role", flat=True))


NEW = {"password1": PASSWORD[::-1], "password2": PASSWORD[::-1]}
NONE = {"usable_password": "false", "unset-password": "1"}  # pragma: allowlist secret


@pytest.mark.security
@pytest.mark.parametrize(
    ("page", "changes", "lost"),
    [
        ("change", {"is_active": False}, {}),
        ("password", NEW, {}),
        ("password", NONE, {}),
        ("change", {}, {"0-DELETE": "on"}),
    ],
    ids=["shut out", "a new password", "no password", "a role less"],
)
def test_what_ends_logins(
    api: Client,
    submit: Submit,
    make_user: MakeUser,
    login: Login,
    page: str,
    changes: dict[str, Any],
    lost: dict[str, Any],
) -> None:
    """Whom an admin shuts out, gives another password or takes a role from logs in again."""
    user = make_user()
    RoleGrant.objects.create(user_id=user.id, role="support")
    headers = login(user)
    assert api.get("/api/v1/users/me", headers=headers).status_code == 200
    assert submit(account(user, page), changes, lost).status_code == 302
    refusal(api.get("/api/v1/users/me", headers=headers), 401, "invalid_token")
    assert roles(user) == ([] if lost else ["support"])


def test_a_role_counts_at_once(
    api: Client, submit: Submit, make_user: MakeUser, login: Login, superuser: Any
) -> None:
    """Who is given one need not log in again, nor does anybody whose name changes."""
    user = make_user()
    headers = login(user)
    refusal(api.get(f"/api/v1/users/{superuser.id}", headers=headers), 403, "forbidden")
    given = {"TOTAL_FORMS": 1, "0-role": "support", "0-user": user.id}
    assert submit(account(user), {"full_name": "Ada"}, given).status_code == 302
    assert api.get(f"/api/v1/users/{superuser.id}", headers=headers).status_code == 200


def test_a_role_is_one_of_those_there_are(submit: Submit, make_user: MakeUser) -> None:
    """A misspelt one would give nothing, and nobody would know."""
    user = make_user()
    given = {"TOTAL_FORMS": 1, "0-role": "suport", "0-user": user.id}
    assert submit(account(user), {}, given).status_code == 200
    assert roles(user) == []


def test_a_new_user(submit: Submit) -> None:
    """The address is kept in lower case, and the password has to be good."""
    place, weak = "/admin/accounts/user/add/", {"password1": "12345678", "password2": "12345678"}
    new = {"email": "Ada@Example.org"}
    assert "password2" in submit(place, new | weak).context["adminform"].form.errors
    assert submit(place, new | NEW).status_code == 302
    assert User.objects.get(email="ada@example.org").check_password(NEW["password1"])


@pytest.mark.security
@pytest.mark.parametrize("page", ["change", "password", "delete"])
def test_only_superusers_change_users(api: Client, make_user: MakeUser, page: str) -> None:
    """Whoever else may log in to the admin could make themselves one, whatever they may do."""
    staff: Any = make_user(is_staff=True)
    staff.user_permissions.set(Permission.objects.all())
    browser = DjangoClient()
    browser.force_login(staff)
    assert browser.get("/admin/").status_code == 200
    assert browser.post(account(staff, page), {"is_superuser": "on"}).status_code == 403


@pytest.mark.security
def test_who_is_no_staff_is_not_let_in(api: Client, make_user: MakeUser) -> None:
    """A user of the API is shown the login, and gets no further by it."""
    user = make_user()
    browser = DjangoClient()
    form = {"username": user.email, "password": PASSWORD}
    assert browser.post("/admin/login/", form).status_code == 200
    assert browser.get("/admin/").status_code == 302


def test_the_login(api: Client, superuser: Any) -> None:
    """An address may be typed in any case; the session ends with the browser, or in an hour."""
    browser = DjangoClient()
    form = {"username": superuser.email.upper(), "password": PASSWORD, "next": "/admin/"}
    answer = browser.post("/admin/login/", form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    cookie = browser.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", "")
    assert browser.session.get_expiry_age() == 3600


@pytest.mark.security
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("place", ["/admin/", "/admin/login/", "/admin/nowhere/", "/admin/static/"])
def test_elsewhere_there_is_no_admin(
    browser: DjangoClient, monkeypatch: pytest.MonkeyPatch, place: str, method: str
) -> None:
    """Outside ADMIN_NETWORKS a superuser's session gets what any wrong path gets."""
    fenced = load().model_copy(update={"admin_networks": ("10.0.0.0/8",)})
    monkeypatch.setattr("access.networks.load", lambda: fenced)
    browser = DjangoClient(cookies=browser.cookies, enforce_csrf_checks=True)
    answer, other = (getattr(browser, method)(path) for path in (place, "/nowhere/"))
    refusal(answer, 404, "not_found")
    assert answer.headers.keys() == other.headers.keys()
    assert answer.json() | {"request_id": ""} == other.json() | {"request_id": ""}


@pytest.mark.security
@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}], ids=["", "origin"])
def test_a_form_of_another_site(api: Client, superuser: Any, headers: dict[str, str]) -> None:
    """A form without our token, or one that was sent from elsewhere, is refused."""
    browser = DjangoClient(enforce_csrf_checks=True)
    page = browser.get("/admin/login/")
    form = {"username": superuser.email, "password": PASSWORD}
    if headers:
        form["csrfmiddlewaretoken"] = str(page.context["csrf_token"])
    refusal(browser.post("/admin/login/", form, headers=headers), 403, "forbidden")


def test_every_page_opens(browser: DjangoClient) -> None:
    """Lists, searches and empty forms of everything that is registered."""
    for model in admin.site._registry:
        place = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for page in ("", "?q=a", "add/"):
            assert browser.get(place + page).status_code == 200, place + page
