"""The recorders and the watch over traces see what they are for."""

import sys

import pytest
import torch

from tests.support.notebooks import smaller
from tests.support.recorders import Recorder, watched
from tests.support.scenes import scene
from tests.support.traces import MODES, in_use, unchanged, undrawn

TRACES = {
    "mode": lambda model, images: model[2].train(not model[2].training),
    "flag of a parameter": lambda model, images: model[0].weight.requires_grad_(not model[0].weight.requires_grad),
    "flag of the images": lambda model, images: images.requires_grad_(not images.requires_grad),
    "parameter": lambda model, images: model[-1].weight.data.mul_(2),
    "buffer": lambda model, images: model[1].running_mean.add_(1),
    "gradient filled": lambda model, images: setattr(model[-1].weight, "grad", torch.ones_like(model[-1].weight)),
    "gradient cleared": lambda model, images: setattr(model[0].weight, "grad", None),
    "gradient changed": lambda model, images: model[0].weight.grad.mul_(2),
    "images": lambda model, images: images.mul_(0.5),
    "gradient of the images": lambda model, images: setattr(images, "grad", torch.ones_like(images)),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("trace", TRACES)
def test_every_trace_is_seen(trace, mode):
    model, images, _ = scene(2)
    in_use(model, mode)
    with unchanged(model, images):
        with torch.no_grad():
            model[0](images)
    with pytest.raises(AssertionError), unchanged(model, images):
        TRACES[trace](model, images)


def test_buffers_may_be_left_out():
    model, _, _ = scene(1)
    with unchanged(model, buffers=False):
        model[1].running_mean.add_(1)
    with pytest.raises(AssertionError), unchanged(model, buffers=False):
        model[1].weight.data.add_(1)


@pytest.mark.parametrize("draw", [lambda: torch.rand(1), lambda: torch.manual_seed(0)])
def test_draws_and_seeds_are_seen(draw):
    torch.manual_seed(1)
    with pytest.raises(AssertionError), undrawn():
        draw()
    with undrawn():
        torch.rand(1, generator=torch.Generator())


def test_a_recorder_answers_as_its_model_and_remembers_copies():
    model, images, _ = scene(3)
    recorder, before = Recorder(model), images.clone()
    assert torch.equal(recorder(images), model(images)) and torch.equal(recorder(images[:1]), model(images[:1]))
    images.zero_()
    assert [len(x) for x in recorder.seen] == [3, 1] and torch.equal(recorder.seen[0], before)


def double(x, *, times=2):
    return times * x


def test_a_watched_function_does_what_it_did(monkeypatch):
    module, function = sys.modules[__name__], double
    with monkeypatch.context() as during:
        calls = watched(during, module, "double")
        assert module.double(3) == 6 and module.double(3, times=5) == 15
    assert calls == [((3,), {}, 6), ((3,), {"times": 5}, 15)] and module.double is function


def test_smaller_notebooks_keep_all_that_is_small():
    assert smaller("pick(quick=1000, full=5000); pick(quick=16, full=100), pick(quick=2, full=3)") == (
        "pick(quick=125, full=5000); pick(quick=4, full=100), pick(quick=2, full=3)"
    )
