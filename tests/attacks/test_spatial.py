"""The spatial attack against brute force over its transforms, and counted passes."""

import math
from itertools import product

import pytest
import torch
from torch import nn

from advcourse.attacks import spatial
from advcourse.core.losses import cross_entropy
from advcourse.core.running import count_passes
from advcourse.core.warps import canvas, rigid
from advcourse.evaluation import evaluate
from tests.support.recorders import Recorder
from tests.support.scenes import scene, seeded
from tests.support.toys import Constant, pictures
from tests.support.traces import unchanged

SETTINGS = {"max_shift": 2.0, "max_angle": 30.0, "grid": (3, 3, 5)}


class Spot(nn.Module):
    """Two classes told apart by how bright one pixel is: which transforms fool it is known."""

    def __init__(self, row, column, threshold=0.5):
        super().__init__()
        self.row, self.column, self.threshold = row, column, threshold

    def forward(self, x):
        lit = x[:, :, self.row, self.column].sum(1) - self.threshold
        return torch.stack([-lit, lit], 1)


def trials():
    """The documented order: the identity, then dx slowest, angle fastest, each from its negative end."""
    points = product((-2.0, 0.0, 2.0), (-2.0, 0.0, 2.0), (-30.0, -15.0, 0.0, 15.0, 30.0))
    return [(0.0, 0.0, 0.0), *(point for point in points if any(point))]


def by_brute_force(model, images, labels, points):
    """Of each image the first transform that fools, else the one of largest loss; and its number, from one."""
    results, numbers = [], []
    for i, label in enumerate(labels):
        x = torch.cat([rigid(images[[i]], *point) for point in points[i]])
        logits = model(x)
        fooled = (logits.argmax(1) != label).nonzero()[:, 0]
        loss = cross_entropy(logits, label.expand(len(x)))
        best = int(fooled[0]) if len(fooled) else int(loss.argmax())
        results.append(x[best])
        numbers.append(best + 1 if len(fooled) else len(points[i]))
    return torch.stack(results), numbers


def sure(n=12):
    """A network surer of its favourite class, so that some images take many transforms and some survive them all."""
    model, images, _ = scene(n)
    model[-1].bias.data[2] += 0.4
    return model, images, model(images).argmax(1)


# -- which transform


def test_the_first_that_fools_else_the_largest_loss():
    model, images, labels = sure(16)
    expected, numbers = by_brute_force(model, images, labels, [trials()] * 16)
    fooled = model(expected).argmax(1) != labels
    assert 3 <= fooled.sum() <= 13 and len(set(numbers)) >= 4
    torch.testing.assert_close(spatial(model, images, labels, **SETTINGS), expected, rtol=0, atol=1e-12)


def test_each_image_gets_its_own_transform():
    """One transform for the whole batch fools fewer (trap 11): here two images need opposite shifts."""
    images = torch.zeros(2, 1, 7, 7, dtype=torch.float64)
    images[0, 0, 3, 1] = images[1, 0, 3, 5] = 1
    labels = torch.tensor([0, 0])
    result = spatial(Spot(3, 3), images, labels, max_shift=2, max_angle=0, grid=(3, 3, 1))
    assert torch.equal(result[0, 0, 3].nonzero()[:, 0], torch.tensor([3]))
    assert torch.equal(result[1, 0, 3].nonzero()[:, 0], torch.tensor([3]))


@pytest.mark.parametrize("shape", [(7, 11), (32, 32), (11, 7)])
def test_a_shift_of_three_moves_three_pixels(shape):
    """2.906 px (the half-pixel convention, trap 11) would leave less than all of the light."""
    images = torch.zeros(1, 2, *shape, dtype=torch.float32)
    images[0, :, 3, 0] = 0.5
    result = spatial(Spot(3, 3, 0.999), images, torch.tensor([0]), max_shift=3, max_angle=0, grid=(3, 1, 1))
    assert result[0, :, 3, 3].tolist() == [0.5, 0.5] and result.count_nonzero() == 2


def test_ninety_degrees_is_rot90():
    images = pictures(1, 1, 7, 7).mul(0.4)
    images[0, 0, 3, 6] = 1
    result = spatial(Spot(0, 3, 0.9), images, torch.tensor([0]), max_shift=0, max_angle=90, grid=(1, 1, 3))
    torch.testing.assert_close(result, torch.rot90(images, 1, (2, 3)), rtol=0, atol=1e-14)


def test_what_fools_is_what_comes_back():
    """The very image that was tested, so that success is not lost to rounding."""
    model, images, labels = scene(24)
    for settings in (SETTINGS, {**SETTINGS, "search": "random"}, {**SETTINGS, "search": "gradient"}):
        report = evaluate(model, lambda *given, s=settings: spatial(*given, **s), images, labels)
        result = spatial(model, images, labels, **{**settings, "generator": seeded()})
        assert report.success_rate > 0.5 and not torch.equal(result, images)


