"""What the checks of estimated gradients say, and that right estimators pass, however they draw and ask."""

import pytest
import torch

from advcourse.grading import estimates
from tests.support.refusals import says
from tests.support.scenes import normal, seeded

IMAGES = (0.5 + 0.7 * torch.cos(torch.arange(144, dtype=torch.float64))).clamp(0, 1).view(3, 3, 4, 4)
SLOPES = normal(3, 3, 4, 4, seed=1)
SAMPLES, SIGMA = 80, 0.1


def score(points, rows):
    return (SLOPES[rows] * points).flatten(1).sum(1) + points.flatten(1).square().sum(1) + rows


def coins(count, shape, generator):
    return 2.0 * torch.randint(2, (count, *shape), generator=generator).double() - 1


def estimator(
    draw=lambda images, pairs, generator: coins(pairs, images.shape, generator),
    points=lambda x: x,
    factor=1.0,
    result=lambda estimate, images: estimate,
    rows=lambda rows: rows,
):
    """An estimator by pairs, whose directions, points, scale and result can be made wrong."""

    def rademacher_gradient(score, images, samples, sigma, generator):
        total, numbers = torch.zeros_like(images), torch.arange(len(images))
        for u in draw(images, samples // 2, generator):
            there, back = (score(points(images + side * sigma * u), rows(numbers)) for side in (1, -1))
            total += (there - back).view(-1, 1, 1, 1) * u
        return result(factor * total / (samples * sigma), images)

    return rademacher_gradient


def asked(function, samples=SAMPLES, sigma=SIGMA):
    return estimates.asked(function, score, IMAGES, samples, sigma, seeded(2))[1]


def repeated(images, pairs, generator):
    return coins(1, images.shape, generator).expand(pairs, *images.shape)


def shared(images, pairs, generator):
    return coins(pairs, images[:1].shape, generator).expand(pairs, *images.shape)


def grey(images, pairs, generator):
    return coins(pairs, (len(images), 1, 4, 4), generator).expand(pairs, *images.shape)


def unfair(images, pairs, generator):
    return (torch.rand(pairs, *images.shape, generator=generator) < 0.9).double() * 2 - 1


@pytest.mark.parametrize(
    "changed, pattern",
    [
        (
            {"draw": lambda images, pairs, g: torch.randn(pairs, *images.shape, generator=g).double()},
            "entries .1 and -1",
        ),
        ({"draw": lambda images, pairs, g: (coins(pairs, images.shape, g) + 1) / 2}, r"moves pixels by 0 to 0\.1"),
        ({"draw": repeated}, "several pairs of one image have the same direction"),
        ({"draw": shared}, "two images of the batch get the same directions"),
        ({"draw": grey}, "some pixels always move together"),
        ({"draw": unfair}, "equally likely"),
        ({"points": lambda x: x.clamp(0, 1)}, r"points are cut to \[0, 1\]"),
    ],
)
def test_what_is_said_of_points(changed, pattern):
    with says(pattern):
        estimates.signs(IMAGES, asked(estimator(**changed)), SIGMA, "rademacher_gradient")


def test_right_points_pass():
    estimates.signs(IMAGES, asked(estimator()), SIGMA, "rademacher_gradient")
    estimates.signs(IMAGES, asked(estimator(), 2), SIGMA, "rademacher_gradient")
    estimates.all_ways(estimator())
    estimates.draws(estimator(), IMAGES, 4, SIGMA)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"factor": -1}, "points the wrong way"),
        ({"factor": 2}, "the two points of a pair are 2σ apart"),
        ({"factor": SIGMA}, "is it divided by σ"),
        ({"factor": SAMPLES / 2}, "sum over the pairs"),
        ({"factor": 1.3}, "where the answers that it got make"),
        ({"result": lambda e, images: e.mean(0, keepdim=True).expand_as(e)}, "gets the mean over the batch"),
        ({"result": lambda e, images: e.float()}, "keep their dtype"),
        ({"result": lambda e, images: None}, "returned None"),
        ({"result": lambda e, images: images.add_(1)}, "overwrote the images"),
        ({"result": lambda e, images: e.requires_grad_()}, "still requires a gradient"),
        ({"rows": lambda rows: rows * 0}, "240 queries for image 0, expected 80"),
        ({"rows": lambda rows: rows + 1}, "rows from 1 to 3"),
        ({"rows": lambda rows: rows[:, None]}, r"expected int64 \(3,\)"),
        ({"points": lambda x: x.float()}, r"asked about torch\.float32"),
        ({"points": lambda x: x[0]}, r"expected points \(M, 3, 4, 4\)"),
    ],
)
def test_what_is_said_of_an_estimate(changed, pattern):
    with says(pattern):
        estimates.agrees(estimator(**changed), score, IMAGES, SAMPLES, SIGMA, seeded(2))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_right_estimate_passes(dtype):
    def in_dtype(points, rows):
        return score(points, rows).to(dtype)

    function = estimator(draw=lambda images, pairs, g: coins(pairs, images.shape, g).to(dtype))
    found = estimates.agrees(function, in_dtype, IMAGES.to(dtype), SAMPLES, SIGMA, seeded(2))
    assert found.dtype == dtype and torch.cosine_similarity(found.flatten(), SLOPES.flatten().to(dtype), dim=0) > 0.3


