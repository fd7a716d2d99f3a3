"""What can be told of an answer without running it: is it there, and does it parse?"""

from __future__ import annotations

import ast
import re
from functools import lru_cache

STUBS = {"code": "raise NotImplementedError()", "markdown": "YOUR ANSWER HERE"}
CONFLICT = re.compile(r"^(<{7}|>{7})( |$)", re.MULTILINE)


def is_stub(source: str, kind: str) -> bool:
    """Whether the answer is empty or still holds the stub."""
    return not source.strip() or STUBS[kind] in source


def wrong(source: str, kind: str) -> str | None:
    """What keeps an answer from being read, or None."""
    if found := CONFLICT.search(source):
        number = source.count("\n", 0, found.start()) + 1
        return f"holds the marks of a merge conflict (line {number}): keep one version and delete the marks"
    if kind != "code":
        return None
    try:
        compile(_parsed(source), "answer", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        return f"is no Python: {getattr(error, 'msg', error)}{line}"
    return None


@lru_cache(1000)
def assigned(source: str) -> frozenset[str]:
    """Every name that a source defines, imports or gives a value somewhere; ``"*"`` where it may be any."""
    try:
        tree = _parsed(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    nodes = list(ast.walk(tree))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = {node.name for node in tree.body if isinstance(node, kinds)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    return frozenset(names | {alias.asname or alias.name for node in imports for alias in node.names})


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.parse(_python(source))


def _python(source: str) -> str:
    """The source with magics (``%time``, ``!ls``) as calls, where IPython is there to do it."""
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:
        return source
    return TransformerManager().transform_cell(source)