@pytest.mark.parametrize("search", ["grid", "random", "gradient"])
def test_equal_losses_keep_the_image(search):
    class Even(nn.Module):  # the brightness of a grey image on a canvas does not change as it moves
        def forward(self, x):
            return torch.stack([torch.ones(len(x)), torch.zeros(len(x))], 1).to(x) + 0 * x.mean((1, 2, 3))[:, None]

    images = pictures(3)
    result = spatial(Even(), images, torch.zeros(3, dtype=torch.int64), search=search, max_shift=2, max_angle=20)
    assert torch.equal(result, images)


def test_targeted_takes_the_first_that_reaches_the_target():
    model, images, labels = scene(12)
    targets = model(images).argsort(1, descending=True)[:, 1]
    result = spatial(model, images, labels, targets=targets, **SETTINGS)
    for i in range(len(images)):
        x = torch.cat([rigid(images[[i]], *point) for point in trials()])
        logits = model(x)
        hits = (logits.argmax(1) == targets[i]).nonzero()[:, 0]
        best = hits[0] if len(hits) else cross_entropy(logits, targets[i].expand(len(x))).argmin()
        torch.testing.assert_close(result[i], x[best], rtol=0, atol=1e-12)


# -- cost


def test_the_grid_costs_its_transforms_and_no_gradient():
    images, labels = pictures(3), torch.zeros(3, dtype=torch.int64)
    model = Constant()
    with count_passes(model) as passes:
        spatial(model, images, labels, max_shift=2, max_angle=20)
    assert (passes.forwards, passes.backwards) == (3 * 775, 0)
    with count_passes(model) as passes:  # an even grid has no zero of its own
        spatial(model, images, labels, max_shift=2, max_angle=20, grid=(2, 4, 6))
    assert passes.forwards == 3 * (2 * 4 * 6 + 1)
    with count_passes(model) as passes:
        spatial(model, images, labels, max_shift=2, max_angle=20, search="random", samples=7)
    assert (passes.forwards, passes.backwards) == (3 * 8, 0)


