"""The adversarial patch: pasted exactly, learnt anew at every step, and at work on images never seen."""

import math

import pytest
import torch
import torch.nn.functional as F

from advcourse.attacks.physical import Patch, patch, patch_mask
from advcourse.core.running import count_passes
from tests.support.scenes import seeded
from tests.support.toys import Affine, Constant, pictures, smooth_cnn
from tests.support.traces import MODES, in_use, unchanged, undrawn

FREE = {"max_angle": 180.0, "scales": (0.7, 1.3)}


def made(height=5, width=4, channels=2, **more):
    image = pictures(1, channels, height, width)[0]
    mask = torch.ones(1, height, width, dtype=torch.float64)
    mask[0, 0, 0] = mask[0, -1, 1] = 0
    return Patch(image, mask, **more)


def ink(size, mask, n=300, seed=0, **more):
    """Per image the mask as it was pasted: a white patch on black."""
    white = Patch(torch.ones_like(mask), mask, **more)
    return white.apply(torch.zeros(n, 1, *size, dtype=torch.float64), seeded(seed))


# -- pasting


def test_upright_and_in_its_size_it_is_copied_pixel_by_pixel():
    thing, images = made(), pictures(3, 2, 9, 12)
    result = thing.apply(images, place=(5.5, 4.0), angle=0.0, scale=1.0)  # columns 4 to 7, rows 2 to 6
    expected = images.clone()
    expected[:, :, 2:7, 4:8] = torch.where(thing.mask > 0, thing.image, images[:, :, 2:7, 4:8])
    assert torch.equal(result, expected)


def test_a_quarter_turn_turns_patch_and_mask():
    thing, images = made(), pictures(2, 2, 9, 12)
    result = thing.apply(images, place=(6.0, 3.5), angle=90.0, scale=1.0)
    turned, mask = (torch.rot90(t, 1, (1, 2)) for t in (thing.image, thing.mask))
    expected = images.clone()
    expected[:, :, 2:6, 4:9] = torch.where(mask > 0, turned, images[:, :, 2:6, 4:9])
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-12)


def test_a_soft_mask_mixes():
    thing = Patch(torch.full((1, 2, 2), 0.8).double(), torch.full((1, 2, 2), 0.25).double())
    result = thing.apply(torch.full((1, 1, 4, 4), 0.4).double(), place=(1.5, 1.5), angle=0, scale=1)
    assert result[0, 0, 1:3, 1:3].flatten().tolist() == pytest.approx([0.75 * 0.4 + 0.25 * 0.8] * 4)


def test_outside_the_patch_nothing_changes():
    size, images = (20, 26), pictures(200, 2, 20, 26)
    mask = patch_mask(size, 0.1).double()
    image = torch.rand(2, *mask.shape[1:], generator=seeded(), dtype=torch.float64)
    result = Patch(image, mask, **FREE).apply(images, seeded(4))
    covered = ink(size, mask, 200, 4, **FREE) > 0  # the same draws
    assert 0.05 < covered.double().mean() < 0.3
    assert torch.equal(torch.where(covered, images, result), images)
    assert (result != images).any(1, keepdim=True)[covered].double().mean() > 0.99


def test_the_edge_shows_nothing_of_the_pixels_outside_the_mask():
    """They may hold anything: sampled apart from the mask they would shine through at its edge."""
    thing, images = made(**FREE), pictures(50, 2, 16, 16)
    other = torch.where(thing.mask > 0, thing.image, 1 - thing.image)
    assert torch.equal(Patch(other, thing.mask, **FREE).apply(images, seeded()), thing.apply(images, seeded()))


def test_pixels_outside_the_mask_have_no_gradient():
    thing, images = made(**FREE), pictures(50, 2, 16, 16)
    pixels = thing.image.clone().requires_grad_()
    weight = torch.rand(images.shape, generator=seeded(1), dtype=torch.float64)
    (Patch(pixels, thing.mask, **FREE).apply(images, seeded()) * weight).sum().backward()
    outside = (thing.mask == 0).expand_as(pixels)
    assert (pixels.grad[outside] == 0).all() and (pixels.grad[~outside] != 0).all()


def test_white_pixels_keep_their_gradient():
    """A clamp that cuts rounding off above 1 would stop the gradient of a saturated patch."""
    pixels = torch.ones(2, 6, 6, dtype=torch.float32, requires_grad=True)
    thing = Patch(pixels, torch.ones(1, 6, 6), **FREE)
    thing.apply(torch.ones(200, 2, 16, 16), seeded()).sum().backward()
    cover = ink((16, 16), torch.ones(1, 6, 6).double(), 200, **FREE).sum().item()
    assert pixels.grad[0].sum().item() == pytest.approx(cover, rel=0.02)


# -- how much and where


