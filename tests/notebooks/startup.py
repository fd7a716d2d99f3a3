"""What a kernel runs first (PYTHONSTARTUP), in the notebook's own names: none is left behind."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.support.watching import watch

watch()
del sys.path[0], sys, Path, watch
