"""Streams of random numbers: keyed by image, well spread, and nobody else's business."""

import pytest
import torch
from scipy import stats

from advcourse.core.streams import AHEAD, FEW, Streams, _mixed, _mixed_int
from tests.support.refusals import refused

N = 6
IMAGES = torch.zeros(N, 1, 2, 2, dtype=torch.float64)
PLACES = torch.tensor([7, 0, 3, 11, 2, 100])


def test_an_image_draws_the_same_alone_in_any_batch_and_order():
    together = Streams(5, "a method", IMAGES, PLACES)
    drawn = [together.rand(3), together.randn(5), together.randint(9, 4)]
    for order in (torch.arange(N).flip(0), torch.tensor([4, 1]), torch.tensor([2])):
        some = Streams(5, "a method", IMAGES[order], PLACES[order])
        again = [some.rand(3), some.randn(5), some.randint(9, 4)]
        assert all(torch.equal(one, all_of[order]) for one, all_of in zip(again, drawn, strict=True))


def test_a_part_goes_on_where_it_was():
    whole, left = Streams(0, "m", IMAGES), torch.tensor([True, False, True, True, False, False])
    whole.rand(2)
    part = whole[left]
    assert len(part) == 3
    assert torch.equal(part.rand(4), whole.rand(4)[left])
    assert torch.equal(part.rand(4), whole.rand(4)[left])


def test_draws_of_few_entries_made_ahead_are_the_beginnings_of_longer_ones():
    few, many, left = Streams(0, "m", IMAGES), Streams(0, "m", IMAGES), torch.arange(N)
    for draw in range(3 * AHEAD):
        if draw in (AHEAD // 2, AHEAD + 1):  # some leave between what was made ahead
            few, left = few[torch.arange(len(left)) % 3 != 1], left[torch.arange(len(left)) % 3 != 1]
        count = draw % (FEW + 2) + 1
        assert torch.equal(few.words(count), many.words(FEW + 2)[left, :count]), draw


def test_seed_method_image_and_draw_each_make_another_stream():
    base = Streams(0, "m", IMAGES)
    first, second = base.rand(8), base.rand(8)
    others = [second, Streams(1, "m", IMAGES).rand(8), Streams(0, "n", IMAGES).rand(8), first.roll(1, 0)]
    assert not any((first == other).any() for other in others)
    assert torch.equal(first, Streams(0, "m", IMAGES).rand(8))


def test_no_global_state_is_moved():
    before = torch.random.get_rng_state()
    Streams(0, "m", IMAGES).randn(100)
    assert torch.equal(before, torch.random.get_rng_state())


def test_both_precisions_draw_the_same():
    single = Streams(0, "m", IMAGES.float())
    assert torch.equal(single.rand(50).double(), Streams(0, "m", IMAGES).rand(50))
    assert single.randn(5).dtype == torch.float32


@pytest.mark.slow
@pytest.mark.parametrize("draw, law", [("rand", stats.uniform), ("randn", stats.norm)])
def test_values_follow_their_law_along_entries_images_and_draws(draw, law):
    """Kolmogorov's distance, each way of taking values: its probability under the law is above 1e-4."""
    many = torch.zeros(4_000, 1, 1, 1, dtype=torch.float64)
    along = Streams(0, "m", IMAGES)
    ways = {
        "entries": getattr(along, draw)(20_000)[0],
        "images": getattr(Streams(0, "m", many), draw)(1)[:, 0],
        "draws": torch.stack([getattr(along, draw)(1)[0, 0] for _ in range(4_000)]),
    }
    for way, values in ways.items():
        assert stats.kstest(values.numpy(), law.cdf).pvalue > 1e-4, way
        assert abs(torch.corrcoef(torch.stack([values[1:], values[:-1]]))[0, 1]) < 4 / len(values) ** 0.5, way


def test_images_and_draws_are_uncorrelated():
    stream = Streams(3, "m", torch.zeros(40, 1, 1, 1, dtype=torch.float64))
    rows = torch.cat([stream.randn(10_000), stream.randn(10_000)])
    correlation = torch.corrcoef(rows) - torch.eye(80)
    assert correlation.abs().max() < 5.5 / 10_000**0.5


def test_whole_numbers_up_to_each_images_bound():
    stream = Streams(0, "m", IMAGES)
    high = torch.tensor([1, 2, 3, 10, 1000, 2**31 - 1])
    drawn = stream.randint(high, 5000)
    assert drawn.shape == (N, 5000) and (drawn >= 0).all() and (drawn < high[:, None]).all()
    assert [len(row.unique()) for row in drawn[:4]] == [1, 2, 3, 10]
    assert stats.chisquare(drawn[3].bincount(minlength=10).numpy()).pvalue > 1e-4
    assert set(stream.signs(100).unique().tolist()) == {-1.0, 1.0}
    assert abs(stream.signs(10_000).mean()) < 0.02


def test_mixing_is_a_permutation_that_python_agrees_on():
    words = torch.randint(0, 2**32, (1000,), generator=torch.Generator().manual_seed(0))
    mixed = _mixed(words)
    assert (mixed >= 0).all() and (mixed < 2**32).all() and len(mixed.unique()) == len(words.unique())
    assert mixed.tolist() == [_mixed_int(word) for word in words.tolist()]


@pytest.mark.parametrize(
    "name, given",
    [
        ("seed", {"seed": -1}),
        ("seed", {"seed": True}),
        ("indices", {"indices": PLACES[1:]}),
        ("indices", {"indices": -PLACES}),
        ("indices", {"indices": PLACES.float()}),
        ("indices", {"indices": [0, 1, 2, 3, 4, 5]}),
    ],
)
def test_refusals(name, given):
    with refused(f"{name} "):
        Streams(**({"seed": 0, "method": "m", "images": IMAGES} | given))
