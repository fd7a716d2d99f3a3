"""What crosses between the process that grades and the one of a submission, and what comes of it on both sides."""

import itertools
import math
import os
import signal
import socket
import struct

import numpy as np
import pandas
import pytest
import torch
from torch import nn

from advcourse.grading import checks, trial
from advcourse.grading.needs import names_of
from advcourse.grading.peer import FarError, Peer
from advcourse.grading.trial import Stage
from advcourse.grading.wire import CannotCross, Wire, WireError


@pytest.fixture(scope="module")
def box():
    with trial.sandboxed(unsafe=True) as made:
        yield made


@pytest.fixture
def student(box):
    """``student(source)`` runs cells and gives stand-ins for what they define."""
    child = box.child(20)
    stage = Stage(child.peer, [], [])

    def define(source, **functions):
        ran = child.peer.ask("run", "import torch\nfrom torch import nn\n" + source)
        assert ran["passed"], ran["outputs"]
        stage.names = stage.used = sorted(names_of(source)[0])
        stage.is_old = True
        stage._bind()
        stage.space.update(functions)
        return stage.space

    define.peer = child.peer
    define.child = child
    yield define
    child.stop()


def draw(*shape, seed=0, **options):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64, **options)


# -- values


VALUES = [
    None,
    True,
    -3,
    2**70,
    1.5,
    math.inf,
    "ünï\ncode",
    2 - 1j,
    [1, [2.0, "x"], (None,)],
    (),
    {"a": 1, 2: [3], (1, 2): {4}},
    {1, 2},
    slice(1, None, 2),
    range(3, 9, 2),
    torch.float16,
    torch.device("cpu"),
    torch.Size([2, 3]),
    np.float64(0.25),
    np.int32(7),
    np.bool_(True),
]


def test_plain_values_come_back_as_they_were(student):
    same = student("def same(x):\n    return x")["same"]
    for value in VALUES:
        back = same(value)
        assert back == value and type(back) is type(value)
    assert math.isnan(same(math.nan))
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    back = same(array)
    assert np.array_equal(back, array) and back.dtype == array.dtype
    table = pandas.DataFrame({"a": [1, 2], "b": ["x", None], "c": [True, False]}, index=["p", "q"])
    pandas.testing.assert_frame_equal(same(table), table)
    assert type(same(torch.max(torch.eye(2), 1))) is tuple  # a named result of torch


DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.uint8,
    torch.bool,
    torch.complex64,
]


def test_tensors_of_every_dtype_shape_and_layout(student):
    space = student("def copy(x):\n    return x.clone()\ndef about(x):\n    return list(x.stride()), x.is_contiguous()")
    for dtype in DTYPES:
        for shape in ((), (0,), (3,), (2, 0, 4), (2, 3, 4)):
            given = (3 * draw(*shape)).to(dtype)
            back = space["copy"](given)
            assert back.dtype == dtype and back.shape == given.shape and torch.equal(back, given)
    for given in (draw(2, 3, 4, 5).to(memory_format=torch.channels_last), draw(3, 4).T):
        assert space["about"](given)[0] == list(given.stride())
        assert space["copy"](given).stride() == given.stride()
    special = torch.tensor([math.nan, math.inf, -0.0])
    assert space["copy"](special).view(torch.int32).tolist() == special.view(torch.int32).tolist()
    sparse = torch.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3))
    back = student("def twice(x):\n    return 2 * x")["twice"](sparse)
    assert back.is_sparse and torch.equal(back.to_dense(), 2 * sparse.to_dense())