@pytest.mark.parametrize("shape", ["circle", "square"])
@pytest.mark.parametrize(("size", "area"), [((40, 40), 0.1), ((30, 50), 0.2), ((50, 30), 0.05), ((28, 28), 0.3)])
def test_the_patch_covers_its_share_however_it_is_turned(size, area, shape):
    mask = patch_mask(size, area, shape).double()
    pixels, asked = mask.sum(), area * size[0] * size[1]
    assert abs(pixels - asked) <= 1.1 * asked / mask.shape[1]  # half a pixel of side
    covered = ink(size, mask, max_angle=45.0).sum((1, 2, 3))
    assert (covered - pixels).abs().max() < 3 and (covered - pixels).abs().mean() < 0.5  # bilinear at the edges
    corners = mask[0, 0, 0] == mask[0, -1, -1] == 0
    assert corners == (shape == "circle")


def test_the_share_goes_with_the_square_of_the_scale():
    mask = patch_mask((60, 60), 0.05).double()
    for scale in (0.5, 0.8, 1.5, 2.0):
        black = torch.zeros(20, 1, 60, 60, dtype=torch.float64)
        share = Patch(torch.ones_like(mask), mask).apply(black, seeded(), scale=scale).mean().item()
        assert share == pytest.approx(scale**2 * mask.sum().item() / 3600, rel=0.02)


def test_it_lies_anywhere_in_the_image_and_never_sticks_out():
    size = (24, 40)
    mask = patch_mask(size, 0.1).double()
    covered = ink(size, mask, 600, **FREE)
    whole = ink((40, 50), mask, 600, **FREE).sum((1, 2, 3))  # the same draws of angle and scale
    missing = (covered.sum((1, 2, 3)) - whole).abs()
    assert missing.max() < 3 and missing.mean() < 0.3  # bilinear at the edges, of some 96 pixels
    seen = covered[:, 0] > 0
    for edge in (seen[:, 0], seen[:, -1], seen[:, :, 0], seen[:, :, -1]):
        assert edge.any(1).double().mean() > 0.02
    across = (covered.sum((1, 2)) * torch.arange(40)).sum(1) / covered.sum((1, 2, 3))
    assert across.mean().item() == pytest.approx(19.5, abs=0.6)
    reach = across.max() - across.min()
    assert across.std().item() == pytest.approx(reach.item() / 12**0.5, rel=0.1)  # uniform


def test_a_lopsided_mask_reaches_every_edge():
    mask = torch.zeros(1, 9, 9, dtype=torch.float64)
    mask[0, 6:9, 0:4] = 1
    covered = ink((15, 15), mask, 500, max_angle=0.0)
    assert (covered.sum((1, 2, 3)) - 12).abs().max() < 1e-9
    centre = (covered.sum((1, 2)) * torch.arange(15)).sum(1) / 12
    assert centre.min() < 1.6 and centre.max() > 12.4


def test_a_patch_too_large_for_the_image_is_centred_and_cut():
    covered = ink((7, 30), torch.ones(1, 9, 9).double(), 50, max_angle=0.0)
    assert torch.equal(covered.amax(3), torch.ones_like(covered.amax(3)))


def test_every_image_has_its_own_place_and_the_generator_decides():
    thing, images = made(**FREE), torch.full((6, 2, 14, 14), 0.5, dtype=torch.float64)
    with undrawn():
        one, two = thing.apply(images, seeded(1)), thing.apply(images, seeded(2))
    assert torch.equal(thing.apply(images, seeded(1)), one) and not torch.equal(one, two)
    assert len(one.flatten(1).unique(dim=0)) == 6
    assert not torch.equal(thing.apply(images), thing.apply(images))


# -- optimising


def fixed(model, images, **more):
    """A patch as large as the image, upright: nothing is left to chance."""
    settings = {"area": 1.0, "shape": "square", "max_angle": 0.0, "batch_size": len(images)} | more
    return patch(model, images, generator=seeded(), **settings)


def test_on_an_affine_model_it_is_the_best_image_in_the_box():
    weight = torch.rand(2, 50, generator=seeded(3), dtype=torch.float64) - 0.5
    found = fixed(Affine(weight), pictures(4, 2, 5, 5), target=1, steps=40)
    assert torch.equal(found.image.flatten(), ((weight[1] - weight[0]) > 0).double())


def test_gradients_are_those_of_the_step_not_of_all_steps_so_far():
    """Trap: a patch whose gradient is never zeroed follows the sum of all gradients since the start."""
    model, images = smooth_cnn(), pictures(3, 2, 6, 6)
    found = fixed(model, images, target=2, steps=12, step_size=0.08)
    pixels = torch.full((2, 6, 6), 0.5, dtype=torch.float64)
    first, second = torch.zeros_like(pixels), torch.zeros_like(pixels)
    for step in range(1, 13):  # Adam, as Kingma & Ba write it
        pixels.requires_grad_()
        loss = F.cross_entropy(model(pixels.expand(3, -1, -1, -1)), torch.tensor([2, 2, 2]))
        (gradient,) = torch.autograd.grad(loss, pixels)
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        direction = first / (1 - 0.9**step) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
        pixels = (pixels.detach() - 0.08 * direction).clamp(0, 1)
    torch.testing.assert_close(found.image, pixels, rtol=0, atol=1e-9)


