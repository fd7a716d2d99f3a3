"""What the checks of a random defense say; models that throw dice."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.grading import chance, masked, toys
from tests.support.refusals import says

IMAGES = (0.5 + 0.45 * torch.cos(torch.arange(252, dtype=torch.float64) ** 2)).view(3, 2, 6, 7)
MASK = (torch.cos(torch.arange(126, dtype=torch.float64) ** 2) > 0.3).double().view(3, 1, 6, 7)
MASK[1, 0, 1:5, 1:6] = 0
MODEL = toys.Prototypes(IMAGES.flip(3), [0.06, 0.1, 0.08])
LABELS = torch.tensor([1, 0, 2])


def test_filling_by_hand():
    row = torch.tensor([0.2, 0.4, 0.9, 0.6]).view(1, 1, 1, 4)
    for mask, expected in (([1, 0, 0, 0], [0.2, 0.2, 0.5, 0.5]), ([1, 0, 1, 1], [0.2, 0.55, 0.9, 0.6])):
        found = chance.refilled(row, torch.tensor(mask).float().view(1, 1, 1, 4))
        torch.testing.assert_close(found.flatten(), torch.tensor(expected))


def painting(keep=lambda x, m: m * x, divide=lambda total, count: total / count.clamp_min(1), none=0.5, mixed=False):
    def filled(images, mask):
        ones = torch.ones(1, 1, 3, 3, dtype=images.dtype)
        ones[0, 0, 1, 1] = mixed
        total = F.conv2d(keep(images, mask).flatten(0, 1)[:, None], ones, padding=1).view(images.shape)
        count = F.conv2d(mask, ones, padding=1)
        around = torch.where(count > 0, divide(total, count), none)
        return around if mixed else torch.where(mask > 0, images, around)

    return filled


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_right_painter_passes(dtype):
    chance.fills(painting(), IMAGES.to(dtype), MASK.to(dtype))


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"divide": lambda total, count: total / 8}, "divided by 8"),
        ({"divide": lambda total, count: total}, "expected|sum of the neighbours"),
        ({"divide": lambda total, count: (total**2).sqrt() / count}, "the gradient is nan"),
        ({"none": 0.0}, "becomes ½"),
        ({"mixed": True}, "kept pixels stay as they are"),
        ({"keep": lambda x, m: (m * x).detach()}, "expected|gradient takes the mask alone"),
    ],
)
def test_what_is_said_of_a_painter(changed, pattern):
    with says(pattern):
        chance.fills(painting(**changed), IMAGES, MASK)


def descending(
    masks=lambda images, drop, g: (torch.rand(len(images), 1, 6, 7, generator=g) >= drop).double(),
    back=chance.refilled,
    seen=lambda smooth, images, mask: smooth(images, mask),
    reduce=lambda slopes: slopes.mean(0),
    fixed=False,
):
    def drop_gradient(model, smooth, images, labels, drop, draws, generator):
        found, mask = [], masks(images, drop, generator)
        for k in range(draws):
            if k and not fixed:
                mask = masks(images, drop, generator)
            x = images.clone().requires_grad_()
            z = seen(smooth, images, mask).clone().requires_grad_()
            (there,) = torch.autograd.grad(F.cross_entropy(model(z), labels, reduction="sum"), z)
            found.append(torch.autograd.grad(back(x, mask), x, there)[0])
        return reduce(torch.stack(found))

    return drop_gradient


def test_what_is_nearly_right_is_not():
    with says("filled gives"):
        chance.fills(painting(divide=lambda total, count: total / (count + 1e-8)), IMAGES, MASK)
    with says("the masks that it drew gives"):
        chance.drops(descending(reduce=lambda g: (1 + 1e-6) * g.mean(0)), MODEL, IMAGES, LABELS, 0.5, 4)


def test_a_right_gradient_passes():
    chance.drops(descending(), MODEL, IMAGES, LABELS, 0.5, 4)
    chance.drops(descending(), MODEL, IMAGES, LABELS, 0.8, 1)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"masks": lambda x, d, g: (torch.rand(3, 1, 6, 7, generator=g) < d).double()}, "drops, not keeps"),
        ({"masks": lambda x, d, g: (torch.rand(3, 1, 6, 7) >= d).double()}, "global random numbers"),
        ({"masks": lambda x, d, g: (torch.rand(3, 2, 6, 7, generator=g) >= d).double()}, "for all its channels"),
        ({"masks": lambda x, d, g: torch.rand(3, 1, 6, 7, generator=g).double()}, "other numbers than 0 and 1"),
        ({"masks": lambda x, d, g: (torch.rand(3, 1, 6, 7, generator=g) >= d).float()}, "a mask of torch.float32"),
        (
            {"masks": lambda x, d, g: (torch.rand(1, 1, 6, 7, generator=g) >= d).double().repeat(3, 1, 1, 1)},
            "draw one for every image",
        ),
        ({"fixed": True}, "draw a new one each time"),
        ({"back": lambda x, m: 1 * x}, "through the identity"),
        ({"back": lambda x, m: m * x}, "through the mask alone"),
        ({"seen": lambda smooth, x, m: (smooth(x, m), chance.refilled(x, m))[1]}, "at the filled image"),
        ({"seen": lambda smooth, x, m: (smooth(x, m), x)[1]}, "at the image itself"),
        ({"seen": lambda smooth, x, m: chance.refilled(x, m)}, "did not call smooth"),
        ({"seen": lambda smooth, x, m: smooth(x[:1], m[:1]).expand_as(x)}, "expected n = 2"),
        ({"seen": lambda smooth, x, m: smooth(1 - x, m)}, "something else than the images"),
        ({"back": lambda x, m: chance.refilled(x, m.roll(1, 0))}, "dropped in every draw have a gradient"),
        ({"back": lambda x, m: chance.refilled(x, 1 - m)}, "another mask than the one .* the mask turned round"),
        ({"reduce": lambda s: s.sum(0)}, "the sum over the draws"),
        ({"reduce": lambda s: s.mean(0) / 3}, "the mean over the images"),
        ({"reduce": lambda s: s.mean(0).sign()}, "returns signs"),
    ],
)
def test_what_is_said_of_a_gradient(changed, pattern):
    with says(pattern):
        chance.drops(descending(**changed), MODEL, IMAGES, LABELS, 0.2, 2)


def test_with_one_mask_the_other_is_known():
    with says("another mask than the one that `smooth` was given"):
        chance.drops(descending(back=lambda x, m: chance.refilled(x, m.roll(1, 0))), MODEL, IMAGES, LABELS, 0.5, 1)


def judging(change=lambda correct, numbers: numbers, ask=None):
    def judge(model, images, labels, draws, tries):
        times = draws if ask is None else ask
        correct = torch.stack([(model(images).argmax(1) == labels).double().detach() for _ in range(times)])
        each, misses = correct.mean(1), (1 - correct).sum(0)
        choices = torch.combinations(torch.arange(times), tries)
        numbers = [each.mean(), each.std() / draws**0.5, (correct[choices] == 0).any(1).double().mean()]
        return change(correct, [*(n.item() for n in numbers), (2 * misses > draws).double().mean().item()])

    return judge


def dice():
    images = torch.arange(24, dtype=torch.float64).view(6, 1, 2, 2) / 24
    return chance.Dice(images, torch.tensor([0, 1, 2, 0, 1, 2]), [1.0, 0.5, 0.6, 0.4, 0.9, 0.0])


def test_dice_are_right_as_often_as_they_should():
    model = dice()
    shares = torch.stack([model(model.images).argmax(1) == model.labels for _ in range(400)]).double().mean(0)
    torch.testing.assert_close(shares.float(), model.chances, atol=0.12, rtol=0)
    chance.judges(judging(), dice(), 4, 2)


@pytest.mark.parametrize(
    "change, ask, pattern",
    [
        (lambda c, n: [1 - n[0], *n[1:]], None, "the share that is fooled"),
        (lambda c, n: [n[0], c.mean(1).std().item(), *n[2:]], None, "the standard deviation of one draw"),
        (lambda c, n: [n[0], c.mean(1).std(correction=0).item() / 2, *n[2:]], None, "divide by D - 1"),
        (lambda c, n: [*n[:2], (c.amin(0) < 1).double().mean().item(), n[3]], None, "at least one of all D draws"),
        (
            lambda c, n: [*n[:2], (1 - c.mean(0) ** 2).mean().item(), n[3]],
            None,
            "draws the same answer more than once",
        ),
        (
            lambda c, n: [*n[:2], (1 - (1 - c).sum(0) * ((1 - c).sum(0) - 1) / 12).mean().item(), n[3]],
            None,
            "among the right answers",
        ),
        (lambda c, n: [*n[:3], (2 * c.sum(0) <= 4).double().mean().item()], None, "more than half is"),
        (lambda c, n: n[:3], None, "should return four numbers"),
        (lambda c, n: n, 5, "expected once in each of 4 draws"),
    ],
)
def test_what_is_said_of_a_judge(change, ask, pattern):
    with says(pattern):
        chance.judges(judging(change, ask), dice(), 4, 2)


def counting(change=lambda found: found):
    def signs(wrong, zero):
        right = ~wrong["clean"]
        found = {k: wrong[k] & ~wrong["iterated"] for k in ("one step", "random", "black box")}
        found |= {"unbounded": ~wrong["unbounded"], "no gradient": zero}
        return change({k: int((v & right).sum()) for k, v in found.items()})

    return signs


def test_signs_are_counted():
    names = ("clean", "one step", "random", "black box", "iterated", "unbounded")
    columns = torch.randint(2, (7, 60), generator=torch.Generator().manual_seed(0)).bool()
    wrong, zero = dict(zip(names, columns, strict=False)), columns[6]
    masked.speaking(counting(), wrong, zero)
    right = ~wrong["clean"]
    for change, pattern in (
        (lambda found: found | {"random": int(wrong["random"].sum())}, "of all images"),
        (lambda found: found | {"random": int((wrong["random"] & right).sum())}, "iterated attack misses"),
        (lambda found: found | {"no gradient": int(zero.sum())}, "misclassified without an attack"),
        (lambda found: found | {"unbounded": 99}, "gives 99"),
        (lambda found: list(found), "expected a dict"),
    ):
        with says(pattern):
            masked.speaking(counting(change), wrong, zero)


def test_the_three_models_hide_what_they_are_said_to():
    three, x = masked.three(), torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0)).requires_grad_()
    slopes = {k: torch.autograd.grad(m(x).square().sum(), x)[0].abs().mean() for k, m in three.items()}
    assert slopes["C"] == 0 and slopes["A"] > 3 * slopes["B"] > 0
    assert not any(model.training for model in three.values())


def test_masks_are_others_in_the_next_call():
    drawn = torch.rand(3, 1, 6, 7, generator=torch.Generator().manual_seed(0))
    chance.redraws(descending(), MODEL, IMAGES, LABELS, 0.5, 2)
    with says("two calls draw the same masks"):
        again = descending(masks=lambda x, d, g: (torch.rand(3, 1, 6, 7, generator=g.manual_seed(0)) >= d).double())
        chance.redraws(again, MODEL, IMAGES, LABELS, 0.5, 1)
    with says("two calls draw the same masks"):
        chance.redraws(descending(masks=lambda x, d, g: (drawn >= d).double()), MODEL, IMAGES, LABELS, 0.5, 1)
    with says("the same state should give the same masks"):
        other = descending(masks=lambda x, d, g: (torch.rand(3, 1, 6, 7) >= d).double())
        chance.redraws(other, MODEL, IMAGES, LABELS, 0.5, 1)


def test_what_is_filled_is_left_as_it_is():
    def marking(images, mask):
        found = chance.refilled(images, mask)
        images.requires_grad_()
        return found

    with says("requires_grad set on the images"):
        chance.fills(marking, IMAGES, MASK)
