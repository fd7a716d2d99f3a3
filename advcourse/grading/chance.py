"""Checks of gradients through a random defense, and of how a random model is judged.

Whatever a function draws, the defense or the model tells what was drawn, and what is right is computed from that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from advcourse.grading.checks import fail, leaves_no_trace, no_graph, number, slack, tensor, value, values
from advcourse.grading.through import Shown

# -- pixels dropped, and filled up


def refilled(images: Tensor, mask: Tensor) -> Tensor:
    """Each dropped pixel the mean of the kept ones among its eight neighbours, one half where there is none."""
    kept, count = torch.where(mask > 0, images, 0.0), (mask > 0).to(images.dtype)
    total = _around(kept) / _around(count).clamp_min(1)
    return torch.where(mask > 0, images, torch.where(_around(count) > 0, total, 0.5))


def _around(x: Tensor, corners: bool = True, mode: str = "constant") -> Tensor:
    """The sum over the neighbours of each pixel."""
    wide, height, width = F.pad(x, (1, 1, 1, 1), mode=mode), *x.shape[2:]
    return cast(
        Tensor,
        sum(
            wide[..., i : i + height, j : j + width]
            for i in range(3)
            for j in range(3)
            if (i, j) != (1, 1) and (corners or 1 in (i, j))
        ),
    )


def fills(function: Callable, images: Tensor, mask: Tensor) -> None:
    """A stand-in for the minimisation: its values, and its gradient, in which dropped pixels have no part."""
    name = function.__name__
    x, other = images.clone().requires_grad_(), mask.clone()
    result = function(x, other)
    found = tensor(result, name, shape=images.shape, dtype=images.dtype)
    if not torch.equal(x.detach(), images) or not torch.equal(other, mask):
        fail(f"{name} overwrote its input: the caller's tensor changed. Work on a copy")
    plain = images.clone()
    function(plain, other)
    if plain.requires_grad or other.requires_grad:
        fail(f"{name} left requires_grad set on the images or on the mask: leave them as they are")
    right, one = refilled(images, mask), mask.expand_as(images)
    kept, ones = one * images, one
    dropped = one == 0

    def instead(numbers: Tensor) -> Tensor:
        return torch.where(dropped, numbers, images)

    def known(numbers: Tensor) -> Tensor:
        return instead(torch.where(_around(ones) > 0, numbers, 0.5))

    nearby = _around(ones).clamp_min(1)
    with_none = torch.where(_around(ones) > 0, _around(kept) / nearby, 0.5)
    wrong = {
        "dropped neighbours are counted with the value that they had: nobody has seen it": instead(
            _around(images) / _around(torch.ones_like(images)).clamp_min(1)
        ),
        "the sum over the kept neighbours is divided by 8, expected by how many there are": known(_around(kept) / 8),
        "the sum over the kept neighbours is divided by 8, expected by how many are kept": instead(_around(kept) / 8),
        "the sum is divided by 9, expected by how many neighbours are kept": known(_around(kept) / 9),
        "the sum is divided by 9, expected by how many neighbours are kept (½ if none is)": instead(_around(kept) / 9),
        "dropped pixels are counted with the value that they had, their own among them: nobody has seen it": instead(
            (_around(images) + images) / (_around(torch.ones_like(images)) + 1)
        ),
        "the sum over the kept neighbours is divided by all neighbours": instead(
            _around(kept) / _around(torch.ones_like(images)).clamp_min(1)
        ),
        "a dropped pixel without a kept neighbour becomes ½": instead(_around(kept) / nearby),
        "that is the sum of the neighbours: take their mean": instead(_around(kept)),
        "only the neighbours above, below, left and right are counted: there are eight": instead(
            torch.where(_around(ones, False) > 0, _around(kept, False) / _around(ones, False).clamp_min(1), 0.5)
        ),
        "kept pixels stay as they are": with_none,
        "kept pixels stay as they are, and are not mixed with their neighbours": torch.where(
            _around(ones) + ones > 0, (_around(kept) + kept) / (_around(ones) + ones).clamp_min(1), 0.5
        ),
        "dropped pixels become 0": kept,
        "dropped pixels become ½": instead(torch.full_like(images, 0.5)),
        "the mask is 0 where a pixel is dropped, and 1 where it is kept": refilled(images, 1 - mask),
        "beyond the border there are no neighbours": instead(
            torch.where(
                _around(ones, mode="replicate") > 0,
                _around(kept, mode="replicate") / _around(ones, mode="replicate").clamp_min(1),
                0.5,
            )
        ),
    }
    values(found, right, name, wrong, rtol=0, atol=slack(right))
    upstream = 1 + torch.cos(torch.arange(images.numel(), dtype=images.dtype)).view(images.shape)
    if not (isinstance(result, Tensor) and result.requires_grad):
        fail(f"{name}: no gradient leads back to the images")
    (slope,) = torch.autograd.grad((result * upstream).sum(), x)
    if slope.isnan().any():
        fail(
            f"{name}: the gradient is nan: `torch.where` does not keep out the gradient of 0 / 0 in the branch that it "
            "does not choose: divide by a number that is never 0"
        )
    y = images.clone().requires_grad_()
    (expected,) = torch.autograd.grad((refilled(y, mask) * upstream).sum(), y)
    close = slack(expected)
    if (slope[dropped].abs() > close).any():
        fail(f"{name}: dropped pixels have a gradient: what was dropped has no part in the result")
    alone = {"the gradient takes the mask alone: a kept pixel also fills up its neighbours": upstream * one}
    values(slope, expected, f"the gradient through {name}", alone, rtol=0, atol=close)


class Smoothing:
    """A minimisation that keeps what it was given; a cheap one, which moves every pixel by its neighbours."""

    def __init__(self, images: Tensor):
        self.images = images
        self.seen: list[Tensor] = []
        self.masks: list[Tensor] = []

    def __call__(self, images: Tensor, mask: Tensor) -> Tensor:
        shape = (len(images), 1, *self.images.shape[2:])
        if type(mask) is not Tensor or tuple(mask.shape) != shape:
            came = tuple(mask.shape) if type(mask) is Tensor else type(mask).__name__
            fail(f"smooth was given a mask of {came}, expected {shape}: one mask for an image, for all its channels")
        if not ((mask == 0) | (mask == 1)).all():
            fail("smooth was given a mask with other numbers than 0 and 1")
        if mask.dtype != images.dtype or images.dtype != self.images.dtype:
            fail(f"smooth was given images of {images.dtype} and a mask of {mask.dtype}, expected {self.images.dtype}")
        self.seen.append(images.detach().clone())
        self.masks.append(mask.detach().clone())
        return self.of(images, mask)

    def of(self, images: Tensor, mask: Tensor) -> Tensor:
        """About ½ where nothing is known, and flatter than the image elsewhere."""
        with torch.no_grad():
            kept = torch.where(mask > 0, images, 0.0)
            return (kept + 0.5 * _around(kept) + 0.05) / (mask + 0.5 * _around(mask) + 0.1)

    def drawn(self, draws: int, drop: float, name: str) -> Tensor:
        """The masks of every image ``(N, n, 1, H, W)``."""
        if not self.masks:
            fail(f"{name} did not call smooth")
        seen, masks = torch.cat(self.seen), torch.cat(self.masks)
        off = ((seen[:, None] - self.images[None]) * masks[:, None]).abs().amax((2, 3, 4))
        owner = off.argmin(1)
        if off.amin(1).max() > 1e-6:
            fail(
                f"{name}: smooth was given something else than the images: it is to fill up dropped pixels of the image"
            )
        for n, count in enumerate(torch.bincount(owner, minlength=len(self.images)).tolist()):
            if count != draws:
                fail(f"{name}: smooth was given image {n} {count} times, expected n = {draws}: a mask for every draw")
        found = torch.stack([masks[owner == n] for n in range(len(self.images))])
        flat = found.flatten(2)
        if flat.shape[2] >= 40:
            share = (flat == 0).double().mean().item()
            if abs(share - drop) > 5 * math.sqrt(0.25 / flat.numel()) + 1e-9:
                told = ": `rand < drop` drops, not keeps" if abs(1 - share - drop) < abs(share - drop) else ""
                fail(f"{name}: a share of {share:.2f} of the pixels is dropped, expected {drop:g}{told}")
            if draws > 1 and (flat == flat[:, :1]).all():
                fail(f"{name}: all draws of an image have the same mask: draw a new one each time")
            if len(flat) > 1 and (flat == flat[:1]).all():
                fail(f"{name}: all images have the same mask: draw one for every image")
        return found


def drops(
    function: Callable, model: nn.Module, images: Tensor, labels: Tensor, drop: float, draws: int, seed: int = 0
) -> None:
    """The mean over masks of the gradient at the smoothed image, brought back through what stands in for smoothing."""
    name, smooth, shown = function.__name__, Smoothing(images), Shown(model)
    given, own = images.clone(), labels.clone()
    with torch.random.fork_rng(devices=[]):
        torch.rand(1)  # another state than one that the function itself may have left before
        state = torch.get_rng_state()
        try:
            with leaves_no_trace(name, shown, given, own):
                result = function(shown, smooth, given, own, drop, draws, torch.Generator().manual_seed(seed))
        except NotImplementedError:  # a stub
            raise
        except RuntimeError as error:
            fail(f"{name} stopped with the error: {error}. Has the mask the shape (N, 1, H, W)?")
        if not torch.equal(state, torch.get_rng_state()):
            fail(f"{name} moves PyTorch's global random numbers: draw from the generator that it is given")
    found = tensor(result, name, shape=images.shape, dtype=images.dtype)
    no_graph(result, name)
    masks = smooth.drawn(draws, drop, name)
    if shown.switched():
        fail(f"{name} ran the model in another mode than the one it was in, train or eval: leave its mode alone")

    def mean(stand_in: Callable[[Tensor, Tensor], Tensor], where: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        total = torch.zeros_like(images)
        for k in range(draws):
            mask, x = masks[:, k], images.clone().requires_grad_()
            z = where(images, mask).detach().requires_grad_()
            (there,) = torch.autograd.grad(F.cross_entropy(model(z), labels, reduction="sum"), z)
            (back,) = torch.autograd.grad((stand_in(x, mask) * there).sum(), x)
            total += back
        return total / draws

    right = mean(refilled, smooth.of)
    unseen = (masks == 0).all(1).expand_as(found)  # dropped in every draw
    guess = (found != 0).any(1, keepdim=True).to(images.dtype)  # with one draw: the mask of the way back
    nothing = torch.full_like(found, torch.nan)
    another = "the gradient comes back through another mask than the one that `smooth` was given"
    wrong = {
        "that is the sum over the draws: take the mean": draws * right,
        "the mean over the images is taken too: every image has its own gradient": right / len(images),
        "the network's gradient is taken at the filled image, expected at what `smooth` makes, which it sees": mean(
            refilled, refilled
        ),
        "the network's gradient is taken at the image itself, expected at what `smooth` makes": mean(
            refilled, lambda x, mask: x
        ),
        "the gradient comes back through the identity: dropped pixels have none, kept ones fill up neighbours": (
            mean(lambda x, mask: 1 * x, smooth.of)
        ),
        "the gradient comes back through the mask alone: kept pixels fill up their neighbours too": mean(
            lambda x, mask: mask * x, smooth.of
        ),
        "it returns signs, expected the gradient": found.sign(),
        f"{another}: the mask turned round": mean(lambda x, mask: refilled(x, 1 - mask), smooth.of),
        another: mean(lambda x, mask: refilled(x, guess), smooth.of) if draws == 1 else nothing,
        "pixels that were dropped in every draw have a gradient: does it come back through another mask than the one "
        "that `smooth` was given?": found if found[unseen].any() else nothing,
    }
    values(found, right, f"{name}, for the masks that it drew", wrong, rtol=0, atol=slack(right))


def redraws(
    function: Callable, model: nn.Module, images: Tensor, labels: Tensor, drop: float, draws: int, seed: int = 0
) -> None:
    """Masks are others in the next call, and the same for a generator in the same state; of some 40 pixels and more."""
    name, generator = function.__name__, torch.Generator().manual_seed(seed)
    masks = []
    for each in (generator, generator, torch.Generator().manual_seed(seed)):
        smooth = Smoothing(images)
        function(model, smooth, images.clone(), labels.clone(), drop, draws, each)
        masks.append(smooth.drawn(draws, drop, name))
    if torch.equal(masks[0], masks[1]):
        fail(f"{name}: two calls draw the same masks: is nothing random, or the generator seeded again?")
    if not torch.equal(masks[0], masks[2]):
        fail(f"{name}: two generators in the same state should give the same masks")


# -- a random model, judged by several passes


class Dice(nn.Module):
    """A model that says the right class with a chance of its own for every image, and keeps what it has said.

    Args:
        images: ``(N, C, H, W)``, by which it knows them.
        labels: ``(N,)``.
        chances: N numbers, how often it is right.
    """

    def __init__(self, images: Tensor, labels: Tensor, chances: Sequence[float], classes: int = 3, seed: int = 0):
        super().__init__()
        self.images, self.labels, self.classes = images, labels, classes
        self.scale = nn.Parameter(torch.ones((), dtype=images.dtype))
        self.chances, self.dice = torch.tensor(chances), torch.Generator().manual_seed(seed)
        self.said: list[list[bool]] = [[] for _ in images]

    def forward(self, images: Tensor) -> Tensor:
        owner = torch.cdist(images.detach().flatten(1), self.images.flatten(1)).argmin(1)
        right = torch.rand(len(images), generator=self.dice) < self.chances[owner]
        for n, ok in zip(owner.tolist(), right.tolist(), strict=True):
            self.said[n].append(ok)
        named = torch.where(right, self.labels[owner], (self.labels[owner] + 1) % self.classes)
        sure = 1 + 20 * torch.rand(len(images), 1, generator=self.dice)  # so that the mean of logits is no majority
        return self.scale * (sure * F.one_hot(named, self.classes)).to(images.dtype)


def judges(function: Callable, model: Dice, draws: int, tries: int) -> None:
    """Four numbers: mean accuracy over draws, its standard error, shares fooled within some tries and in most draws."""
    name, images, labels = function.__name__, model.images, model.labels
    given, own = images.clone(), labels.clone()
    with leaves_no_trace(name, model, given, own):
        result = function(model, given, own, draws, tries)
    if not isinstance(result, (tuple, list)) or len(result) != 4:
        fail(
            f"{name} should return four numbers: accuracy, its standard error, fooled in k tries, fooled in most draws"
        )
    for n, said in enumerate(model.said):
        if len(said) != draws:
            fail(f"{name} asked the model {len(said)} times about image {n}, expected once in each of {draws} draws")
    correct = torch.tensor(model.said).double().T
    each, misses = correct.mean(1), (1 - correct).sum(0)
    accuracy, spread = each.mean().item(), each.var().item()
    p, n_images = accuracy, len(images)
    once, most = (misses > 0).double().mean().item(), (2 * misses > draws).double().mean().item()
    choices, counts = math.comb(draws, tries), [int(w) for w in misses]
    within = sum(1 - math.comb(draws - w, tries) / choices for w in counts) / n_images
    first, error, any_of, majority = (number(r, f"{name}, number {i}") for i, r in enumerate(result))
    value(
        first,
        accuracy,
        f"{name}, the accuracy,",
        {
            "that is the share that is fooled": 1 - accuracy,
            "that is the accuracy of one draw": each[0].item(),
            "that is the accuracy of the last draw": each[-1].item(),
            "that is in per cent": 100 * accuracy,
            "that is the share that is right in every draw": 1 - once,
            "that is the share that is right in most draws": 1 - most,
            "that is the most accurate draw": each.max().item(),
            "that is the least accurate draw": each.min().item(),
        },
    )
    value(
        error,
        math.sqrt(spread / draws),
        f"{name}, the standard error,",
        {
            "that is the standard deviation of one draw: the mean of D draws has less": math.sqrt(spread),
            "divide by D - 1 in the variance, since the mean was taken of the same draws": math.sqrt(
                spread * (draws - 1) / draws / draws
            ),
            "divide the standard deviation by √D, not by D": math.sqrt(spread) / draws,
            "that is the variance of the mean: take the root": spread / draws,
            "that is the variance of one draw": spread,
            "that is the error of a share of N images, √(p(1 - p)/N): the images are fixed, the draws vary": math.sqrt(
                p * (1 - p) / n_images
            ),
            "that takes all N D answers for draws of one coin: the images differ": math.sqrt(
                p * (1 - p) / n_images / draws
            ),
            "that is the spread over the images: it should be over the draws": correct.mean(0)
            .std(correction=min(1, n_images - 1))
            .item()
            / math.sqrt(n_images),
            "that divides by the number of images: the draws are averaged": math.sqrt(spread / n_images),
            "the standard deviation, with D in place of D - 1, is not divided by √D": math.sqrt(
                spread * (draws - 1) / draws
            ),
        },
    )
    value(
        any_of,
        within,
        f"{name}, fooled in {tries} of {draws} tries,",
        {
            "1 - (1 - w/D)^k draws the same answer more than once: choose k different ones": sum(
                1 - (1 - w / draws) ** tries for w in counts
            )
            / n_images,
            "that is the share fooled in at least one of all D draws": once,
            "that is the share of choices in which all answers are wrong: one is enough": sum(
                math.comb(w, tries) / choices for w in counts
            )
            / n_images,
            "that is the share that is not fooled": 1 - within,
            "choose among the right answers, of which there are D - w: w is how many are wrong": sum(
                1 - math.comb(w, tries) / choices for w in counts
            )
            / n_images,
            "the mean over the images comes last: they are not equally hard": 1 - p**tries,
            "that is the share that is fooled in the first k draws": (correct[:tries].amin(0) < 1)
            .double()
            .mean()
            .item(),
            "that is the share that is fooled in the last k draws": (correct[-tries:].amin(0) < 1)
            .double()
            .mean()
            .item(),
            "that is the share that is fooled in every draw": (misses == draws).double().mean().item(),
            "that is k times the share of wrong answers": tries * (1 - p),
            "that is the share that is fooled in at least k draws": (misses >= tries).double().mean().item(),
        },
    )
    value(
        majority,
        most,
        f"{name}, fooled in most draws,",
        {
            "half of the draws are not most: more than half is": (2 * misses >= draws).double().mean().item(),
            "that is the share that is fooled in at least one draw": once,
            "that is the share that is fooled in every draw": (misses == draws).double().mean().item(),
            "that is the share that is fooled in k tries": within,
            "that is the share that is right in most draws": 1 - most,
        },
    )