def stripes():
    """Three classes by what is brightest in the image: its red, its green, its blue."""
    weight = torch.eye(3, dtype=torch.float64).repeat_interleave(16 * 20, 1) / 20
    return Affine(weight), pictures(40, 3, 16, 20)


@pytest.mark.parametrize("target", [0, 1, 2])
def test_it_reaches_its_target_on_images_never_seen(target):
    model, images = stripes()
    others = images[model(images).argmax(1) != target]
    learn, unseen = others[:10], others[10:]
    found = patch(model, learn, target=target, area=0.2, steps=40, generator=seeded())
    for seed in range(5):
        assert (model(found.apply(unseen, seeded(seed))).argmax(1) == target).all()
    expected = torch.zeros(3, dtype=torch.float64)
    expected[target] = 1
    assert torch.equal(found.image[:, found.mask[0] > 0], expected[:, None].expand(-1, int(found.mask.sum())))
    assert torch.equal(found.image[:, found.mask[0] == 0].unique(), torch.tensor([0.5]).double())  # never touched


def test_it_learns_over_places_not_over_one():
    """What is learnt at one place alone fails at another: here a place's weight decides what is bright there."""
    weight = torch.zeros(2, 1, 8, 8, dtype=torch.float64)
    weight[1] = torch.linspace(-3, 1, 8)[:, None]  # only the upper rows are dark in the target
    model, images = Affine(weight.flatten(1)), pictures(4, 1, 8, 8)
    found = patch(model, images, target=1, area=4 / 64, shape="square", max_angle=0.0, steps=60, generator=seeded())
    assert (found.image == 0).all()  # in the mean over places the weight is negative


def test_it_learns_for_the_light_it_will_stand_in():
    model, images = smooth_cnn(), pictures(3, 2, 6, 6)
    seen = []

    def darken(x, generator):
        seen.append(x.detach())
        return x / 2

    found = fixed(model, images, target=1, steps=3, transform=darken)
    assert all(torch.equal(x, x[:1].expand_as(x)) for x in seen)  # after the patch covers all
    plain = fixed(lambda x: model(x / 2), images, target=1, steps=3)
    torch.testing.assert_close(found.image, plain.image, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("batch_size", "samples", "rows"), [(3, 1, 3), (3, 4, 12), (50, 2, 12)])
def test_a_step_costs_images_times_draws(batch_size, samples, rows):
    model, images = smooth_cnn(), pictures(6)
    with count_passes(model) as passes:
        patch(model, images, target=0, area=0.2, steps=5, batch_size=batch_size, samples=samples)
    assert (passes.forwards, passes.backwards) == (5 * rows, 5 * rows)


def test_the_generator_decides_all_and_the_global_state_stays():
    model, images = smooth_cnn().train(), pictures(6)  # dropout draws from the global state

    def run(seed):
        return patch(model, images, target=0, area=0.2, steps=4, batch_size=2, generator=seeded(seed)).image

    with undrawn():
        run(1)
    model.eval()
    first, other = run(1), run(2)
    torch.manual_seed(4)
    assert torch.equal(run(1), first) and not torch.equal(first, other)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_else_has_changed(mode):
    model, images = in_use(smooth_cnn(), mode), pictures(4).requires_grad_()
    init = torch.rand(2, 4, 4, dtype=torch.float64, requires_grad=True)
    with unchanged(model, images, init):
        found = patch(model, images, target=0, area=0.25, steps=3, init=init)
    assert not found.image.requires_grad and found.image.grad is None and not found.mask.requires_grad
    assert not torch.equal(found.image, init)


