"""What the exercises of the lectures answer: done, not done yet, or what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from advcourse.grading.checks import CheckFailed


@contextmanager
def attempt(title: str) -> Iterator[None]:
    """Wraps the check of a lecture's exercise: says done, not done yet, or what is wrong; never stops the notebook."""
    try:
        yield
    except NotImplementedError:
        print(f"… {title}: not done yet. Fill in the cell above, run it, then run this one again.")
    except CheckFailed as failed:
        print(f"✗ {title}: {failed}")
    except Exception as error:
        print(f"✗ {title}: your code raised {type(error).__name__}: {error}")
    else:
        print(f"✓ {title}")
