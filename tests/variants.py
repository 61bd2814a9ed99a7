"""The covering set: which answers are rendered, started and checked.

Each framework stands here once with every default, and each choice of `copier.yml` at least once
(`tests/render/test_variants.py` names what is missing). The full product is only rendered.
"""

from typing import Final

Answers = dict[str, str | int | bool]

FRAMEWORKS: Final = ("django", "fastapi")

VARIANTS: Final[dict[str, Answers]] = {
    "django": {"project_name": "Demo", "framework": "django"},
    "fastapi": {"project_name": "Demo", "framework": "fastapi"},
    "django-customised": {
        "project_name": "Émile 2 Café",
        "framework": "django",
        "customise": True,
        "project_slug": "emile",
        "project_description": "Müsli & more: orders, 50 % off (beta)",
        "owner": "Example-Org",
        "security_contact": "abuse+api@example.org",
        "licence": "Apache-2.0",
        "example_domain": False,
        "python_version": "3.11",
        "postgres_version": 15,
        "coverage_min": 0,
        "registry": "dockerhub",
    },
    "fastapi-customised": {
        "project_name": "7 Wonders_of.the-World",
        "framework": "fastapi",
        "customise": True,
        "owner": "x",
        "licence": "BSD-3-Clause",
        "example_domain": False,
        "python_version": "3.13",
        "postgres_version": 16,
        "coverage_min": 100,
        "registry": "none",
    },
    "django-closed": {
        "project_name": "A1",
        "framework": "django",
        "licence": "Proprietary",
        "postgres_version": 17,
    },
}