def test_what_does_not_cross_is_named(student):
    space = student(
        "class Odd:\n    pass\ndef odd(x):\n    return Odd()\n"
        "def model(x):\n    class Own(nn.Module):\n        pass\n    return Own()"
    )
    with pytest.raises((TypeError, FarError), match="Odd does not cross"):
        space["odd"](1)
    with pytest.raises((TypeError, FarError), match="Own does not cross"):
        space["model"](1)
    with pytest.raises(CannotCross, match="does not cross"):
        space["odd"](object())
    made = student(
        "import pandas\ndef bytes_():\n    return pandas.DataFrame({'a': pandas.Series([1], dtype='int8')})\n"
        "def rows():\n    return torch.eye(2).to_sparse_csr()\ndef dates():\n"
        "    return pandas.Series([1.0], index=pandas.to_datetime(['2026-03-04']))"
    )
    for name, said in {"bytes_": "columns of other types", "dates": "columns of other", "rows": "sparse_csr"}.items():
        with pytest.raises(TypeError, match=said):
            made[name]()
    nested = []
    for _ in range(60):
        nested = [nested]
    with pytest.raises(CannotCross, match="deep"):
        space["odd"](nested)


# -- what is changed without being returned


def test_changes_of_what_was_given_are_seen(student):
    space = student(
        "def touch(x, y, z):\n    x.add_(1)\n    y.requires_grad_()\n    z.square().sum().backward()\n"
        "def data(x):\n    x.data = torch.ones(2)\n"
    )
    x, y, z = draw(3), draw(2), draw(4).requires_grad_()
    before, gradient = x.clone(), z.grad
    space["touch"](x, y, z)
    assert torch.equal(x, before + 1) and y.requires_grad and gradient is None
    assert torch.equal(z.grad, 2 * z.detach())
    space["data"](y)
    assert torch.equal(y, torch.ones(2))


def test_a_gradient_that_is_there_is_added_to_in_place(student):
    space = student("def backward(x):\n    x.sum().backward()\ndef drop(x):\n    x.grad = None")
    x = draw(3).requires_grad_()
    x.grad = kept = torch.ones(3, dtype=torch.float64)
    space["backward"](x)
    assert x.grad is kept and torch.equal(kept, 2 * torch.ones(3))
    space["drop"](x)
    assert x.grad is None


def test_a_result_that_is_what_was_given_stays_that(student):
    space = student("def same(x):\n    return x\ndef view(x):\n    return x[1:]\ndef other(x):\n    return x + 0")
    x = draw(4)
    assert space["same"](x) is x
    assert space["view"](x).untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    assert torch.equal(space["view"](x), x[1:])
    assert space["other"](x).untyped_storage().data_ptr() != x.untyped_storage().data_ptr()


def test_what_is_not_seen(student):
    """Limits of what tests can tell, as docs/grading.md states them."""
    space = student(
        "def append(x):\n    x.append(1)\ndef add(x):\n    x += 1\ndef mark(m):\n    m.extra = 3\n"
        "def swap(m):\n    m.weight = nn.Parameter(0 * m.weight)\ndef two():\n    x = torch.ones(2)\n    return x, x\n"
        "class Own:\n    pass\ndef loud():\n    print('here')\n    import warnings\n    warnings.warn('there')"
    )
    given, array, model = [], np.zeros(2), nn.Linear(2, 2)
    before = model.weight.clone()
    for name, thing in {"append": given, "add": array, "mark": model, "swap": model}.items():
        space[name](thing)
    assert given == [] and not array.any() and not hasattr(model, "extra") and torch.equal(model.weight, before)
    one, other = space["two"]()
    one[0] = 5
    assert one is not other and other[0] == 1
    assert space["Own"] is None and space["loud"]() is None


def test_generators_and_global_random_numbers_and_the_gradient_mode(student):
    space = student(
        "def drawn(g):\n    return torch.rand(3, generator=g)\ndef from_all():\n    return torch.rand(2)\n"
        "def switch():\n    torch.set_grad_enabled(False)\ndef mode():\n    return torch.is_grad_enabled()"
    )
    ours, theirs = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    assert torch.equal(space["drawn"](theirs), torch.rand(3, generator=ours))
    assert torch.equal(torch.rand(3, generator=theirs), torch.rand(3, generator=ours))
    torch.manual_seed(5)
    first = space["from_all"]()
    state = torch.get_rng_state()
    torch.manual_seed(5)
    assert torch.equal(first, torch.rand(2)) and torch.equal(state, torch.get_rng_state())
    with torch.no_grad():
        assert space["mode"]() is False
    assert space["mode"]() is True
    space["switch"]()
    now = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    assert now is False