def test_how_many_queries_and_whose_random_numbers():
    with says("counts queries, not pairs"):
        asked(lambda score, images, samples, *rest: estimator()(score, images, 2 * samples, *rest))
    with says("did not ask the score at all"):
        asked(lambda score, images, *rest: images)
    with says("global random numbers"):
        estimates.draws(estimator(draw=lambda images, pairs, g: coins(pairs, images.shape, None)), IMAGES, 4, SIGMA)
    with says("do not seed it"):
        seeding = estimator(draw=lambda images, pairs, g: coins(pairs, images.shape, g.manual_seed(0)))
        estimates.draws(seeding, IMAGES, 4, SIGMA)


def orthonormal(draw=torch.randn, stretch=lambda q: len(q) ** 0.5 * q, basis=lambda a: torch.linalg.qr(a)[0]):
    """Directions (pairs, N, C, H, W) made of a QR decomposition, which can be made wrong."""

    def directions(images, pairs, generator):
        size, found = images[0].numel(), []
        for _ in images:
            found.append(stretch(basis(draw(size, pairs, generator=generator, dtype=torch.float64))))
        return torch.stack(found).permute(2, 0, 1).reshape(pairs, *images.shape)

    return directions


def pixel_by_pixel(a):
    return torch.eye(len(a), dtype=a.dtype)[:, : a.shape[1]]


@pytest.mark.parametrize(
    "draw, pattern",
    [
        (orthonormal(stretch=lambda q: q), "the unit vectors q are to be stretched"),
        (orthonormal(stretch=lambda q: len(q) * q), "expected √P"),
        (orthonormal(basis=lambda a: a / a.norm(dim=0)), "expected right angles"),
        (orthonormal(basis=pixel_by_pixel), "moves one pixel alone"),
        (orthonormal(basis=lambda a: torch.linalg.qr(a)[0][:, :1].expand_as(a)), "asked about more than once"),
    ],
)
def test_what_is_said_of_orthogonal_points(draw, pattern):
    with says(pattern):
        estimates.orthogonal(IMAGES, asked(estimator(draw=draw), 20), "orthogonal_gradient")


def test_right_orthogonal_points_pass():
    for samples in (2, 20, 96):
        estimates.orthogonal(IMAGES, asked(estimator(draw=orthonormal()), samples), "orthogonal_gradient")
    estimates.all_ways(estimator(draw=orthonormal()), samples=6)
    with says("some directions are preferred"):
        estimates.all_ways(estimator(draw=orthonormal(draw=torch.rand)))


def test_without_pairs_the_constant_is_noise():
    given = torch.full((400, 1, 2, 2), 0.5, dtype=torch.float64)
    slopes = normal(1, 1, 2, 2, seed=3)
    for constant in (0.0, 3.0):
        found = estimates.without_pairs(
            lambda p, r, c=constant: (slopes * (p - 0.5)).flatten(1).sum(1) + c, given, 50, 0.5, seeded(4)
        )
        spread = (found - slopes).square().sum((1, 2, 3)).mean()
        expected = (3 * slopes.square().sum() + 4 * constant**2 / 0.25) / 50
        assert spread == pytest.approx(expected.item(), rel=0.25)
        assert (found.mean(0) - slopes).abs().max() < 0.3


def nearer(score, images, samples, sigma, generator):
    """Unit vectors at right angles, and the estimate that is right for them."""
    pairs, pixels = samples // 2, images[0].numel()
    q = torch.linalg.qr(torch.randn(len(images), pixels, pairs, generator=generator, dtype=images.dtype))[0]
    v = q.transpose(1, 2).reshape(len(images), pairs, *images.shape[1:])
    rows = torch.arange(len(images)).repeat_interleave(pairs)
    there, back = (score((images[:, None] + side * v).flatten(0, 1), rows) for side in (sigma, -sigma))
    return ((there - back).view(len(images), pairs, 1, 1, 1) / (2 * sigma) * pixels * v).mean(1)


def test_the_size_of_the_answers_does_not_count_in_float32_either():
    """What the rounding of two opposite points leaves of them is not multiplied by all of the score."""
    weight = torch.randn(105, generator=seeded(0))
    images = torch.rand(1, 3, 5, 7, generator=seeded(1))
    for constant in (0.0, 50.0):

        def score(points, rows, constant=constant):
            return points.flatten(1) @ weight + constant

        for seed in range(5):
            estimates.agrees(nearer, score, images, 30, 0.05, seeded(seed))