def test_inside_no_grad_and_inference_mode():
    model, images = smooth_cnn(), pictures(4)
    plain = patch(model, images, target=0, area=0.2, steps=3, generator=seeded())
    for context in (torch.no_grad(), torch.inference_mode()):
        with context:
            again = patch(model, images, target=0, area=0.2, steps=3, generator=seeded())
            assert torch.equal(again.image, plain.image)
            assert torch.equal(again.apply(images, seeded()), plain.apply(images, seeded()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("channels", "height", "width"), [(1, 12, 12), (2, 7, 15), (3, 15, 7)])
def test_channels_sides_and_precision(channels, height, width, dtype):
    model, images = smooth_cnn(channels, dtype=dtype), pictures(4, channels, height, width, dtype)
    found = patch(model, images, target=3, area=0.1, steps=3, generator=seeded())
    assert found.image.shape[0] == channels and found.image.dtype == found.mask.dtype == dtype
    result = found.apply(images, seeded())
    assert result.shape == images.shape and result.dtype == dtype
    assert result.min() >= 0 and result.max() <= 1 and not result.requires_grad


def test_one_precision_applies_to_the_other():
    assert made().apply(pictures(2, 2, 9, 9, torch.float32)).dtype == torch.float32


def test_it_goes_on_from_a_start():
    model, images = smooth_cnn(), pictures(4)
    start = torch.rand(2, 3, 3, generator=seeded(), dtype=torch.float64)
    found = patch(model, images, target=0, area=0.2, steps=1, step_size=0.01, init=start, generator=seeded())
    assert (found.image - start).abs().max() <= 0.01 + 1e-9


@pytest.mark.parametrize("model", [Constant(), lambda x: torch.nan * x.mean((2, 3)), lambda x: x.mean((2, 3))])
def test_what_cannot_be_learnt_gives_a_finite_patch_in_the_box(model):
    found = patch(model, pictures(3), target=1, area=0.2, steps=3, step_size=10.0)
    assert found.image.isfinite().all() and found.image.min() >= 0 and found.image.max() <= 1


def test_the_bar_goes_to_stdout_and_only_where_asked_for(capsys):
    model, images = smooth_cnn(), pictures(2)
    patch(model, images, target=0, area=0.2, steps=2)
    assert capsys.readouterr() == ("", "")
    patch(model, images, target=0, area=0.2, steps=2, progress=True)
    out, err = capsys.readouterr()
    assert "2/2" in out and err == ""


# -- bad input


@pytest.mark.parametrize(
    "bad",
    [
        {"target": 4},
        {"target": -1},
        {"target": 1.0},
        {"target": True},
        {"area": 0},
        {"area": -0.1},
        {"area": 1.5},
        {"area": 0.01},
        {"area": math.nan},
        {"area": 0.9},
        {"area": "0.1"},
        {"shape": "star"},
        {"max_angle": -5},
        {"max_angle": math.inf},
        {"scales": (0, 1)},
        {"scales": (2, 1)},
        {"scales": 1.0},
        {"steps": 0},
        {"steps": 2.5},
        {"step_size": -0.1},
        {"batch_size": 0},
        {"samples": 0},
        {"init": torch.full((2, 9, 9), 0.5)},
        {"init": "grey"},
        {"init": torch.full((2, 3, 3), 2.0)},
        {"transform": 3},
    ],
    ids=lambda bad: "-".join(f"{key}-{value}"[:20] for key, value in bad.items()),
)
def test_bad_arguments_are_refused_by_name(bad):
    given = {"target": 0, "area": 0.2, "steps": 1} | bad
    with pytest.raises(ValueError, match=f"{next(iter(bad))} .*expected"):
        patch(smooth_cnn(), pictures(2), **given)


def test_bad_images_and_models_are_refused_by_name():
    images, model = pictures(2), smooth_cnn()
    for wrong in (images[0], images[:0], images * 2, (images * 255).byte(), images.log()):
        with pytest.raises(ValueError, match="images .*expected"):
            patch(model, wrong, target=0, area=0.2)
        with pytest.raises(ValueError, match="images .*expected"):
            made().apply(wrong)
    with pytest.raises(ValueError, match="model .*expected"):
        patch(model, images.float(), target=0, area=0.2)


def test_bad_patches_are_refused_by_name():
    image, mask = torch.rand(2, 4, 5), torch.ones(1, 4, 5)
    for name, given in (
        ("image", (image[0], mask)),
        ("image", (image + 1, mask)),
        ("image", ("white", mask)),
        ("mask", (image, mask[0])),
        ("mask", (image, torch.ones(2, 4, 5))),
        ("mask", (image, torch.ones(1, 5, 4))),
        ("mask", (image, mask * 0)),
        ("mask", (image, mask * 2)),
        ("mask", (image, mask.bool())),
        ("image", (image * torch.nan, mask)),
        ("max_angle", (image, mask, -1)),
        ("scales", (image, mask, 20, (0, 1))),
    ):
        with pytest.raises(ValueError, match=f"{name} .*expected"):
            Patch(*given)
    thing, images = Patch(image, mask), torch.rand(1, 2, 9, 9)
    for name, more in (
        ("angle", {"angle": math.nan}),
        ("scale", {"scale": 0}),
        ("place", {"place": (1, 2, 3)}),
        ("place", {"place": 3}),
        ("place", {"place": (1, math.inf)}),
    ):
        with pytest.raises(ValueError, match=f"{name} is .*expected"):
            thing.apply(images, **more)
    with pytest.raises(ValueError, match="images have 3 channels, expected the patch's 2"):
        thing.apply(torch.rand(1, 3, 9, 9))
