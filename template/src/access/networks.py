"""Where a request comes from, and what may come from where."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from config.environment import load
from config.errors import NotFoundError

ADMIN_ROUTES = ("/api/v1/users/{",)
Network = IPv4Network | IPv6Network


@lru_cache(maxsize=8)
def _networks(names: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(name, strict=False) for name in names)


def address_of(text: str | None) -> IPv4Address | IPv6Address | None:
    """Return the address, IPv4 also where it is written as IPv6; None for what is none.

    Proxies write a port behind it, and IPv6 in brackets; a zone's name may be any text.
    """
    text = (text or "").strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped if isinstance(found, IPv6Address) else None) or found


def _is_in(address: IPv4Address | IPv6Address | None, names: tuple[str, ...]) -> bool:
    return address is not None and any(address in network for network in _networks(names))


def client_of(peer: str | None, forwarded_for: Sequence[str], proto: str) -> tuple[str, bool]:
    """Return the client's address, and whether it came by https as far as a proxy may say so.

    `peer` is who is connected to us. Each proxy in TRUSTED_PROXIES adds the address that it saw
    to the end of `X-Forwarded-For`; the last one that is not such a proxy is the client. What
    an untrusted peer says of itself counts for nothing.
    """
    trusted = load().trusted_proxies
    found = address_of(peer)
    if not _is_in(found, trusted):
        return str(found or peer or ""), False
    hops = [hop for line in forwarded_for for hop in line.split(",")]
    for hop in reversed(hops):
        address = address_of(hop)
        if address is None:
            break  # whatever stands before it is hearsay
        found = address
        if not _is_in(address, trusted):
            break
    return str(found), proto.rpartition(",")[2].strip().lower() == "https"


def is_fenced(route: str) -> bool:
    """Return whether a route is for admins, and closed where ADMIN_NETWORKS does not open it."""
    return route.startswith(ADMIN_ROUTES)


def check_admin(client: str) -> None:
    """Let through who may use admin routes: everybody where ADMIN_NETWORKS is empty.

    Raises:
        NotFoundError: this address may not know of them.
    """
    networks = load().admin_networks
    if networks and not _is_in(address_of(client), networks):
        raise NotFoundError
