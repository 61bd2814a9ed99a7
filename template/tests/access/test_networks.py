"""Whose address counts, and who may say so."""

from collections.abc import Callable

import pytest

from access import networks
from config.environment import Environment, load
from config.errors import NotFoundError

pytestmark = pytest.mark.security
Configure = Callable[..., None]
PROXIES = ("10.0.0.0/8", "2001:db8:ffff::/48")


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Return what changes settings for the test."""

    def change(**changes: tuple[str, ...]) -> None:
        changed: Environment = load().model_copy(update=changes)
        monkeypatch.setattr(networks, "load", lambda: changed)

    return change


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:cb00:7107", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
        ("2001:DB8::0001", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ('fe80::1%eth0"}', "fe80::1"),
        ("", None),
        (None, None),
        ("unknown", None),
        ("_hidden", None),
        ("1.2.3", None),
        ("01.2.3.4", None),
        ("1.2.3.4.5", None),
        ("example.org:80", None),
        ("::1::", None),
    ],
)
def test_addresses_are_read_as_proxies_write_them(text: str | None, address: str | None) -> None:
    """One address has one form, whatever stands around it; a name is none."""
    found = networks.address_of(text)
    assert (str(found) if found else None) == address


CHAINS = {
    "no proxy": ("203.0.113.7", [], "203.0.113.7"),
    "a stranger who claims": ("203.0.113.7", ["10.1.1.1"], "203.0.113.7"),
    "one proxy": ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
    "a spoofed beginning": ("10.0.0.1", ["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
    "two proxies": ("10.0.0.1", ["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
    "two headers": ("10.0.0.1", ["1.1.1.1", "203.0.113.7", "10.0.0.2"], "203.0.113.7"),
    "IPv6 throughout": ("2001:db8:ffff::1", ["2001:db8::7"], "2001:db8::7"),
    "a proxy on both stacks": ("::ffff:10.0.0.1", ["[2001:db8::7]:55"], "2001:db8::7"),
    "a mapped client": ("10.0.0.1", ["::ffff:203.0.113.7"], "203.0.113.7"),
    "a proxy that calls": ("10.0.0.1", [], "10.0.0.1"),
    "all are proxies": ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    "rubbish": ("10.0.0.1", ["203.0.113.7, nonsense"], "10.0.0.1"),
    "rubbish before a proxy": ("10.0.0.1", ["1.1.1.1, , 10.0.0.2"], "10.0.0.2"),
    "a socket": ("", ["203.0.113.7"], ""),
    "nobody": (None, ["203.0.113.7"], ""),
}


@pytest.mark.parametrize(("peer", "hops", "client"), CHAINS.values(), ids=CHAINS)
def test_the_last_who_is_no_proxy_is_the_client(
    configure: Configure, peer: str | None, hops: list[str], client: str
) -> None:
    """What stands before it in the header is that client's own invention."""
    configure(trusted_proxies=PROXIES)
    assert networks.client_of(peer, hops, "")[0] == client


def test_by_default_nobody_is_trusted(configure: Configure) -> None:
    """A header alone changes nothing."""
    configure(trusted_proxies=())
    assert networks.client_of("127.0.0.1", ["203.0.113.7"], "https") == ("127.0.0.1", False)


@pytest.mark.parametrize(
    ("proto", "https"),
    [("https", True), ("HTTPS", True), ("http, https", True), ("https,http", False), ("", False)],
)
def test_the_nearest_proxy_tells_the_scheme(configure: Configure, proto: str, https: bool) -> None:
    """It is believed when it is one of ours, and nobody else ever is."""
    configure(trusted_proxies=PROXIES)
    assert networks.client_of("10.0.0.1", ["203.0.113.7"], proto)[1] is https
    assert networks.client_of("203.0.113.7", [], proto)[1] is False


@pytest.mark.parametrize(
    ("allowed", "client", "may"),
    [
        ((), "203.0.113.7", True),
        ((), "", True),
        (("203.0.113.0/24",), "203.0.113.7", True),
        (("203.0.113.0/24",), "::ffff:203.0.113.7", True),
        (("203.0.113.0/24",), "203.0.114.7", False),
        (("203.0.113.0/24", "2001:db8::/32"), "2001:db8::7", True),
        (("203.0.113.0/24",), "2001:db8::7", False),
        (("203.0.113.0/24",), "", False),
        (("203.0.113.0/24",), "nonsense", False),
    ],
)
def test_admin_routes_are_for_the_networks_named(
    configure: Configure, allowed: tuple[str, ...], client: str, may: bool
) -> None:
    """From elsewhere nothing is there, whoever asks."""
    configure(admin_networks=allowed)
    if may:
        networks.check_admin(client)
    else:
        with pytest.raises(NotFoundError):
            networks.check_admin(client)


@pytest.mark.parametrize(
    ("route", "fenced"),
    [
        ("/api/v1/users/{user_id}", True),
        ("/api/v1/users/{user_id}/roles", True),
        ("/api/v1/users/me", False),
        ("/api/v1/orders/{order_id}", False),
        ("", False),
    ],
)
def test_routes_about_other_users_are_fenced(route: str, fenced: bool) -> None:
    """One's own account is reached from anywhere."""
    assert networks.is_fenced(route) is fenced
