"""RP2 stickers: inside the mask alone, printable, smooth, in the object's light, and taken for the target."""

from functools import partial

import pytest
import torch
from torch import nn

from advcourse.attacks.physical import (
    Sticker,
    bars,
    covered_brightness,
    non_printability,
    printable_colours,
    sticker,
    texture,
    total_variation,
)
from advcourse.evaluation import outcomes
from advcourse.rendering import TexturedObject, draw_poses
from tests.support.recorders import Recorder
from tests.support.scenes import normal, seeded
from tests.support.toys import Affine, Constant
from tests.support.traces import unchanged, undrawn

H, W = 12, 10
PLAIN = {"max_shift": 0.0, "max_angle": 0.0, "scales": (1.0, 1.0), "brightness": 0.0, "contrast": 0.0}


def objects(n=6, channels=3, seed=1):
    return 0.2 + 0.4 * torch.rand(n, channels, H, W, generator=seeded(seed), dtype=torch.float64)


def mask():
    return bars(H, W).double()


class Counting(nn.Module):
    """Three classes: the mean of each channel of the lower half, thirty times over."""

    def __init__(self, channels=3):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(30.0, dtype=torch.float64))
        self.norm = nn.BatchNorm2d(channels, affine=False, dtype=torch.float64)

    def forward(self, x):
        self.norm(x)
        return self.scale * x[:, :, H // 2 :].mean((2, 3))


quick = partial(sticker, steps=30, step_size=0.1, batch_size=4, samples=2)


def test_it_finds_the_print_that_an_affine_model_asks_for():
    model, images = Counting().eval(), objects()
    found = quick(model, images, mask(), target=1, printable=0.0, smooth=0.0, generator=seeded(), **PLAIN)
    lower = mask()[0].bool() & (torch.arange(H) >= H // 2)[:, None]
    assert (found.image[1][lower] > 0.95).all() and (found.image[[0, 2]][:, lower] < 0.05).all()
    unseen = objects(20, seed=2)
    assert outcomes(model, found.apply(unseen, seeded(3)), 0, 1).adversarial == 1
    assert outcomes(model, unseen, 0, 1).adversarial < 0.6


def test_nothing_changes_outside_the_mask():
    """Trap: a perturbation that leaks off the object."""
    found = quick(Counting().eval(), objects(), mask(), target=1, generator=seeded())
    images = objects(seed=4)
    stuck = found.stick(images)
    assert torch.equal(stuck * (1 - mask()), images * (1 - mask()))
    assert (stuck != images)[:, :, mask()[0].bool()].all()
    assert (found.image * (1 - mask()) == 0).all()


def test_non_printability_is_the_mean_distance_to_the_nearest_colour():
    image, palette = objects(1)[0], torch.rand(7, 3, generator=seeded(5), dtype=torch.float64)
    pixels = image[:, mask()[0].bool()].T
    nearest = torch.stack([min((pixel - colour).norm() for colour in palette) for pixel in pixels])
    torch.testing.assert_close(non_printability(image, mask(), palette), nearest.mean())
    chosen = palette[torch.randint(7, (H, W), generator=seeded())].permute(2, 0, 1)
    assert non_printability(chosen, mask(), palette) == 0
    assert torch.autograd.gradcheck(lambda p: non_printability(p, mask(), palette), image.clone().requires_grad_())


def test_non_printability_has_a_gradient_however_large_the_palette():
    """Trap: the product over the palette underflows, and with it the gradient."""
    image = objects(1)[0].requires_grad_()
    assert len(printable_colours()) > 50
    (gradient,) = torch.autograd.grad(non_printability(image, mask(), printable_colours().double()), image)
    size = gradient[:, mask()[0].bool()].norm(dim=0) * mask().sum()
    torch.testing.assert_close(size, torch.ones_like(size))
    image = printable_colours().double()[3][:, None, None].repeat(1, H, W).requires_grad_()
    (gradient,) = torch.autograd.grad(non_printability(image, mask(), printable_colours().double()), image)
    assert (gradient == 0).all()  # and not NaN


def test_palette_holds_no_black_white_or_saturated_colour():
    palette = printable_colours()
    assert palette.min() == pytest.approx(0.1) and palette.max() == pytest.approx(0.9)
    assert (palette.amax(1) - palette.amin(1)).max() <= 0.6 + 1e-6
    assert len(palette.unique(dim=0)) == len(palette)


def test_total_variation_counts_neighbours_inside_the_mask():
    """Trap: the step from the sticker to what surrounds it counted as roughness."""
    image = objects(1)[0]
    inside, total = mask()[0].bool(), 0.0
    for i in range(H):
        for j in range(W):
            for k, l in ((i + 1, j), (i, j + 1)):
                if k < H and l < W and inside[i, j] and inside[k, l]:
                    total += (image[:, i, j] - image[:, k, l]).abs().sum()
    torch.testing.assert_close(total_variation(image, mask()), total / inside.sum())
    assert total_variation(mask().expand(3, -1, -1), mask()) == 0


def test_weights_make_the_print_printable_and_smooth():
    weight = normal(3, 3 * H * W, seed=6)  # asks for noise
    run = partial(quick, Affine(weight), objects(), mask(), target=1, generator=seeded(), **PLAIN)
    wild, tame, even = (
        run(printable=0.0, smooth=0.0),
        run(printable=300.0, smooth=0.0),
        run(printable=0.0, smooth=300.0),
    )
    palette = printable_colours().double()
    assert non_printability(tame.image, mask(), palette) < 0.5 * non_printability(wild.image, mask(), palette)
    assert total_variation(even.image, mask()) < 0.5 * total_variation(wild.image, mask())


def test_the_print_lies_in_the_light_of_its_object():
    """Trap: a print that shines in a dark photograph."""
    print_ = torch.full((3, H, W), 0.4, dtype=torch.float64)
    images = torch.stack([torch.full((3, H, W), level, dtype=torch.float64) for level in (0.1, 0.4, 0.2)])
    lit = Sticker(print_, mask(), light=0.2).stick(images)
    inside = mask()[0].bool()
    for row, level in zip(lit, (0.2, 0.8, 0.4), strict=True):
        torch.testing.assert_close(row[:, inside], torch.full_like(row[:, inside], level))
    assert (Sticker(print_, mask()).stick(images)[:, :, inside] == 0.4).all()
    torch.testing.assert_close(covered_brightness(images, mask()), torch.tensor([0.1, 0.4, 0.2], dtype=torch.float64))


def test_a_black_print_has_a_gradient():
    """Trap: pixels of the print that Adam has driven to 0 never come back."""
    black = torch.zeros(3, H, W, dtype=torch.float64, requires_grad=True)
    images = objects()
    one = Sticker(black, mask(), light=0.4, **PLAIN)
    one.apply(images, seeded()).sum().backward()
    covered = covered_brightness(images, mask()).sum() / 0.4
    torch.testing.assert_close(black.grad, (covered * mask()).expand_as(black))


def test_poses_and_lights_are_of_each_image_and_of_the_generator():
    """Trap: one transform for the whole batch."""
    held = Sticker(objects(1)[0], mask())
    images = objects(1).repeat(5, 1, 1, 1)
    with undrawn():
        seen = held.apply(images, seeded(1))
    assert all(not torch.equal(seen[i], seen[j]) for i in range(5) for j in range(i))
    assert torch.equal(seen, held.apply(images, seeded(1))) and not torch.equal(seen, held.apply(images, seeded(2)))
    assert seen.min() >= 0 and seen.max() <= 1
    assert torch.allclose(Sticker(held.image, held.mask, **PLAIN).apply(images), held.stick(images))


def test_learning_sees_poses_and_lights():
    """Trap: optimised on the flat object alone."""
    model = Recorder(Counting()).eval()
    quick(model, objects(1), mask(), target=1, steps=2, samples=3, generator=seeded())
    outside = torch.cat(model.seen)[:, :, H // 2]  # between the bars: the object itself
    assert len(outside) == 6 and len(outside.unique(dim=0)) == 6


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_nothing_else_has_changed(mode):
    """Trap: parameters' gradients left filled, BatchNorm's statistics moved, the global random state used."""
    model, images = Counting().train(mode == "train"), objects()
    with unchanged(model, images), undrawn(), torch.inference_mode():
        found = quick(model, images, mask(), target=1, steps=3, generator=seeded())
    assert not found.image.requires_grad
    again = quick(model, images, mask(), target=1, steps=3, generator=seeded())
    assert torch.equal(found.image, again.image)


def test_a_constant_model_gives_a_finite_print():
    found = quick(Constant(), objects(), mask(), target=2, generator=seeded())
    assert found.image.isfinite().all() and found.image.min() >= 0 and found.image.max() <= 1


@pytest.mark.parametrize("cut", [torch.Tensor.detach, lambda x: torch.from_numpy(x.detach().numpy())])
def test_models_without_a_graph_are_refused(cut):
    """What a print or a texture costs beside the model has a graph of its own."""
    model = Counting().eval()
    around = TexturedObject.sphere(objects(1)[0], rows=6, dtype=torch.float64)
    paint = partial(
        texture, object=around, target=1, size=12, samples=2, poses=partial(draw_poses, dtype=torch.float64)
    )
    for blind in (lambda x: model(cut(x)), lambda x: model(x).detach()):
        for run in (
            lambda m: quick(m, objects(), mask(), target=1, steps=1, generator=seeded()),
            partial(paint, steps=1, penalty=0.5, generator=seeded()),
            partial(paint, steps=1, generator=seeded()),
        ):
            with pytest.raises(ValueError, match="model returned logits without a graph to the images"):
                run(blind)


def test_one_channel_and_black_objects():
    grey = partial(quick, palette=torch.tensor([[0.1], [0.9]]), steps=3, generator=seeded())
    found = grey(Constant(), torch.zeros(2, 1, H, W, dtype=torch.float64), mask()[0], target=1)
    assert found.image.shape == (1, H, W) and found.image.isfinite().all()
    assert found.apply(objects(2, channels=1), seeded()).isfinite().all()


def test_bars_lie_above_and_below_the_middle():
    made = bars(32, 32)
    assert made.shape == (1, 32, 32) and torch.equal(made, made.flip(1)) and torch.equal(made, made.flip(2))
    assert made.sum() == 2 * 4 * 16 and made[0, 6:10, 8:24].all() and made[0, 22:26, 8:24].all()
    assert bars(20, 40).shape == (1, 20, 40)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (torch.ones(1, H, W + 1), "mask has shape"),
        (torch.zeros(1, H, W), "mask is empty"),
        (torch.full((1, H, W), 0.5), "mask holds"),
        (torch.full((1, H, W), torch.nan), "mask holds"),
        (torch.ones(3, H, W), "mask has shape"),
        (None, "mask is a NoneType"),
    ],
)
def test_bad_masks_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        quick(Counting().eval(), objects(), wrong, target=1)
    with pytest.raises(ValueError, match=message):
        Sticker(objects(1)[0], wrong)


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"target": 3}, "target is 3"),
        ({"target": -1}, "target"),
        ({"target": 1.0}, "target"),
        ({"steps": 0}, "steps"),
        ({"batch_size": 0}, "batch_size"),
        ({"samples": True}, "samples"),
        ({"step_size": -1.0}, "step_size"),
        ({"printable": -1.0}, "printable"),
        ({"smooth": float("nan")}, "smooth"),
        ({"max_angle": -1.0}, "max_angle"),
        ({"palette": torch.zeros(4, 1)}, "palette"),
        ({"palette": torch.zeros(0, 3)}, "palette"),
        ({"palette": [[0, 0, 0]]}, "palette"),
        ({"scales": (0.0, 1.0)}, "scales"),
    ],
)
def test_bad_arguments_are_named(bad, message):
    with pytest.raises(ValueError, match=message):
        quick(Counting().eval(), objects(), mask(), generator=seeded(), **({"target": 1} | bad))


def test_bad_images_and_bars_are_named():
    held = Sticker(objects(1)[0], mask())
    with pytest.raises(ValueError, match="images has shape"):
        held.apply(torch.rand(2, 3, H, W + 1))
    with pytest.raises(ValueError, match="images"):
        held.apply(objects() * 255)
    with pytest.raises(ValueError, match="thickness"):
        bars(8, 8, thickness=0.0)
