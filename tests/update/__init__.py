"""What becomes of services of earlier releases."""

import pytest

# A case that fails says what it found.
pytest.register_assert_rewrite("tests.update.gate")
