"""The oracle: what it bills, what it refuses, and that it shows the model and its gradients to nobody."""

import copy
import gc
import pickle
import traceback
import types
import weakref

import pytest
import torch
from torch import nn

from advcourse.attacks import pgd, square
from advcourse.blackbox import Oracle, OracleError, QueryBudgetExceeded, TopK, nes
from advcourse.core.running import count_passes
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.toys import Affine, smooth_cnn
from tests.support.traces import unchanged


def test_answers_are_what_the_setting_reveals():
    model, images, _ = scene()
    logits = model(images).detach()
    torch.testing.assert_close(Oracle(model)(images), logits)
    torch.testing.assert_close(Oracle(model, reveals="probabilities")(images), logits.softmax(1))
    assert torch.equal(Oracle(model, reveals="label")(images), logits.argmax(1))
    listed = Oracle(model, reveals="top_k", k=2)(images)
    assert isinstance(listed, TopK)
    found = logits.softmax(1).topk(2)
    assert torch.equal(listed.classes, found.indices) and torch.equal(listed.probabilities, found.values)


def test_every_row_is_billed_to_its_image_and_to_no_other():
    model, images, _ = scene()
    oracle = Oracle(model, budget=5)
    with count_passes(model) as passes:
        oracle(images[[0, 0, 3]], torch.tensor([0, 0, 7]))
        oracle(images[:1], torch.tensor([7]))
    assert oracle.queries().tolist() == [2, 0, 0, 0, 0, 0, 0, 2] and passes.forwards == 4
    assert oracle.left(torch.tensor([7, 0, 1, 50])).tolist() == [3, 3, 5, 5]
    assert oracle.queries(torch.tensor([50, 7])).tolist() == [0, 2]


def test_without_rows_queries_are_those_of_the_images_in_order():
    model, images, _ = scene(3)
    oracle = Oracle(model)
    oracle(images)
    assert oracle.queries().tolist() == [1, 1, 1]
    assert oracle.left(torch.tensor([0])).item() == 2**63 - 1


def test_a_call_over_budget_is_refused_whole_and_costs_nothing():
    """Also where one image of many is short, and where a call alone names it too often."""
    model, images, _ = scene()
    oracle = Oracle(model, budget=2)
    oracle(images[:1])
    for rows in ([1, 0, 0], [3, 3, 3]):
        with count_passes(model) as passes, pytest.raises(QueryBudgetExceeded, match=f"image {rows[-1]} has"):
            oracle(images[:3], torch.tensor(rows))
        assert passes.forwards == 0
    assert oracle.queries(torch.arange(4)).tolist() == [1, 0, 0, 0]
    assert oracle(images[:1]).shape == (1, 4)
    with pytest.raises(QueryBudgetExceeded, match="image 0 has 0 queries left of 2, and 1 were asked for"):
        oracle(images[:1])


def test_a_budget_of_none_at_all_refuses_the_first_query():
    model, images, _ = scene(1)
    with pytest.raises(QueryBudgetExceeded, match="0 queries left of 0"):
        Oracle(model, budget=0)(images)


def test_the_model_sees_no_more_than_a_batch_at_once():
    model, images, _ = scene(5)
    sizes = []
    handle = model.register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    answers = Oracle(model, batch_size=2)(images)
    handle.remove()
    assert sizes == [2, 2, 1]
    torch.testing.assert_close(answers, model(images).detach())


def test_an_alarm_counts_the_answers_that_it_marks():
    model, images, labels = scene(6)
    seen = []

    def forbidden(answers):
        seen.append(answers)
        return answers == labels[0]

    oracle = Oracle(model, reveals="label", flags=forbidden)
    oracle(images, torch.tensor([0, 0, 1, 1, 2, 2]))
    marked = (labels == labels[0]).long()
    assert oracle.flagged().tolist() == marked.view(3, 2).sum(1).tolist() and oracle.queries().tolist() == [2, 2, 2]
    assert torch.equal(seen[0], labels)
    for bad in (lambda answers: answers, lambda answers: True):
        with refused("flags returned .*expected a bool tensor"):
            Oracle(model, reveals="label", flags=bad)(images)


def test_nothing_of_the_caller_or_the_model_is_touched():
    model, images, _ = scene()
    images.requires_grad_()
    model.train()
    with unchanged(model, images):
        answers = Oracle(model)(images)
    assert not answers.requires_grad and answers.grad_fn is None


def held(thing, depth=6):
    """All that is reached from a thing by attributes, slots, containers and cells of closures."""
    found, level = {}, [thing]
    for _ in range(depth):
        following = []
        for each in level:
            if id(each) in found or isinstance(each, (type, types.ModuleType)):
                continue
            found[id(each)] = each
            following += list(vars(each).values()) if hasattr(each, "__dict__") else []
            following += [getattr(each, name, None) for name in getattr(type(each), "__slots__", ())]
            following += list(each.values()) if isinstance(each, dict) else []
            following += list(each) if isinstance(each, (list, tuple, set)) else []
            if isinstance(each, types.FunctionType):
                following += [cell.cell_contents for cell in each.__closure__ or ()]
            if isinstance(each, types.MethodType):
                following += [each.__self__, each.__func__]
        level = following
    return list(found.values())


def leaks(thing):
    return [type(each).__name__ for each in held(thing) if isinstance(each, nn.Module)]


