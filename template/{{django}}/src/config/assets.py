"""What `collectstatic` looks at first: the files that our templates name are there.

It finds by itself what a stylesheet names and nobody has.
"""

from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.core import checks
from django.template import Engine
from django.template.utils import get_app_template_dirs
from django.templatetags.static import StaticNode

from config import identity


@checks.register(checks.Tags.staticfiles)
def named_files_exist(**_: Any) -> list[checks.CheckMessage]:
    """Return an error for each file that a `static` tag of this service names and nobody has."""
    return [
        checks.Error(f"{template} names {name}, which no static folder has.", id="assets.E001")
        for template, name in _named()
        if finders.find(name) is None
    ]


def _named() -> list[tuple[str, str]]:
    own = [
        path
        for folder in map(Path, get_app_template_dirs("templates"))
        if folder.is_relative_to(identity.ROOT / "src")
        for path in folder.rglob("*.html")
    ]
    found = []
    for path in own:
        nodes = Engine.get_default().from_string(path.read_text()).nodelist
        for node in nodes.get_nodes_by_type(StaticNode):
            # What is a variable is not known before it is rendered.
            if isinstance(node, StaticNode) and isinstance(node.path.var, str):
                found.append((path.name, node.path.var))
    return found
