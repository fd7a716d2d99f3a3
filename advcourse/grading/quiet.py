"""Nothing written to the standard error inside a test cell may cost marks.

nbgrader gives 0 points to a test cell with any output on stderr: a deprecation warning is enough.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Sends to the standard output whatever the block writes to the standard error.

    Covers ``sys.stderr`` (warnings, tqdm), handlers that kept a reference to it (logging) and, through file
    descriptor 2, what C and C++ libraries print. Nothing is lost: the text appears on ``sys.stdout``.
    Exceptions pass through unchanged.
    """
    kept = sys.stderr
    with contextlib.suppress(AttributeError, ValueError):
        kept.flush()
    with tempfile.TemporaryFile() as caught, contextlib.redirect_stderr(sys.stdout):
        saved = os.dup(2)
        os.dup2(caught.fileno(), 2)
        # A logging handler made earlier writes to the object, not to the name sys.stderr.
        replaced = _replace_write(kept)
        try:
            yield
        finally:
            if replaced:
                del kept.write
            else:
                with contextlib.suppress(AttributeError, ValueError):
                    kept.flush()
            os.dup2(saved, 2)
            os.close(saved)
            caught.seek(0)
            text = caught.read().decode(errors="replace")
            if text:
                sys.stdout.write(text)


def _replace_write(stream: TextIO) -> bool:
    """Points ``stream.write`` at the standard output; False where the object does not let itself be changed."""
    if stream is sys.stdout:
        return False
    try:
        stream.write = sys.stdout.write  # type: ignore[method-assign]
    except AttributeError:
        return False
    return True