def test_no_network_is_reached_from_an_oracle():
    oracle = Oracle(smooth_cnn(), flags=lambda answers: answers[:, 0] > 0)
    assert leaks(oracle) == []
    assert all(leaks(getattr(oracle, name)) == [] for name in dir(oracle) if name not in ("__class__", "__weakref__"))
    assert leaks([smooth_cnn()]), "the search itself sees nothing"
    assert "Sequential" not in repr(oracle) and "Sequential" not in str(vars(oracle))


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_an_oracle_is_not_carried_away(way):
    with pytest.raises(TypeError, match="not pickled or copied"):
        way(Oracle(smooth_cnn()))


@pytest.mark.parametrize("cause", [RuntimeError("broken"), ValueError("broken"), KeyboardInterrupt()])
def test_no_frame_of_an_error_holds_the_network(cause):
    class Fails(nn.Module):
        def forward(self, x):
            raise cause

    oracle = Oracle(Fails())
    try:
        oracle(torch.rand(2, 1, 3, 3))
    except BaseException as error:
        caught = error
    assert isinstance(caught, (OracleError, ValueError, KeyboardInterrupt))
    assert caught.__context__ is None and caught.__cause__ is None
    frames = [frame for frame, _ in traceback.walk_tb(caught.__traceback__)]
    inside = [frame for frame in frames if frame.f_code.co_filename.endswith("_oracle.py")]
    assert inside
    for frame in inside:
        assert leaks(list(frame.f_locals.values())) == []
    assert oracle.queries().tolist() == [1, 1]


def test_the_model_goes_with_the_oracle():
    model = smooth_cnn()
    gone, oracle = weakref.ref(model), Oracle(model)
    del model
    gc.collect()
    assert gone() is not None
    del oracle
    gc.collect()
    assert gone() is None


def test_no_gradient_leads_through_an_oracle():
    model, images, labels = scene()
    x = images.clone().requires_grad_()
    oracle = Oracle(model)
    answers = oracle(x)
    with pytest.raises(RuntimeError, match="does not require grad"):
        answers.sum().backward()
    with refused("model returned logits without a graph"):
        pgd(lambda x: oracle(x), images, labels, eps=0.1, steps=2, step_size=0.1)
    assert x.grad is None


def test_what_the_model_answers_is_checked():
    images = torch.rand(2, 1, 3, 3)
    with pytest.raises(OracleError, match="answered query 1 of the call with NaN"):
        Oracle(lambda x: torch.tensor([[0.0, 1.0], [torch.nan, 0.0]]))(images)
    with pytest.raises(OracleError, match="behind the oracle raised RuntimeError: broken"):
        Oracle(lambda x: (_ for _ in ()).throw(RuntimeError("broken")))(images)
    with refused("model returned .*expected logits"):
        Oracle(lambda x: x)(images)
    with refused("k is 5, expected at most 3"):
        Oracle(Affine(torch.rand(3, 9)), reveals="top_k", k=5)(images)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("model", {"model": 3}),
        ("reveals", {"reveals": "gradient"}),
        ("k", {"reveals": "top_k"}),
        ("k", {"k": 2}),
        ("k", {"reveals": "top_k", "k": 0}),
        ("budget", {"budget": -1}),
        ("budget", {"budget": 1.5}),
        ("batch_size", {"batch_size": 0}),
        ("flags", {"flags": 3}),
    ],
)
def test_bad_settings_are_refused_by_name(name, given):
    with refused(f"{name} .*expected"):
        Oracle(**{"model": smooth_cnn(), **given})


@pytest.mark.parametrize(
    ("name", "x", "rows"),
    [
        ("x", torch.rand(3, 4), None),
        ("x", torch.zeros(2, 1, 3, 3, dtype=torch.int64), None),
        ("x", torch.full((2, 1, 3, 3), torch.nan), None),
        ("x", torch.rand(0, 1, 3, 3), None),
        ("rows", torch.rand(2, 1, 3, 3), torch.tensor([0])),
        ("rows", torch.rand(2, 1, 3, 3), torch.tensor([0.0, 1.0])),
        ("rows", torch.rand(2, 1, 3, 3), torch.tensor([-1, 0])),
        ("rows", torch.rand(2, 1, 3, 3), torch.tensor([0, 2**40])),
    ],
)
def test_bad_questions_are_refused_by_name_and_unbilled(name, x, rows):
    oracle = Oracle(Affine(torch.rand(3, 9)))
    with refused(f"{name} .*expected"):
        oracle(x, rows)
    assert oracle.queries().sum() == 0


def test_an_oracle_error_ends_square_with_its_best_so_far():
    model, images, labels = scene(4)
    answered = iter(range(6))

    def fails(x):
        if next(answered, None) is None:
            raise RuntimeError("down")
        return model(x)

    with pytest.raises(OracleError, match="down") as caught:
        square(Oracle(fails), images, labels, eps=0.02, queries=100)
    best = caught.value.images
    undisturbed = square(Oracle(model, budget=6), images, labels, eps=0.02, queries=100)
    assert not torch.equal(best, images)
    assert torch.equal(best, undisturbed)


def test_an_attacks_own_limit_and_the_oracles_both_count():
    model, images, labels = scene(3)
    for budget, queries in ((40, 1000), (1000, 40), (None, 40)):
        oracle = Oracle(model, budget=budget)
        nes(oracle, images, labels, eps=1e-4, samples=10, queries=queries)
        assert oracle.queries().tolist() == [34, 34, 34]  # the look, and as many steps of 11 as forty pay
