"""What schemathesis is told about our services; its process loads this module."""

from typing import Any
from urllib.parse import urlencode

import schemathesis

LONGEST = 3500  # bytes of a query; the server itself refuses lines of more than 4094


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Leave out what says nothing about the document.

    Texts with blanks at their ends: we take those off before we measure a text, and JSON Schema
    cannot say so. Addresses that the server refuses before the application sees them.
    """
    given = [each for each in (case.body, case.query) if isinstance(each, dict)]
    texts = [text for each in given for text in each.values() if isinstance(text, str)]
    padded = any(text != text.strip() for text in texts)
    return not padded and len(urlencode(case.query or {}, doseq=True)) < LONGEST