# -- graphs


def check_orders(function, *inputs):
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)


def test_a_result_has_its_graph_to_second_order(student):
    space = student("def f(x, y):\n    return (x.square() * y.sin()).sum() * x")
    x, y = draw(3).requires_grad_(), draw(3, seed=1).requires_grad_()
    check_orders(space["f"], x, y)
    upstream = draw(3, seed=2).requires_grad_()
    z = upstream.exp()  # what is given has a graph of its own
    (slope,) = torch.autograd.grad(space["f"](z, y).sum(), upstream, retain_graph=True)
    (right,) = torch.autograd.grad(((z.square() * y.sin()).sum() * z).sum(), upstream)
    assert torch.allclose(slope, right)
    assert space["f"](x.detach(), y.detach()).grad_fn is None


def test_no_graph_where_the_student_cut_it(student):
    space = student(
        "def cut(x):\n    return x.detach() * 2\ndef own(x):\n    return x.detach().clone().requires_grad_() * 2"
    )
    x = draw(3).requires_grad_()
    assert not space["cut"](x).requires_grad
    own = space["own"](x)
    assert own.requires_grad  # a graph, and none to what was given
    assert torch.autograd.grad(own.sum(), x, allow_unused=True) == (None,)


def test_an_autograd_function(student):
    source = (
        "class Cube(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x, k):\n"
        "        ctx.save_for_backward(x)\n"
        "        return x**3\n    @staticmethod\n    def backward(ctx, g):\n        return 7 * g, None\n"
    )
    cube = student(source)["Cube"]
    assert issubclass(cube, torch.autograd.Function)
    x = draw(3).requires_grad_()
    result = cube.apply(x, 2)
    assert torch.allclose(result, x**3)
    assert torch.equal(torch.autograd.grad(result.sum(), x)[0], 7 * torch.ones(3))


# -- models


class Odd(nn.Module):
    """A model of no class that the other side knows; it counts."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(draw(3, 4))
        self.register_buffer("passes", torch.zeros(()))
        self.inner = nn.BatchNorm1d(3, dtype=torch.float64)
        self.seen = []

    def forward(self, x):
        self.passes += 1
        self.seen.append((x.detach().clone(), self.training))
        return self.inner((x @ self.weight.T).tanh())


USES = """
def logits(model, x):
    return model(x)
def penalty(model, x):
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(model(x).square().sum(), x, create_graph=True)
    return slope.square().sum()
def modes(model, x):
    model.eval()
    with torch.no_grad():
        model(x)
    model.train()
def step(model, x):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model(x).square().sum().backward()
    optimizer.step()
def doubled(model):
    return __import__("copy").deepcopy(model)
def looked_at(model):
    return [type(m).__name__ for m in model.modules()], len(list(model.parameters())), isinstance(model[0], nn.Linear)
def functional(model, x):
    slope = torch.func.grad(lambda z: model(z).square().sum())(x)
    turned = torch.func.jacrev(lambda z: model(z))(x)
    values, pull = torch.func.vjp(model, x)
    return slope, turned, pull(values)[0]
def of_each(model, x):
    return torch.func.vmap(torch.func.grad(lambda z: model(z.unsqueeze(0)).square().sum()))(x)
def hessian(model, x):
    return torch.func.jacrev(torch.func.jacrev(lambda z: model(z).square().sum()))(x)
def at_once(model, x):
    z = x.clone().requires_grad_()
    logits = model(z).sum(0)
    return torch.autograd.grad(logits, z, torch.eye(len(logits), dtype=logits.dtype), is_grads_batched=True)[0]
def by_jacobian(model, x):
    return torch.autograd.functional.jacobian(model, x, vectorize=True)
def of_a_pair(model, x):
    return torch.func.grad_and_value(lambda z: (model(z).sum(), model(z)), has_aux=True)(x)[0]
def with_weights(model, x):
    def loss(weights):
        return torch.func.functional_call(model, weights, (x,)).square().sum()
    return torch.func.grad(loss)(dict(model.named_parameters()))
