"""What the checks of an oracle's questions say, and that right functions pass."""

import pytest
import torch

from advcourse.grading import queries, toys
from tests.support.refusals import says
from tests.support.scenes import normal

IMAGES = (0.5 + 0.7 * torch.cos(torch.arange(144, dtype=torch.float64) ** 2)).clamp(0, 1).view(3, 3, 4, 4)
NETWORK = toys.Affine(normal(5, 48, seed=1))
TARGETS = NETWORK(IMAGES).argsort(1, descending=True)[:, 1]


def scorer(
    noise=torch.randn, points=lambda x: x, pairs=True, rank=lambda place, k: (k - place) / k, result=lambda s: s
):
    """A score of ranks whose noise, points and ranks can be made wrong; a place of k is that of a class not listed."""

    def rank_score(oracle, images, targets, copies, mu, generator):
        total, numbers = torch.zeros(len(images), dtype=images.dtype), torch.arange(len(images))
        for _ in range(copies // 2):
            u = noise(images.shape, generator=generator, dtype=images.dtype)
            other = -u if pairs else noise(images.shape, generator=generator, dtype=images.dtype)
            for side in (u, other):
                hit = oracle(points(images + mu * side), numbers).classes == targets[:, None]
                place = torch.where(hit.any(1), hit.int().argmax(1), oracle.k)
                total += rank(place, oracle.k)
        return result(total / copies)

    return rank_score


def ranks(function, copies=40, mu=0.3, k=3):
    return queries.ranks(function, queries.Watched(NETWORK, reveals="top_k", k=k), IMAGES, TARGETS, copies, mu)


def uniform(shape, **how):
    return 2 * torch.rand(shape, **how) - 1


def one_for_all(shape, **how):
    return torch.randn(shape[1:], **how).expand(shape)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"noise": uniform}, "expected Gaussian noise"),
        ({"noise": one_for_all}, "two images get the same noise"),
        ({"pairs": False}, "do not come in pairs"),
        ({"points": lambda x: x.clamp(0, 1)}, r"cut to \[0, 1\]"),
        ({"rank": lambda place, k: (place < k).double()}, "share of the copies that list the target"),
        ({"rank": lambda place, k: (k - place).double()}, "divide by the length k"),
        ({"rank": lambda place, k: (k - 1 - place).clamp(0) / k}, "places are counted from 0"),
        ({"rank": lambda place, k: (place < k) * (1 + place) / k}, "the last place counts most"),
        ({"rank": lambda place, k: 0.1 * (k - place)}, "from the lists that it got"),
        ({"result": lambda s: 40 * s}, "a sum over the copies"),
        ({"result": lambda s: s.float()}, "keep their dtype"),
    ],
)
def test_what_is_said_of_ranks(changed, pattern):
    with says(pattern):
        ranks(scorer(**changed))


def test_right_ranks_pass():
    for k, copies, mu in ((1, 40, 0.3), (3, 2, 0.05), (5, 20, 0.1)):
        assert ((score := ranks(scorer(), copies, mu, k)) >= 0).all() and (score <= 1).all()


def test_every_call_counts():
    with says("asked 20 queries for image 0, expected 40"):
        ranks(lambda oracle, images, targets, copies, *rest: scorer()(oracle, images, targets, copies // 2, *rest))
    with says("the oracle refused a call: image 0 has 0 queries left of 30"):
        oracle = queries.Watched(NETWORK, reveals="top_k", k=1, budget=30)
        queries.ranks(scorer(), oracle, IMAGES, TARGETS, 40, 0.1)

    def in_silence(oracle, images, targets, copies, mu, generator):
        try:
            return scorer()(oracle, images, targets, copies, mu, generator)
        except RuntimeError:
            return torch.zeros(len(images), dtype=images.dtype)

    with says("the oracle refused a call"):
        queries.ranks(in_silence, queries.Watched(NETWORK, reveals="top_k", k=1, budget=30), IMAGES, TARGETS, 40, 0.1)
    with says("global random numbers"):
        ranks(scorer(noise=lambda shape, generator, dtype: torch.randn(shape, dtype=dtype)))
    with says("overwrote its input"):
        ranks(lambda oracle, images, *rest: scorer()(oracle, images.mul_(0.5), *rest))


def searcher(
    cut=lambda image, way, r: image + way.clamp(-r, r),
    half=lambda a, b: (a + b) / 2,
    swap=False,
    end=1,
    ask=0,
    unlisted=True,
):
    """A bisection, one image at a time, that can be made wrong."""

    def shrink(oracle, images, starts, targets, number):
        found, radii = starts.clone(), torch.full((len(images),), torch.inf, dtype=images.dtype)
        for n in range(len(images)):
            way = starts[n] - images[n]
            ends = [0.0, way.abs().max().item()]

            def listed(point, n=n):
                return bool((oracle(point[None], torch.tensor([n])).classes == targets[n]).any())

            if not listed(starts[n]) and unlisted:
                continue
            for _ in range(number - 1 + ask):
                r = half(*ends)
                ends[int(listed(cut(images[n], way, r)) != swap)] = r
            found[n], radii[n] = cut(images[n], way, ends[end]), ends[end]
        return found, radii

    return shrink


def bisects(function, number=6, k=2):
    starts = IMAGES[[1, 2, 0]]
    targets = NETWORK(starts).argmax(1)
    targets[2] = NETWORK(starts[2:]).argmin()
    oracle = queries.Watched(NETWORK, reveals="top_k", k=k)
    return queries.bisects(function, oracle, IMAGES, starts, targets, number)


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"cut": lambda image, way, r: image + way * r / way.abs().max()}, "a mixture of image and start"),
        ({"half": lambda a, b: a + (b - a) / 3}, "should be about the start cut to a radius"),
        ({"swap": True}, "wrong half"),
        ({"end": 0}, "is one at which it is not"),
        ({"ask": 1}, "asked 7 queries for image 0, expected 6"),
        ({"ask": -1}, "asked 5 queries for image 0, expected 6"),
        ({"unlisted": False}, "not listed, and 5 more were asked"),
    ],
)
def test_what_is_said_of_a_search(changed, pattern):
    with says(pattern):
        bisects(searcher(**changed))


def test_a_right_search_passes():
    for number in (1, 2, 12):
        _, radii = bisects(searcher(), number)
        assert radii[2] == torch.inf and (radii[:2] <= 1).all()


def test_results_of_a_search():
    with says("should return two tensors"):
        bisects(lambda oracle, *rest: searcher()(oracle, *rest)[0])
    with says("should be about its start"):
        bisects(lambda oracle, images, starts, *rest: searcher()(oracle, images, images, *rest))
    with says("expected the start and a radius of inf"):
        bisects(lambda oracle, *rest: [t.nan_to_num(posinf=1.0) for t in searcher()(oracle, *rest)])


def test_what_is_left_as_it_is():
    def asking(oracle, images, *rest):
        return searcher()(oracle, images.requires_grad_().detach(), *rest)

    with says("left requires_grad set"):
        bisects(asking)
    with says("seeds the generator again"):
        ranks(lambda *given: scorer()(*given[:-1], given[-1].manual_seed(0)))
