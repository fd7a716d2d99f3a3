"""What the checks of crops say, and that right positions and gradients pass."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.grading import crops, toys
from tests.support.refusals import says

IMAGES = (0.5 + 0.45 * torch.cos(torch.arange(90, dtype=torch.float64) ** 2)).view(3, 1, 5, 6)
MODEL = toys.Prototypes(IMAGES.flip(3), [0.6, 1.0, 0.8])
LABELS = torch.tensor([1, 0, 2])
POSITIONS = torch.tensor([[[0, 0], [2, 1], [1, 3]], [[2, 2], [0, 3], [0, 1]], [[1, 0], [2, 3], [1, 1]]])


def test_a_window_is_the_square_enlarged():
    shown = crops.window(IMAGES[:2], torch.tensor([[1, 2], [0, 3]]), 3)
    for n, (i, j) in enumerate(((1, 2), (0, 3))):
        square = IMAGES[n : n + 1, :, i : i + 3, j : j + 3]
        expected = F.interpolate(square, (5, 6), mode="bilinear", align_corners=False)
        torch.testing.assert_close(shown[n : n + 1], expected)
    with pytest.raises(ValueError, match="one for each image"):
        crops.window(IMAGES, torch.zeros(2, 2).long(), 3)


def uniform(count, draws, generator):
    return torch.rand(count, draws, 2, generator=generator, dtype=torch.float64)


def shuffled(count, draws, generator):
    return torch.rand(count, draws, generator=generator, dtype=torch.float64).argsort(1)


def one_of(choices, count, generator):
    return torch.randint(choices, (count, 1), generator=generator)


def exchanged_with_any(count, draws, generator):
    found = torch.arange(draws).repeat(count, 1)
    for i in range(draws):
        place = one_of(draws, count, generator)
        other, own = found.gather(1, place), found[:, i : i + 1].clone()
        found = found.scatter(1, place, own)
        found[:, i : i + 1] = other
    return found


def drawing(
    inside=uniform, order=shuffled, result=lambda spots, sides: torch.minimum((spots * sides).long(), sides - 1)
):
    def crop_positions(count, draws, rows, columns, generator):
        spots = (torch.arange(draws)[:, None] + inside(count, draws, generator)) / draws
        spots[..., 1] = spots[..., 1].gather(1, order(count, draws, generator))
        return result(spots, torch.tensor([rows, columns]))

    return crop_positions


def both(function):
    crops.stratified(function, 40, 3, 3, 3)
    crops.stratified(function, 6, 8, 9, 5)
    crops.mixed(function, 4)


def test_right_positions_pass():
    both(drawing())


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"order": lambda n, k, g: torch.arange(k).expand(n, k)}, "the same order"),
        ({"order": lambda n, k, g: torch.arange(k).flip(0).expand(n, k)}, "opposite order"),
        ({"order": lambda n, k, g: torch.randperm(k, generator=g).expand(n, k)}, "draw an order for each image"),
        ({"order": lambda n, k, g: (one_of(2, n, g) * (k - 1) - torch.arange(k)).abs()}, "more often"),
        ({"order": lambda n, k, g: (torch.arange(k) + one_of(k, n, g)) % k}, "shifted cyclically"),
        ({"order": lambda n, k, g: (one_of(k, n, g) - torch.arange(k)) % k}, "shifted cyclically"),
        ({"order": exchanged_with_any}, "some orders of the columns"),
        ({"inside": lambda n, k, g: torch.full((n, k, 2), 0.5)}, "is nothing random|one place of their part"),
        ({"inside": lambda n, k, g: uniform(n, 1, g).expand(n, k, 2)}, "draw a number for every part"),
        ({"inside": lambda n, k, g: uniform(1, k, g).expand(n, k, 2)}, "draw for every image"),
        ({"inside": lambda n, k, g: uniform(n, k, g)[..., :1].expand(n, k, 2).clone()}, "draw for both"),
        ({"inside": lambda n, k, g: uniform(n, k, g) ** 2}, "not uniform in their part"),
        ({"inside": lambda n, k, g: uniform(n, k, None)}, "global random numbers"),
        ({"inside": lambda n, k, g: uniform(n, k, g.manual_seed(0))}, "the generator seeded again"),
        ({"result": lambda spots, sides: (spots * sides.flip(0)).long()}, "rows and columns are exchanged"),
        ({"result": lambda spots, sides: (spots * sides).round().long()}, "positions reach row"),
        ({"result": lambda spots, sides: (spots * (sides - 1)).long()}, "expected one in each of"),
        ({"result": lambda spots, sides: spots}, "expected torch.int64"),
    ],
)
def test_what_is_said_of_positions(changed, pattern):
    with says(pattern):
        both(drawing(**changed))


@pytest.mark.parametrize("size", [(3, 2), (2, 5)])
def test_the_variance_of_spread_crops_is_that_of_all_that_may_be_drawn(size):
    slopes = torch.randn(*size, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fine = 30  # numbers in a part that stand for all: no row or column ends between two of them
    parts = (torch.arange(2 * fine).double() + 0.5).view(2, fine) / (2 * fine)
    rows, columns = ((side * parts).long() for side in size)
    found = []
    for a, b in ((columns[0], columns[1]), (columns[1], columns[0])):
        pairs = [slopes[r[:, None], c] for r, c in ((rows[0], a), (rows[1], b))]
        estimates = (pairs[0].view(-1, 1, 4) + pairs[1].view(1, -1, 4)) / 2
        found.append((estimates - slopes.mean((0, 1))).square().sum(2).mean())
    assert crops.spread_variance(slopes, 2) == pytest.approx(torch.stack(found).mean().item(), rel=1e-9)


def test_the_variance_of_crops_in_special_cases():
    slopes = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    one = (slopes - slopes.mean((0, 1))).square().sum(2).mean().item()
    assert crops.spread_variance(slopes, 1) == pytest.approx(one)
    added = slopes[:, :1] + slopes[:1]  # of a row and of a column alone: whole parts leave nothing
    assert crops.spread_variance(added, 12) == pytest.approx(0, abs=1e-12)


def averaging(reduce=lambda slopes: slopes.mean(0), places=lambda p: p, size=1, before=lambda model: None):
    def crop_gradient(model, images, labels, side, positions, at_once):
        before(model)
        found = []
        for k in range(positions.shape[1]):
            x, where = images.clone().requires_grad_(), places(positions)[:, k]
            parts = range(0, len(x), size)
            loss = sum(
                F.cross_entropy(
                    model(crops.window(x[i : i + size], where[i : i + size], side)),
                    labels[i : i + size],
                    reduction="sum",
                )
                for i in parts
            )
            found.append(torch.autograd.grad(loss, x)[0])
        return reduce(torch.stack(found))

    return crop_gradient


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_right_gradients_pass(dtype):
    model = toys.Prototypes(IMAGES.flip(3), [0.6, 1.0, 0.8], dtype=dtype)
    for at_once in (1, 2, 100):
        crops.crop_averages(averaging(), model, IMAGES.to(dtype), LABELS, 3, POSITIONS, at_once)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"reduce": lambda s: s.sum(0)}, "the sum over the crops"),
        ({"reduce": lambda s: s.mean(0) / 3}, "the mean over the images is taken too"),
        ({"reduce": lambda s: s.sum(0) / 2}, "not by at_once"),
        ({"reduce": lambda s: s.mean(0) / 9}, "is divided once more"),
        ({"reduce": lambda s: (s[:2].mean(0) + s[2]) / 2}, "counts as much as the others"),
        ({"reduce": lambda s: s[0]}, "the gradient of one crop"),
        ({"reduce": lambda s: 1.1 * s.mean(0)}, r"at \(image, channel, row, column\)"),
        ({"places": lambda p: p[:1].expand_as(p)}, "the positions of the first"),
        ({"places": lambda p: p.transpose(0, 1).reshape(p.shape)}, "not in the same order"),
        ({"size": 3}, "at most at_once = 2"),
        ({"before": lambda model: model.eval()}, "between train and eval mode"),
        ({"before": lambda model: model(IMAGES[:2])}, "each once"),
    ],
)
def test_what_is_said_of_a_gradient(changed, pattern):
    with says(pattern):
        crops.crop_averages(averaging(**changed), MODEL, IMAGES, LABELS, 3, POSITIONS, 2)