"""


def test_a_model_stays_here_and_is_called(student):
    space, model, x = student(USES), Odd(), draw(5, 4)
    result = space["logits"](model, x)
    assert model.passes == 1 and torch.equal(model.seen[0][0], x)
    twin = Odd()
    right = twin(x)
    assert torch.equal(result, right) and torch.equal(model.inner.running_mean, twin.inner.running_mean)
    mine = torch.autograd.grad(result.square().sum(), list(model.parameters()))
    theirs = torch.autograd.grad(right.square().sum(), list(twin.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))


def test_penalties_through_a_model_are_differentiated_to_its_weights(student):
    space, model, x = student(USES), Odd().eval(), draw(5, 4)
    found = space["penalty"](model, x)
    z = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(model(z).square().sum(), z, create_graph=True)
    right = slope.square().sum()
    assert torch.allclose(found, right)
    pulls = [torch.autograd.grad(each, model.weight)[0] for each in (found, right)]
    assert torch.allclose(*pulls)


def test_modes_weights_and_gradients_of_a_model(student):
    space, model, x = student(USES), Odd(), draw(5, 4)
    model.inner.eval()
    space["modes"](model, x)
    assert model.training and model.inner.training and [mode for _, mode in model.seen] == [False]
    twin = Odd()
    twin(x).square().sum().backward()
    torch.optim.SGD(twin.parameters(), 0.1).step()
    fresh = Odd()
    space["step"](fresh, x)
    for mine, theirs in zip(fresh.parameters(), twin.parameters(), strict=True):
        assert torch.equal(mine, theirs) and torch.equal(mine.grad, theirs.grad)


def test_a_copy_of_a_model_is_another_of_its_class(student):
    space, model = student(USES), Odd()
    made = space["doubled"](model)
    assert type(made) is Odd and made is not model and torch.equal(made.weight, model.weight)
    assert space["logits"](made, draw(5, 4)).shape == (5, 3)


def test_layers_are_what_they_are_and_hooks_are_called_here(student):
    space = student(USES)
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Flatten()).double()
    assert space["looked_at"](model) == (["Sequential", "Linear", "Tanh", "Flatten"], 2, True)
    seen = []
    handle = model.register_forward_pre_hook(lambda module, given: seen.append(module is model))
    x = draw(2, 4)
    assert torch.equal(space["logits"](model, x), model(x)) and seen == [True, True]
    handle.remove()
    space["logits"](model, x)
    assert len(seen) == 2


@pytest.mark.parametrize("far", [True, False])
def test_transforms_of_torch_func_in_an_answer(student, far):
    space, x = student(USES), draw(5, 4)
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh()).double()
    handle = model.register_forward_hook(lambda *given: None)
    if not far:
        handle.remove()
    right = (
        torch.func.grad(lambda z: model(z).square().sum())(x),
        torch.func.jacrev(model)(x),
        torch.func.vjp(model, x)[1](model(x))[0],
    )
    found = space["functional"](model, x)
    assert all(torch.allclose(a, b) for a, b in zip(found, right, strict=True))
    assert torch.allclose(space["of_each"](model, x), right[0])
    bent = torch.autograd.functional.hessian(lambda z: model(z).square().sum(), x)
    assert torch.allclose(space["hessian"](model, x), bent)
    logits, z = model(x), x.clone().requires_grad_()
    rows = [torch.autograd.grad(model(z).sum(0)[k], z)[0] for k in range(logits.shape[1])]
    assert torch.allclose(space["at_once"](model, x), torch.stack(rows))
    assert torch.allclose(space["by_jacobian"](model, x), torch.autograd.functional.jacobian(model, x))
    assert torch.allclose(space["of_a_pair"](model, x), torch.stack(rows).sum(0))
    weights = space["with_weights"](model, x)
    wanted = torch.autograd.grad(model(x).square().sum(), list(model.parameters()))
    assert all(
        torch.allclose(weights[name], each) for (name, _), each in zip(model.named_parameters(), wanted, strict=True)
    )


# -- functions, iterators, errors


def test_functions_of_the_test_are_called_here(student):
    space = student(
        "def through(f, x):\n    return f(x) + f(x)\ndef slope(f, x):\n    z = x.clone().requires_grad_()\n"
        "    return torch.autograd.grad(f(z).sum(), z, create_graph=True)[0]"
    )
    calls = []
    weight = draw(3).requires_grad_()

    def counted(x):
        calls.append(x.detach().clone())
        return (weight * x).square()

    x = draw(3, seed=1)
    found = space["through"](counted, x)
    assert len(calls) == 2 and torch.equal(calls[0], x)
    assert torch.allclose(torch.autograd.grad(found.sum(), weight)[0], 4 * weight * x**2)
    slope = space["slope"](counted, x)
    assert torch.allclose(slope, 2 * weight**2 * x)
    assert torch.allclose(torch.autograd.grad(slope.sum(), weight)[0], 4 * weight * x)


def test_a_function_of_the_student_comes_back_as_one(student):
    space = student("def power(k):\n    return lambda x: x**k\ndef apply(f, x):\n    return f(x)")
    cube = space["power"](3)
    assert cube(2) == 8
    assert space["apply"](space["power"], 2)(5) == 25  # its own function, given back to it


def test_iterators_are_asked_for_their_next(student):
    space = student(
        "def three(items):\n    return [next(items) for _ in range(3)]\ndef all_of(items):\n    return list(items)\n"
        "def odd():\n    return (n for n in range(1, 8, 2))"
    )
    counter = itertools.count(4)
    assert space["three"](counter) == [4, 5, 6] and next(counter) == 7
    assert space["all_of"](iter("ab")) == ["a", "b"]
    assert list(space["odd"]()) == [1, 3, 5, 7]


def test_errors_keep_their_kind_and_those_of_the_test_are_the_same(student):
    space = student(
        "class CheckFailed(AssertionError):\n    pass\n"
        "def built_in(x):\n    raise ZeroDivisionError('a' * 9000)\ndef own(x):\n    raise CheckFailed('✓ passed')\n"
        "def leaves():\n    raise SystemExit\ndef through(f):\n    try:\n        f()\n    finally:\n        pass\n"
        "def caught(f):\n    try:\n        f()\n    except ArithmeticError as error:\n        return str(error)\n"
        "def stub():\n    raise NotImplementedError()"
    )
    with pytest.raises(ZeroDivisionError) as found:
        space["built_in"](1)
    assert len(str(found.value)) < 5000
    with pytest.raises(AssertionError) as found:
        space["own"](1)
    assert not isinstance(found.value, checks.CheckFailed)
    with pytest.raises(FarError):
        space["leaves"]()
    with pytest.raises(NotImplementedError):
        space["stub"]()
    mine = ArithmeticError("breaks off")

    def breaks():
        raise mine

    with pytest.raises(ArithmeticError) as found:
        space["through"](breaks)
    assert found.value is mine
    assert space["caught"](breaks) == "breaks off"
    with pytest.raises(checks.CheckFailed, match="wrong"):
        space["through"](lambda: checks.fail("wrong"))


def test_a_right_version_of_an_earlier_exercise_is_used_inside(student):
    space = student("def inner(x):\n    return 0\ndef outer(x):\n    return inner(x) + 1")
    assert space["outer"](5) == 1
    own = space["inner"]
    space["inner"] = lambda x: 10 * x
    assert space["outer"](5) == 51
    space["inner"] = own
    assert space["outer"](5) == 1


def test_what_stays_here_shows_what_is_open_alone(student):
    from advcourse.blackbox import Oracle

    space = student(
        "def asks(oracle, x):\n    before = oracle.left(torch.arange(2)).tolist()\n    oracle(x)\n"
        "    return before, oracle.left(torch.arange(2)).tolist(), oracle.k\n"
        "def look(oracle, name):\n    return getattr(oracle, name)"
    )
    oracle = Oracle(lambda x: torch.stack([x.sum((1, 2, 3)), -x.sum((1, 2, 3))], 1), budget=3)
    assert space["asks"](oracle, draw(2, 1, 2, 2)) == ([3, 3], [2, 2], None)
    for name in ("_model", "model", "_oracle", "calls"):
        with pytest.raises((AttributeError, FarError), match=f"no attribute {name}"):
            space["look"](oracle, name)
    for name in ("_model", "forget", "__call__"):  # asked for past the stand-in
        with pytest.raises((AttributeError, FarError)):
            student("def past(x, n):\n    return x._peer.ask('attribute', x, n)")["past"](oracle, name)


# -- what a hostile process may send


def broken(send):
    """What the trusted end says to a process that sends that."""
    ours, theirs = socket.socketpair()
    peer = Peer(Wire(ours), trusted=True, seconds=2)
    if isinstance(send, bytes):
        theirs.sendall(send)
    with pytest.raises(WireError) as found:
        peer.ask("call", "f", [], {}, {})
    theirs.close()
    return str(found.value)


def frame(message, *blocks, lengths=None):
    import json

    text = json.dumps([message, lengths or [len(block) for block in blocks]]).encode()
    return struct.pack(">I", len(text)) + text + b"".join(blocks)


DAMAGED = {
    "nothing": b"",
    "garbage": b"\xff" * 4096,
    "no JSON": struct.pack(">I", 5) + b"abcde",
    "a number": struct.pack(">I", 1) + b"7",
    "half a frame": frame(["answer", True, [], None])[:-3],
    "blocks that are announced": frame(["answer", True, [], None], lengths=[2**40]),
    "negative blocks": frame(["answer", True, [], None], lengths=[-1]),
    "no message": frame({"a": 1}),
    "an unknown request": frame(["exec", True, [], ["list", []]]),
    "a private request": frame(["_send", True, [], ["list", []]]),
    "a service of the other side": frame(["run", True, [], ["list", ["1"]]]),
    "an unknown key": frame(["answer", True, [], ["known", "t99"]]),
    "a key of ours as new": frame(["answer", True, [], ["tensor", "t1", ["float32", [0], None, 0], False, False]], b""),
    "a class": frame(["answer", True, [], ["library", "os:system"]]),
    "an answer by name": frame(["answer", True, [], ["answer", "f"]]),
    "a tensor too short": frame(["answer", True, [], ["result", ["float32", [4], None, 0], False]], b"1234"),
    "a tensor of objects": frame(["answer", True, [], ["result", ["qint8", [1], None, 0], False]], b"1"),
    "an array of objects": frame(["answer", True, [], ["array", "|O", [1], 0]], b"12345678"),
    "a far model": frame(["answer", True, [], ["module", {"base": "torch.nn.modules.linear:Linear", "far": True}]]),
    "another model": frame(["answer", True, [], ["module", {"base": "os:system", "far": False}]]),
    "a function as model": frame(
        ["answer", True, [], ["module", {"base": "torch.nn.modules.module:register_module_forward_hook", "far": False}]]
    ),
    "a change of nothing known": frame(["answer", True, [["value", "t5", ["float32", [0], None, 0]]], None], b""),
    "a change of another kind": frame(["answer", True, [["data", "rng", 1]], None]),
    "depth": frame(["answer", True, [], 0])[:4] and struct.pack(">I", 200_000) + b"[" * 200_000,
    "a graph that is not kept": frame(
        ["pull", True, [], ["list", [7, ["result", ["float32", [], None, 0], False], False]]], b"1234"
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_frames_end_the_conversation(name):
    assert broken(DAMAGED[name])


def test_every_read_has_a_deadline(student):
    student.peer.seconds = 1
    space = student("import time\ndef loop():\n    while True:\n        pass\ndef sleep():\n    time.sleep(99)")
    with pytest.raises(WireError, match="nothing came in 1 s"):
        space["loop"]()


def test_a_process_that_is_killed_is_noticed(student):
    space = student("def f():\n    return 1")
    os.kill(student.child.number, signal.SIGKILL)
    with pytest.raises(WireError, match="has ended"):
        space["f"]()
