"""A function beside a right one: what is right passes, and each fault of a kind is refused and named."""

import pytest
import torch
from torch import nn

from advcourse.grading import beside, checks, toys
from tests.support.refusals import says


def slopes(model, images, labels):
    x = images.detach().clone().requires_grad_()
    return torch.autograd.grad(nn.functional.cross_entropy(model(x), labels, reduction="sum"), x)[0]


def step(model, images, labels, size):
    return (images.detach() + size * slopes(model, images, labels).sign()).clamp(0, 1)


def one_by_one(model, images, labels, size):
    pairs = zip(images.split(1), labels.split(1), strict=True)
    return torch.cat([step(model, x, y, size) for x, y in pairs])


def case(model, images, labels):
    return model, images, labels, 0.1


WRONG_VALUES = {
    "the whole batch by one sign": lambda m, x, y, e: x + 0 * step(m, x, y, e).mean(0),
    "float64 only": lambda m, x, y, e: (
        step(m, x, y, e) if x.dtype == torch.float64 else step(m, x, y, e).round(decimals=2)
    ),
    "the first channel only": lambda m, x, y, e: torch.cat([step(m, x, y, e)[:, :1], x[:, 1:]], 1),
    "the first image only": lambda m, x, y, e: torch.cat([step(m, x, y, e)[:1], x[1:]]),
    "labels up to ten": lambda m, x, y, e: step(m, x, y.clamp(max=9), e),
    "another dtype": lambda m, x, y, e: step(m, x, y, e).double(),
    "no result": lambda m, x, y, e: None,
}


def test_what_is_right_passes_for_many_seeds():
    for seed in range(40):
        beside.matches(step, one_by_one, case, seed)
        beside.spares(step, case, seed)
    beside.holds(step, one_by_one, case)


@pytest.mark.parametrize("wrong", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_wrong_values_are_refused(wrong):
    for seed in (None, 1, 2):
        with pytest.raises(checks.CheckFailed):
            beside.matches(wrong, one_by_one, case, seed)


def overwrites(model, images, labels, size):
    return images.copy_(step(model, images, labels, size)) + 0


def fills(model, images, labels, size):
    nn.functional.cross_entropy(model(images.clone().requires_grad_()), labels).backward()
    return step(model, images, labels, size)


def keeps_a_graph(model, images, labels, size):
    x = images.clone().requires_grad_()
    return x + 0


def hands_back_its_input(model, images, labels, size):
    return images.detach()


def switches(model, images, labels, size):
    modes = [(m, m.training) for m in model.modules()]
    model.eval()
    result = step(model, images, labels, size)
    for m, mode in modes:
        m.training = mode
    return result


def leaves_eval(model, images, labels, size):
    result = step(model, images, labels, size)
    model.eval()
    return result


def thaws(model, images, labels, size):
    result = step(model, images, labels, size)
    model.train(model.training)
    return result


@pytest.mark.parametrize(
    "function, words",
    [
        (overwrites, "overwrote its input"),
        (fills, "filled .grad"),
        (keeps_a_graph, "still requires a gradient"),
        (hands_back_its_input, "returned a tensor that it was given"),
        (switches, "ran the model in another mode than it came in"),
        (leaves_eval, "switched the model between train and eval mode"),
        (thaws, "switched a BatchNorm2d of the model between train and eval mode"),
    ],
)
def test_traces_are_named(function, words):
    with says(words):
        beside.spares(function, case, 1)


def walk(model, images, labels, size, steps, going=lambda z, y: z.argmax(1) == y):
    x = images
    for _ in range(steps):
        active = going(model(x).detach(), labels).view(-1, 1, 1, 1)
        x = torch.where(active, step(model, x, labels, size), x)
    return x


def together(model, images, labels, size, steps):
    return walk(model, images, labels, size, steps, lambda z, y: (z.argmax(1) == y).any().expand(len(y)))


def never(model, images, labels, size, steps):
    return walk(model, images, labels, size, steps, lambda z, y: y < 0)


def test_stops():
    def right(model, x, y):
        return model(x).argmax(1) == y

    for seed in (None, 1, 2, 3):
        beside.halts(walk, right, lambda steps: (0.06, steps), 8, seed)
        with says("is done but moved in step"):
            beside.halts(together, right, lambda steps: (0.06, steps), 8, seed)
        with says("should go on but did not move in step 1"):
            beside.halts(never, right, lambda steps: (0.06, steps), 8, seed)


def test_numbers_as_they_come():
    given = torch.tensor([0.25, 0.5], dtype=torch.float64)
    for each in (given, given.float(), given.numpy(), given.tolist(), (0.25, given[1]), [1 / 4, given.numpy()[1]]):
        assert torch.equal(checks.numbers(each, "ratios", 2), given)
    assert checks.numbers(torch.tensor([1, 2]), "ratios", 2).tolist() == [1.0, 2.0]
    for each, kind in (("0.25 0.5", "a str"), (0.25, "a float"), ({0.25, 0.5}, "a set")):
        with says(f"ratios returned {kind}; expected 2 numbers, in a list or a tensor"):
            checks.numbers(each, "ratios", 2)
    with says("ratios returned None: is the `return` missing"):
        checks.numbers(None, "ratios", 2)
    for each in (torch.tensor([True, False]), torch.tensor([1j, 2])):
        with says("expected torch.float64"):
            checks.numbers(each, "ratios", 2)
    with says(r"returned shape \(3,\); expected \(2,\)"):
        checks.numbers([1, 2, 3], "ratios", 2)
    with says("returned a str; expected one number"):
        checks.numbers([0.25, "0.5"], "ratios", 2)


def test_where_nothing_will_do():
    with pytest.raises(RuntimeError, match="no case of kind 0 will do"):
        beside.matches(step, one_by_one, case, 1, wanted=lambda *given: False)


def test_same_beside_infinities():
    right = torch.tensor([[1.0, torch.inf]], dtype=torch.float64)
    beside.equals(right.clone(), right, "distances", torch.float64)
    with says("distances gives 2 at"):
        beside.equals(torch.tensor([[1.0, 2.0]], dtype=torch.float64), right, "distances", torch.float64)
    with says("expected 0.5"):
        beside.equals(0.25, 0.5, "rate", torch.float64)
    assert toys.Affine([[1.0]]).weight.dtype == torch.float64
