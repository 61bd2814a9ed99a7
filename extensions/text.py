"""Jinja filters and tests of the template: total functions without I/O, in one file of its own."""

import re
import unicodedata
from functools import lru_cache

from jinja2 import Environment
from jinja2.ext import Extension

# What would end a quoted string or begin an expression in one of the formats that are rendered.
HOSTILE = "\"'`\\\\{}<>$"

# Each is the whole of an answer, and each says its length where another system has a limit.
PATTERNS = {
    "human_name": r"(?=.{1,39}\Z)[^\W_](?:[\w .-]*[^\W_])?",
    "slug": r"(?=.{2,39}\Z)[a-z](?:-?[a-z0-9])+",
    "github_handle": r"(?=.{1,39}\Z)[A-Za-z0-9](?:-?[A-Za-z0-9])*",
    "email": r"(?=.{1,254}\Z)[\w.%+-]+@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}",
    "one_line": rf"(?=.{{1,120}}\Z)[^\W_](?:[^{HOSTILE}]*[^\s{HOSTILE}])?",
}


def slugify(text: str) -> str:
    """Return `text` in lower-case ASCII words joined by hyphens, from the first letter on.

    Accents are dropped ("Émile Café" gives "emile-cafe"); text without Latin letters gives "".
    """
    ascii_text = unicodedata.normalize("NFKD", str(text)).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", ascii_text.lower())
    return "-".join(words).lstrip("0123456789-")


def matches(text: object, name: str) -> bool:
    """Tell whether all of `text` is what the pattern `name` describes, on one printable line."""
    flags = re.ASCII | re.IGNORECASE if name == "email" else re.NOFLAG
    return str(text).isprintable() and bool(re.fullmatch(PATTERNS[name], str(text), flags))


class TextFilters(Extension):
    """Make `… | slugify` and, for each pattern, `… is <pattern>` known to the template."""

    def __init__(self, environment: Environment) -> None:
        """Add each under its own name."""
        super().__init__(environment)
        environment.filters["slugify"] = slugify
        for name in PATTERNS:
            environment.tests[name] = lambda text, name=name: matches(text, name)
        # Copier asks for the same folders and the same answers file once for every file.
        compiled = lru_cache(maxsize=None)(environment.compile)
        environment.compile = compiled  # type: ignore[assignment, method-assign]