@pytest.mark.parametrize("n", [1, 5, 24])
def test_an_image_fooled_by_the_jth_transform_costs_at_most_j_and_an_eighth(n):
    model, images, labels = sure(n)
    points = [(dx, dy, 30 * k / 10) for dx, dy, k in product((-2.0, 0.0, 2.0), (-2.0, 0.0, 2.0), range(-10, 11))]
    points = [(0.0, 0.0, 0.0), *(point for point in points if any(point))]
    _, numbers = by_brute_force(model, images, labels, [points] * n)
    with count_passes(model) as passes:
        spatial(model, images, labels, max_shift=2, max_angle=30, grid=(3, 3, 21))
    assert sum(numbers) <= passes.forwards <= sum(j + j // 8 for j in numbers)
    assert n < 24 or len(set(numbers)) >= 10


def test_the_gradient_costs_as_ifgsm():
    model = Constant()
    with count_passes(model) as passes:
        spatial(model, pictures(3), torch.zeros(3, dtype=torch.int64), max_shift=2, max_angle=20, search="gradient")
    assert (passes.forwards, passes.backwards) == (3 * 21, 3 * 20)
    model, images, labels = scene(1)
    with count_passes(model) as passes:
        spatial(model, images, 1 - labels.clamp(max=1), max_shift=2, max_angle=20, search="gradient")
    assert (passes.forwards, passes.backwards) == (1, 0)


# -- budgets


def bright_centre(n=1, side=15):
    """One bright pixel in the middle of each image: where it goes is the transform."""
    images = torch.zeros(n, 1, side, side, dtype=torch.float64)
    images[:, 0, side // 2, side // 2] = 1
    return images


@pytest.mark.parametrize("search", ["grid", "random", "gradient"])
def test_no_shift_is_larger_than_asked(search):
    class Outward(nn.Module):
        """Class 0, less surely the further right and down the light is."""

        def forward(self, x):
            ramp = torch.arange(15, dtype=x.dtype)
            place = (x[:, 0] * (ramp + ramp[:, None])).sum((1, 2))
            return torch.stack([torch.full_like(place, 20.0), place], 1)

    model = Recorder(Outward())
    result = spatial(model, bright_centre(), torch.tensor([0]), max_shift=2.5, max_angle=0, search=search, samples=200)
    ramp = torch.arange(15, dtype=torch.float64)
    places = torch.cat(
        [torch.stack([(x * ramp).sum((1, 2, 3)), (x * ramp[:, None]).sum((1, 2, 3))], 1) for x in model.seen]
    )
    assert (places - 7).abs().max() <= 2.5 + 1e-12
    assert (places - 7).amax(0).min() > 2
    reached = torch.stack([(result * ramp).sum(), (result * ramp[:, None]).sum()]) - 7
    if search == "random":
        assert reached.sum() > 3.5
    else:
        torch.testing.assert_close(reached, torch.full((2,), 2.5, dtype=torch.float64))


@pytest.mark.parametrize("search", ["grid", "random", "gradient"])
def test_no_angle_is_larger_than_asked(search):
    class Upward(nn.Module):
        """Class 0, less surely the higher the light on the right is turned."""

        def forward(self, x):
            ramp = torch.arange(7.0, -8.0, -1, dtype=x.dtype)[:, None]
            place = (x[:, 0] * ramp).sum((1, 2))
            return torch.stack([torch.full_like(place, 6.0), place], 1)

    ramp = torch.arange(15, dtype=torch.float64)
    image = torch.exp(-((ramp - 11) ** 2 + (ramp[:, None] - 7) ** 2) / 4)[None, None]
    image /= image.sum()
    result = spatial(Upward(), image, torch.tensor([0]), max_shift=0, max_angle=40, search=search, samples=200)
    ramp = torch.arange(7, -8, -1, dtype=torch.float64)
    place = complex((result[0, 0] * -ramp).sum(), (result[0, 0] * ramp[:, None]).sum())
    angle = math.degrees(math.atan2(place.imag, place.real))
    assert 35 < angle < 40.5
    if search != "random":
        torch.testing.assert_close(result, rigid(image, 0, 0, 40), rtol=0, atol=1e-12)


# -- random draws


def test_draws_are_each_images_own():
    images = bright_centre(6)
    model = Recorder(Constant())
    labels = torch.zeros(6, dtype=torch.int64)
    spatial(
        model,
        images,
        labels,
        max_shift=3,
        max_angle=0,
        search="random",
        samples=4,
        generator=seeded(),
    )
    seen = torch.cat([x.flatten(1) for x in model.seen])[6:]  # the identity comes first
    assert len(seen) == 24 and len(seen.unique(dim=0)) == 24


def test_more_draws_and_finer_grids_fool_more():
    model, images, labels = sure(24)

    def success(**settings):
        settings = {"max_shift": 2, "max_angle": 30, **settings}
        return (model(spatial(model, images, labels, **settings)).argmax(1) != labels).sum().item()

    def draws(samples):
        return success(search="random", samples=samples, generator=seeded())

    by_grid = [success(grid=(n, n, n)) for n in (1, 3, 5, 9)]  # each holds the one before
    by_shift = [success(max_shift=shift, max_angle=0, grid=(2 * shift + 1, 2 * shift + 1, 1)) for shift in (0, 1, 2, 3)]
    assert by_grid == sorted(by_grid) and by_grid[0] == 0 and by_grid[1] < by_grid[-1]
    assert by_shift == sorted(by_shift) and by_shift[0] == 0 < by_shift[-1]
    assert draws(1) < draws(100)


# -- canvas


def test_the_canvas_holds_the_whole_image():
    model, images, labels = scene(12)
    enlarged = canvas(images, 2, 30)
    labels = model(enlarged).argmax(1)
    result = spatial(model, images, labels, canvas=True, **SETTINGS)
    assert result.shape == enlarged.shape
    assert torch.equal(result, spatial(model, enlarged, labels, **SETTINGS))
    report = evaluate(model, lambda *given: spatial(*given, **SETTINGS), enlarged, labels)
    assert report.success_rate > 0.5
    whole = spatial(Constant(), images, torch.zeros(12, dtype=torch.int64), canvas=True, **SETTINGS)
    assert torch.equal(whole, enlarged)


@pytest.mark.parametrize("shape", ["flatten", "view"])
def test_a_network_that_cannot_take_the_canvas_says_so(shape):
    layer = nn.Linear(48, 3).double()

    def model(x):
        return layer(x.flatten(1) if shape == "flatten" else x.reshape(-1, 48))

    images = torch.rand(2, 1, 6, 8, dtype=torch.float64)
    labels = model(images).argmax(1)
    spatial(model, images, labels, max_shift=1, max_angle=0, grid=(3, 3, 1))
    with pytest.raises(
        ValueError, match="canvas is True, which enlarges 6×8 images to (10×12|12×14): expected a model"
    ):
        spatial(model, images, labels, max_shift=3 if shape == "view" else 2, max_angle=0, canvas=True)


def test_a_canvas_leaves_buffers_as_they_were():
    model, images, labels = scene(12)
    model.train()
    with unchanged(model, images):
        spatial(model, images, labels, canvas=True, **SETTINGS)


# -- the gradient


def test_the_gradient_climbs_a_smooth_landscape():
    """A blob is to be brought to a place that no three-valued grid holds."""
    ramp = torch.arange(21, dtype=torch.float64) - 10
    blob = torch.exp(-((ramp - 0.3) ** 2 + (ramp[:, None] + 0.2) ** 2) / 18)[None, None]
    goal = rigid(blob, 1.7, -1.1, 0.0)

    class Towards(nn.Module):
        def forward(self, x):
            near = -((x - goal) ** 2).sum((1, 2, 3))
            return torch.stack([torch.full_like(near, 9.0), near], 1)

    label = torch.tensor([0])
    climbed = spatial(Towards(), blob, label, max_shift=3, max_angle=0, search="gradient")
    coarse = spatial(Towards(), blob, label, max_shift=3, max_angle=0, grid=(3, 3, 1))
    assert ((climbed - goal) ** 2).sum() < 0.1 * ((coarse - goal) ** 2).sum()
