"""The private parts of torch that the library uses: where they are used, and that this torch still has them."""

import re
from importlib.util import find_spec

import pytest
import torch

from advcourse.core.private_torch import IMPORTED_LATE, by_rows, is_transformed, rows
from docs.architecture import ROOT, modules

X = torch.rand(5, 3, dtype=torch.float64)
HINT = f"torch {torch.__version__} has changed what advcourse/core/private_torch.py relies on"


def seen(run):
    """What ``rows`` says inside ``run``, which is given a function that asks it and passes its input on."""
    said = []
    run(lambda z: said.append(rows(z)) or z)
    return said


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (lambda ask: ask(X), [5]),
        (lambda ask: torch.func.vmap(ask)(X[:, None].expand(-1, 2, -1)), [10]),
        (lambda ask: torch.func.vmap(torch.func.vmap(ask))(X.expand(2, 4, 5, 3).clone()), [40]),
        (lambda ask: torch.func.grad(lambda x: ask(2 * x).sum())(X), [5]),
        (lambda ask: torch.func.vmap(torch.func.grad(lambda x: ask(x[None]).sum()))(X), [5]),
    ],
    ids=["plain", "vmap", "vmap of vmap", "grad", "vmap of grad"],
)
def test_rows_are_those_of_all_that_is_batched(run, expected):
    assert seen(run) == expected, HINT


def test_rows_of_a_batched_gradient():
    """``is_grads_batched`` batches by another mechanism than ``torch.func``."""
    said = []
    x = X.clone().requires_grad_()
    z = 2 * x
    z.register_hook(lambda gradient: said.append(rows(gradient)))
    torch.autograd.grad(z, x, torch.ones(4, *z.shape, dtype=z.dtype), is_grads_batched=True)
    assert said == [20], HINT


def test_a_batched_gradient_row_by_row():
    x, given = X.clone().requires_grad_(), []
    z = 2 * x

    def one(row):
        given.append(row.shape)
        return [3 * row, None]

    z.register_hook(lambda gradient: by_rows(one, gradient)[0])
    asked = torch.arange(2.0, 4.0, dtype=z.dtype)[:, None, None] * torch.ones(2, *z.shape, dtype=z.dtype)
    (found,) = torch.autograd.grad(z, x, asked, is_grads_batched=True)
    assert torch.equal(found, 6 * asked) and given == [X.shape, X.shape], HINT
    assert by_rows(one, X) is None


def test_a_transform_is_noticed():
    assert not is_transformed(), HINT
    assert torch.func.grad(lambda x: x.sum() * is_transformed())(X).eq(1).all(), HINT
    assert find_spec(IMPORTED_LATE), HINT


def test_torchs_private_parts_are_used_in_one_place():
    private = re.compile(r"\btorch\.(?:\w+\.)*_(?!_)\w+|\b(?:from|import) torch(?:\.\w+)*\._\w+")
    users = {name for name, file in modules(ROOT / "advcourse").items() if private.search(file.read_text())}
    assert users == {"core.private_torch"}
    assert private.search("torch._C.x") and private.search("from torch._C import x")
    assert not private.search("torch.__version__")
