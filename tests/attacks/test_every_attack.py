"""Kinds of models and images that every attack of the catalogue meets, each at one small shape."""

import copy

import pytest
import torch
from torch import nn

from advcourse.evaluation import evaluate, rho_adv
from advcourse.training import fit
from tests.contracts.attacks import run
from tests.contracts.catalogue.attacks import CATALOGUE
from tests.contracts.contract import cases
from tests.support.affine import length
from tests.support.scenes import scene
from tests.support.toys import pictures, smooth_cnn

every = pytest.mark.parametrize("case", cases(CATALOGUE))


class Careless(nn.Module):
    """Looks at what a network is shown, and flattens it by ``view`` as careless networks do."""

    def __init__(self, last: bool = False):
        super().__init__()
        self.last, self.linear = last, nn.Linear(96, 4).double()

    def forward(self, x):
        layout = torch.channels_last if self.last else torch.contiguous_format
        assert x.is_contiguous(memory_format=layout), x.stride()
        return self.linear(x.flatten(1) if self.last else x.view(len(x), -1))


@every
def test_networks_are_shown_contiguous_images(case):
    model, images = Careless(), pictures(4)
    labels = model(images).argmax(1)
    strange = images.transpose(2, 3).contiguous().transpose(2, 3)
    assert not strange.is_contiguous()
    torch.testing.assert_close(run(case, model, strange, labels), run(case, model, images, labels), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    "case",
    [case for case in CATALOGUE if case.name.startswith(("fgsm", "ifgsm", "pgd", "mifgsm"))],
    ids=lambda case: case.name,
)
def test_channels_last_stays_channels_last(case):
    model, images = Careless(last=True), pictures(4).contiguous(memory_format=torch.channels_last)
    labels = model(images).argmax(1)
    run(case, model, images, labels)


@every
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_refused_by_name(case, dtype):
    images = pictures(2).to(dtype)
    with pytest.raises(
        ValueError, match=f"images has dtype {dtype}, expected torch.float32 or torch.float64: .*autocast"
    ):
        run(case, smooth_cnn(dtype=dtype), images, torch.tensor([0, 1]))


@every
def test_autocast_is_the_way_to_half_precision(case):
    model, images = smooth_cnn(dtype=torch.float32), pictures(3).float()
    labels = model(images).argmax(1)
    with torch.autocast("cpu", torch.bfloat16):
        found = run(case, model, images, labels)
    assert found.dtype == torch.float32 and found.isfinite().all()
    assert found.min() >= 0 and found.max() <= 1
    if case.bound:
        assert length(found - images, case.bound[0]).max() <= case.bound[1] * (1 + 1e-5)


@pytest.mark.parametrize("case", [case for case in CATALOGUE if case.gradient_free], ids=lambda case: case.name)
def test_a_search_needs_no_graph(case):
    model, images, labels = scene(3)
    assert torch.equal(run(case, lambda x: model(x.detach()), images, labels), run(case, model, images, labels))


def shrinking() -> nn.Module:
    """In training mode; its last BatchNorm has one value a channel and image."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(2, 6, 3), nn.Tanh(), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(6, 4)
    )
    network[-1].weight.data.mul_(8)
    return network.double().train()


@every
@pytest.mark.parametrize("count", [1, 2, 5])
def test_batches_that_come_down_to_one_image_in_training_mode(case, count):
    model, images = shrinking(), pictures(5)[:count]
    with torch.no_grad():
        labels = shrinking()(pictures(5)).argmax(1)[:count]
    before = copy.deepcopy(model.state_dict())
    found = run(case, model, images, labels)
    assert found.isfinite().all() and found.shape == images.shape
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.fixture(scope="module")
def compiled():
    return torch.compile(smooth_cnn(), backend="aot_eager")


@pytest.mark.slow
@every
def test_compiled_networks_give_what_plain_ones_give(case, compiled):
    plain, images = smooth_cnn(), pictures(3)
    labels = plain(images).argmax(1)
    torch.testing.assert_close(run(case, compiled, images, labels), run(case, plain, images, labels), rtol=0, atol=1e-9)


@pytest.mark.slow
def test_compiled_networks_are_measured_and_trained(compiled):
    plain, images = smooth_cnn(), pictures(3)
    labels = plain(images).argmax(1)
    case = next(case for case in CATALOGUE if case.name == "deepfool")
    ours, theirs = (evaluate(model, case.attack, images, labels) for model in (compiled, plain))
    assert ours.numbers() | {"seconds": 0} == pytest.approx(theirs.numbers() | {"seconds": 0})
    assert rho_adv(compiled, case.attack, images) == pytest.approx(rho_adv(plain, case.attack, images))
    learnt = []
    for wrap in (lambda model: model, lambda model: torch.compile(model, backend="aot_eager")):
        model = wrap(smooth_cnn())
        fit(model, (images, labels), epochs=2, progress=False)
        learnt.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    torch.testing.assert_close(*learnt, rtol=1e-9, atol=1e-9)
