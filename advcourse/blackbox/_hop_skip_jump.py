"""HopSkipJump: the closest adversarial image that decisions alone lead to, along the boundary that they show."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from advcourse.blackbox._asking import Asking
from advcourse.blackbox._nes import TOGETHER
from advcourse.blackbox._oracle import REVEALS
from advcourse.core.balls import norms, steepest
from advcourse.core.iterates import Closest
from advcourse.core.oracles import Asked, keeping
from advcourse.core.running import detached
from advcourse.core.streams import Streams
from advcourse.core.validation import check_above, check_alike, check_choice, check_count, check_images

TRIES = 100
PLAIN = 5
RETREATS = 20
FEWEST = 10


def hop_skip_jump(
    oracle: Asked,
    images: Tensor,
    labels: Tensor,
    *,
    norm: str = "l2",
    queries: int = 10_000,
    start: Tensor | None = None,
    steps: int | None = None,
    initial_samples: int = 100,
    max_samples: int = 10_000,
    gamma: float = 0.03,
    targets: Tensor | None = None,
    seed: int = 0,
    indices: Tensor | None = None,
) -> Tensor:
    """HopSkipJump attack: along the decision boundary towards each image, by likeliest classes alone.

    From an image x₀ that fools, found on the way from noise to the image x, step t = 1, 2, … of each image is::

        δₜ = γ Dₜ                       Dₜ = ‖xₜ₋₁ - x‖
        vₜ = Σᵢ (φᵢ - φ̄) uᵢ             i = 1, …, Bₜ = B₀ √t          φᵢ = 1 where xₜ₋₁ + δₜ uᵢ fools, else -1
        x̃ₜ = xₜ₋₁ + ξ s(vₜ)             ξ = Dₜ/√t, halved until x̃ₜ fools
        xₜ = the last to fool of a binary search from x̃ₜ to x, to within γ/√d of the way in l2, γ/d in linf

    for images of d numbers. The uᵢ have length 1 in l2: Gaussian directions, or uniform ones in linf; s is v/‖v‖₂ in
    l2 and the sign in linf; the search goes along the line in l2, and in linf through the clippings of x̃ₜ to ever
    smaller balls. The mean φ̄ takes out that xₜ₋₁ lies a little to one side of the boundary; where all φᵢ are the same,
    nothing is subtracted. Every image shown is clipped to the box, and uᵢ is what is left of it then.

    On a flat boundary B queries give a direction with E cos²(v, normal) ≈ (2/π) B/d, B ≪ d, and 1/tan² of the angle
    between xₜ - x and the normal grows by no more than that a step: far fewer queries than numbers lead nowhere.

    The look at an image costs one query, as does every noise, shown point and step of a search. Where an image has
    too few left for a whole step, it takes so many samples fewer that the search after them can be paid, and is done
    then; with fewer than ``FEWEST`` samples no step is made. What is left over stays unspent.

    Without ``start``, noise is tried, up to ``TRIES`` images: first uniform, later black and white blocks of 1 to 16
    pixels along a side, for networks that take all fine noise for the label.

    Args:
        oracle: reveals what it will; the likeliest class is made use of.
        images: ``(N, C, H, W)`` in [0, 1].
        labels: int64 ``(N,)``.
        norm: ``"l2"`` or ``"linf"``, of the distance.
        queries: at most so many for each image; the oracle's budget counts as well.
        start: ``(N, C, H, W)`` in [0, 1], images that fool, one query each; needed with ``targets``.
        steps: at most so many; as many as can be paid where not given.
        initial_samples: B₀.
        max_samples: Bₜ grows no further.
        gamma: γ, the size of the samples' displacement, in distances; the paper's is 1/d.
        targets: int64 ``(N,)``: the classes to reach.
        seed, indices: of the random draws, see ``core.streams``; queries are billed to ``indices`` too.

    Returns:
        Images ``(N, C, H, W)`` in [0, 1], without a graph: of all that were shown and fooled the closest. Those that
        are misclassified (or predicted as their target) and those for which nothing was found are untouched.

    Raises:
        OracleError: where the oracle fails; what was found by then is in its ``images``.
        ValueError: for bad input; the message names the argument.

    Source: Chen, Jordan & Wainwright 2020, arXiv:1904.02144, and the authors' code. There γ is 1/d: smaller
    displacements, of which less survives rounding, and which need a longer search.
    """
    asking = Asking(oracle, images, labels, targets, indices, queries, REVEALS)
    check_choice("norm", norm, ("l2", "linf"))
    check_count(queries=queries, initial_samples=initial_samples, max_samples=max_samples)
    check_count(optional=True, steps=steps)
    check_above(0, gamma=gamma)
    if start is not None:
        check_images(start, "start")
        check_alike("start", start, images, tuple(images.shape), "the images'")
    elif targets is not None:
        raise ValueError("start is None, expected images (N, C, H, W) of the targets: noise has no class of choice")
    size = images[0].numel()
    # of δ: what is smaller drowns in the rounding of the pixels
    least = 8 * math.sqrt(size) * torch.finfo(images.dtype).eps
    bits = max(1, math.ceil(math.log2((math.sqrt(size) if norm == "l2" else size) / gamma)))
    noise = Streams(seed, "hop_skip_jump, start", images, indices)
    streams = Streams(seed, "hop_skip_jump", images, indices)
    with torch.inference_mode(False), torch.no_grad():
        search = _Search(asking, detached(images), norm, bits)
        with keeping(lambda: search.closest.images):
            rows = asking.unfooled(search.clean)
            x, rows = search.noisy(rows, noise) if start is None else search.given(rows, detached(start))
            x = search.approach(x, rows)
            streams, step = streams[rows], 1
            while steps is None or step <= int(steps):
                samples = min(int(initial_samples * math.sqrt(step)), int(max_samples))
                left, distance = asking.left(rows) - 1 - bits, search.distance(x, rows)
                going = (left >= min(samples, FEWEST)) & (distance > 0)
                x, rows, streams, left, distance = x[going], rows[going], streams[going], left[going], distance[going]
                if not len(rows):
                    break
                delta = (gamma * distance).clamp_min(least)
                direction = search.direction(x, rows, streams, delta, samples, left.clamp_max(samples))
                x, jumped = search.jump(x, rows, direction, distance / math.sqrt(step))
                x[jumped] = search.approach(x[jumped], rows[jumped])
                step += 1
    return search.closest.images


class _Search:
    """The images, the closest found of each, and the moves of the attack; none asks for more than an image has left.

    Moves take and give images ``x`` that fool, those of ``rows``.
    """

    def __init__(self, asking: Asking, clean: Tensor, norm: str, bits: int):
        self.asking, self.clean, self.norm, self.bits = asking, clean, norm, bits
        self.closest = Closest(clean)

    def distance(self, x: Tensor, rows: Tensor) -> Tensor:
        return norms(x - self.clean[rows], self.norm)

    def look(self, x: Tensor, rows: Tensor) -> Tensor:
        """Which of the images fool, ``(M,)``; at most one of each row, and all can be paid. The closest are kept."""
        if not len(rows):
            return torch.zeros_like(rows, dtype=torch.bool)
        fooled = self.asking.decided(x, rows)
        self.closest.see(x, fooled, self.distance(x, rows), rows)
        return fooled

    def given(self, rows: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
        """Those of the given images that fool, and their rows."""
        rows = self.asking.affordable(rows, 1)
        rows = rows[self.look(start[rows], rows)]
        return start[rows], rows

    def noisy(self, rows: Tensor, streams: Streams) -> tuple[Tensor, Tensor]:
        """For each row the first noise that fools, and the rows that have one."""
        x, found = self.clean.clone(), torch.zeros(len(self.clean), dtype=torch.bool, device=self.clean.device)
        streams = streams[rows]
        for attempt in range(TRIES):
            going = self.asking.left(rows) > 0
            rows, streams = rows[going], streams[going]
            if not len(rows):
                break
            fine = attempt < PLAIN
            shown = streams.rand(*self.clean.shape[1:]) if fine else _blocks(streams, self.clean, 2 ** (attempt % 5))
            fooled = self.look(shown, rows)
            x[rows[fooled]], found[rows[fooled]] = shown[fooled], True
            rows, streams = rows[~fooled], streams[~fooled]
        rows = found.nonzero()[:, 0]
        return x[rows], rows

    def approach(self, x: Tensor, rows: Tensor) -> Tensor:
        """The last to fool of a binary search between ``x`` and the original."""
        clean, delta, x = self.clean[rows], x - self.clean[rows], x.clone()
        low, high = torch.zeros_like(delta[:, :1, :1, :1]), torch.ones_like(delta[:, :1, :1, :1])
        length = norms(delta, self.norm)[:, None, None, None]
        for _ in range(self.bits):
            middle = (low + high) / 2
            part = delta * middle if self.norm == "l2" else delta.clamp(-middle * length, middle * length)
            shown = part.add_(clean).clamp_(0, 1)
            paying = self.asking.left(rows) > 0
            fooled = torch.zeros_like(paying)
            fooled[paying] = self.look(shown[paying], rows[paying])
            x[fooled] = shown[fooled]
            closer = fooled[:, None, None, None]
            low, high = torch.where(closer, low, middle), torch.where(closer, middle, high)
        return x

    def direction(
        self, x: Tensor, rows: Tensor, streams: Streams, delta: Tensor, samples: int, share: Tensor
    ) -> Tensor:
        """Σᵢ (φᵢ - φ̄) uᵢ over the first ``share`` (M,) of so many samples. They are drawn and asked about some at a
        time, as many as the size of an image allows: other images do not change which.
        """
        weighed, plain, total = torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(delta)
        most, tiny = max(8, TOGETHER // x[0].numel()), torch.finfo(x.dtype).tiny
        for done in range(0, samples, most):
            asked = torch.arange(done, min(done + most, samples), device=x.device) < share[:, None]
            if not asked.any():
                break
            shape = (asked.shape[1], *x.shape[1:])
            u = streams.randn(*shape) if self.norm == "l2" else streams.rand(*shape).mul_(2).sub_(1)
            u *= (delta[:, None] / norms(u.flatten(0, 1), "l2").view_as(asked).clamp_min(tiny))[..., None, None, None]
            shown = u.add_(x[:, None]).clamp_(0, 1)
            fooled = torch.zeros_like(asked)
            fooled[asked] = self.asking.decided(shown[asked], rows[:, None].expand_as(asked)[asked])
            self._keep(shown, fooled, rows)
            phi = torch.where(fooled, 1, -1).where(asked, 0).to(x.dtype)
            u = shown.sub_(x[:, None])
            weighed += torch.einsum("nk,nkchw->nchw", phi, u)
            plain += torch.einsum("nk,nkchw->nchw", asked.to(x.dtype), u)
            total += phi.sum(1)
        mean = (total / share)[:, None, None, None]
        return torch.where(mean.abs() == 1, weighed, weighed - mean * plain)

    def _keep(self, shown: Tensor, fooled: Tensor, rows: Tensor) -> None:
        """Of samples ``(M, k, C, H, W)`` the closest that fools."""
        length = norms((shown - self.clean[rows][:, None]).flatten(0, 1), self.norm).view_as(fooled)
        length, first = length.masked_fill(~fooled, torch.inf).min(1)
        self.closest.see(shown[torch.arange(len(rows), device=rows.device), first], length.isfinite(), length, rows)

    def jump(self, x: Tensor, rows: Tensor, direction: Tensor, size: Tensor) -> tuple[Tensor, Tensor]:
        """Steps along the direction, halved until they fool, and which of them do; the others stay."""
        x, jumped = x.clone(), torch.zeros_like(rows, dtype=torch.bool)
        for _ in range(RETREATS):
            going = (~jumped & (self.asking.left(rows) > 0)).nonzero()[:, 0]
            if not len(going):
                break
            shown = (x[going] + steepest(direction[going], size[going], self.norm, x[going])).clamp_(0, 1)
            fooled = self.look(shown, rows[going])
            x[going[fooled]], jumped[going[fooled]] = shown[fooled], True
            size = size / 2
        return x, jumped


def _blocks(streams: Streams, images: Tensor, side: int) -> Tensor:
    """Blocks of so many pixels along either side, each channel of a block black or white."""
    channels, height, width = images.shape[1:]
    blocks = streams.rand(channels, -(-height // side), -(-width // side)).round_()
    return blocks.repeat_interleave(side, 2).repeat_interleave(side, 3)[..., :height, :width].contiguous()
