"""The same place by https, and no other."""

import pytest

from config import https

PLACES = {
    "root": ("/", "", "https://a.test/"),
    "query": ("/x", "a=1&b=%20c[]=/?", "https://a.test/x?a=1&b=%20c[]=/?"),
    "letters": ("/ä ☃", "q=☃", "https://a.test/%C3%A4%20%E2%98%83?q=%E2%98%83"),
    "line ends": ("/\r\nX: y", "a\r\nb", "https://a.test/%0D%0AX:%20y?a%0D%0Ab"),
    "marks": ("/a?b#c%d", "", "https://a.test/a%3Fb%23c%25d"),
    "another host": ("//b.test/x", "", "https://a.test//b.test/x"),
    "a user": ("@b.test", "", "https://a.test/@b.test"),
    "a port": (":80@b.test", "", "https://a.test/:80@b.test"),
    "backslash": ("/\\b.test", "", "https://a.test/%5Cb.test"),
}


@pytest.mark.security
@pytest.mark.parametrize(("path", "query", "location"), PLACES.values(), ids=PLACES)
def test_the_place_stays_the_same(path: str, query: str, location: str) -> None:
    """Host and line are what they were, whatever the path holds."""
    assert https.redirect("GET", "a.test", path, query) == (301, location)


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", 301), ("HEAD", 301), ("POST", 308), ("PUT", 308), ("DELETE", 308), ("BREW", 308)],
)
def test_what_writes_is_repeated_as_it_was(method: str, status: int) -> None:
    """A 301 would make clients turn it into a GET."""
    assert https.redirect(method, "a.test", "/", "")[0] == status
