"""Random transforms: exact where the answer is known, and a draw for every image."""

import pytest
import torch

from advcourse.core.warps import rigid, similarity
from advcourse.wrappers import compose, draw, random_lighting, random_noise, random_rigid
from tests.support.scenes import seeded
from tests.support.toys import pictures
from tests.support.traces import undrawn


def column(*values):
    return torch.tensor(values, dtype=torch.float64)


# -- the geometry


def test_a_shift_by_whole_pixels_copies_pixels():
    source = pictures(1, 3, 4, 5)
    laid = similarity(source, (9, 12), column(0.5), column(-0.5), column(0.0), column(1.0))
    expected = torch.zeros(1, 3, 9, 12, dtype=torch.float64)
    expected[:, :, 2:6, 4:9] = source
    assert torch.equal(laid, expected)


def test_a_quarter_turn_is_rot90():
    source = pictures(1, 3, 4, 5)
    laid = similarity(source, (9, 11), column(0.5), column(0.0), column(90.0), column(1.0))
    expected = torch.zeros(1, 3, 9, 11, dtype=torch.float64)
    expected[:, :, 2:7, 4:8] = torch.rot90(source, 1, (2, 3))
    torch.testing.assert_close(laid, expected, rtol=0, atol=1e-12)


def test_a_ramp_is_read_where_the_formula_says():
    """Bilinear reading of a linear image is exact, whatever the turn, the scale and the shift."""
    rows, columns = torch.meshgrid(torch.arange(20).double(), torch.arange(30).double(), indexing="ij")
    ramp = (0.1 + 0.01 * columns + 0.02 * rows)[None, None]
    x, y, angle, scale = 13.3, 8.6, 25.0, 1.7
    laid = similarity(ramp, (18, 24), column(x - 11.5), column(y - 8.5), column(angle), column(scale))[0, 0]
    turn = torch.deg2rad(column(angle)).item()
    cosine, sine = torch.cos(column(turn)).item(), torch.sin(column(turn)).item()
    for row, col in ((5, 10), (8, 13), (11, 17), (9, 9)):
        right, up = (col - x) / scale, (y - row) / scale  # turned back by the angle, clockwise
        across, above = cosine * right + sine * up, cosine * up - sine * right
        expected = 0.1 + 0.01 * (14.5 + across) + 0.02 * (9.5 - above)
        assert laid[row, col].item() == pytest.approx(expected, abs=1e-9)


def test_without_a_change_of_size_it_is_the_rigid_warp():
    images = pictures(5, 2, 8, 6)
    moved = random_rigid(2.5, 40)(images, seeded())
    again = seeded()
    dx, dy = (draw(images, -2.5, 2.5, again) for _ in range(2))
    torch.testing.assert_close(moved, rigid(images, dx, dy, draw(images, -40, 40, again)), rtol=0, atol=0)


def test_nothing_to_draw_gives_the_images_back():
    images = pictures(3, 1, 7, 10)
    assert torch.equal(random_rigid()(images, seeded()), images)
    torch.testing.assert_close(random_lighting()(images, seeded()), images, rtol=0, atol=1e-15)
    assert torch.equal(random_noise(0.0)(images, seeded()), images)
    assert compose()(images, None) is images


# -- light and noise


def test_the_light_is_the_formulas():
    images = pictures(4)
    lit = random_lighting(0.2, 0.3)(images, again := seeded())
    again.manual_seed(0)
    b, c = draw(images, -0.2, 0.2, again), draw(images, 0.7, 1.3, again)
    for i in range(4):
        torch.testing.assert_close(lit[i], ((images[i] - 0.5) * c[i] + 0.5 + b[i]).clamp(0, 1), rtol=0, atol=1e-15)
    assert len(b.unique()) == len(c.unique()) == 4


@pytest.mark.parametrize("transform", [random_lighting(), random_noise(0.0)], ids=["lighting", "noise"])
def test_black_and_white_pixels_have_a_gradient(transform):
    """Trap: a transform that does nothing, and that no attack on a black image gets through."""
    images = torch.tensor([0.0, 1.0], dtype=torch.float64).view(2, 1, 1, 1).requires_grad_()
    transform(images, seeded()).sum().backward()
    assert (images.grad == 1).all()


def test_the_noise_has_its_standard_deviation():
    grey = torch.full((2, 1, 100, 100), 0.5, dtype=torch.float64)
    noise = random_noise(0.05)(grey, seeded()) - 0.5
    assert noise.std().item() == pytest.approx(0.05, rel=0.02) and abs(noise.mean().item()) < 0.002
    assert not torch.equal(noise[0], noise[1])


def test_draws_fill_their_range():
    values = draw(torch.zeros(4000, 1, 1, 1), -3.0, 5.0, seeded())
    assert values.min() >= -3 and values.max() <= 5
    assert values.mean().item() == pytest.approx(1, abs=0.1) and values.std().item() == pytest.approx(8 / 12**0.5, 0.03)


# -- all of them

ALL = {
    "rigid": random_rigid(2, 30, (0.8, 1.2)),
    "lighting": random_lighting(0.3, 0.3),
    "noise": random_noise(0.2),
    "all": compose(random_rigid(2, 30), random_lighting(0.3, 0.3), random_noise(0.2)),
}
every = pytest.mark.parametrize("transform", ALL.values(), ids=ALL)


@every
def test_every_image_has_its_own_draw_and_stays_in_the_box(transform):
    images = pictures(1).expand(8, -1, -1, -1).clone()
    before = images.clone()
    result = transform(images, seeded())
    assert torch.equal(images, before)
    assert result.shape == images.shape and result.dtype == images.dtype
    assert result.min() >= 0 and result.max() <= 1
    assert len(result.flatten(1).unique(dim=0)) == 8


@every
def test_the_generator_decides_and_the_global_state_stays(transform):
    images = pictures(3)
    with undrawn():
        one, two = transform(images, seeded(1)), transform(images, seeded(2))
    assert torch.equal(transform(images, seeded(1)), one) and not torch.equal(one, two)
    assert not torch.equal(transform(images, None), transform(images, None))


@every
def test_the_gradient_is_that_of_finite_differences(transform):
    images = (0.4 + 0.2 * pictures(2, 1, 4, 5)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: transform(x, seeded()), (images,))


@every
def test_single_precision_and_one_channel(transform):
    images = pictures(2, 1, 5, 9, dtype=torch.float32)
    assert transform(images, seeded()).dtype == torch.float32


def test_in_the_order_given():
    half, plus = lambda x, g: x / 2, lambda x, g: x + 0.25
    assert compose(half, plus)(torch.ones(1), None) == 0.75 and compose(plus, half)(torch.ones(1), None) == 0.625


@pytest.mark.parametrize(
    ("make", "bad"),
    [
        (random_rigid, {"max_shift": -1}),
        (random_rigid, {"max_angle": "20"}),
        (random_rigid, {"scales": (0, 1)}),
        (random_rigid, {"scales": (1.2, 0.8)}),
        (random_rigid, {"scales": 1.0}),
        (random_rigid, {"scales": (1, None)}),
        (random_rigid, {"scales": (1, float("inf"))}),
        (random_lighting, {"brightness": -0.1}),
        (random_lighting, {"contrast": 1.5}),
        (random_lighting, {"contrast": -0.5}),
        (random_noise, {"std": -1}),
        (random_noise, {"std": float("nan")}),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_bad_ranges_are_refused_by_name(make, bad):
    with pytest.raises(ValueError, match=f"{next(iter(bad))} is .*expected"):
        make(**bad)
