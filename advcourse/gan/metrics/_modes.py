"""How many of the known modes are covered: of the ring of Gaussians, and of stacked digits."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from advcourse.core.running import Model, predict, predicted
from advcourse.core.validation import check_above, check_at_least, check_at_most, check_count, check_images, check_model
from advcourse.gan.metrics._checks import check_features, exact
from advcourse.gan.metrics._results import Coverage, metric_name


def ring_centres(count: int = 8, radius: float = 2.0) -> Tensor:
    """Points at equal angles on a circle, ``(count, 2)``, the first at (radius, 0).

    Source: the ring of eight Gaussians is of Metz et al. 2017, arXiv:1611.02163.
    """
    check_count(count=count)
    check_above(0, radius=radius)
    angles = 2 * math.pi * torch.arange(int(count), dtype=torch.float64) / int(count)
    return (radius * torch.stack([angles.cos(), angles.sin()], 1)).float()


def ring_samples(
    n: int,
    count: int = 8,
    radius: float = 2.0,
    *,
    sigma: float = 0.02,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Points ``(n, 2)`` of a mixture of equal Gaussians around ``ring_centres(count, radius)``.

    Args:
        n: how many.
        sigma: σ, the standard deviation of each mode in each direction.
        generator: of the draws, on whose device the points are; the CPU's global one where not given.

    Source: as ``ring_centres``.
    """
    check_count(n=n, count=count)
    check_above(0, sigma=sigma)
    device = torch.device("cpu") if generator is None else generator.device
    modes = torch.randint(int(count), (int(n),), generator=generator, device=device)
    noise = torch.randn(int(n), 2, generator=generator, device=device)
    return ring_centres(count, radius).to(device)[modes] + sigma * noise


@torch.no_grad()
def mode_coverage(
    samples: Tensor, centres: Tensor, *, sigma: float = 0.02, within: float = 3.0, share: float = 0.01
) -> Coverage:
    """How many modes of a mixture of Gaussians are made.

    A sample is good where it lies within 3σ of its nearest centre. A mode counts where at least 1 % of all samples,
    good or not, are good ones of its own. Of samples of the mixture itself in two dimensions 1 - e^(-9/2) = 98.9 %
    are good.

    Args:
        samples: ``(N, D)``, as 2,500 points ``(2500, 2)``.
        centres: ``(M, D)``, of the modes: ``ring_centres()``.
        sigma: σ, the standard deviation of each mode in each direction.
        within: how many σ a good sample lies from its centre at most.
        share: of all samples that a mode needs to count, in [0, 1]; at least one sample in any case.

    Returns:
        modes covered, the share of good samples, and how many fell to each mode.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Srivastava et al. 2017, arXiv:1705.07761, where one good sample is enough for a mode.
    """
    check_features(samples=samples)
    check_features(centres=centres)
    if centres.shape[1] != samples.shape[1]:
        raise ValueError(f"centres has shape {tuple(centres.shape)}, expected (M, {samples.shape[1]}) as the samples")
    check_above(0, sigma=sigma, within=within)
    check_at_least(0, share=share)
    check_at_most(1, share=share)
    points = exact(samples)
    middles = exact(centres).to(points.device)
    far = torch.stack([(points - middle).norm(dim=1) for middle in middles], 1)
    nearest, mode = far.min(1)
    counts = torch.bincount(mode[nearest <= within * sigma].cpu(), minlength=len(middles)).tolist()
    return _coverage(counts, share * len(points), f"modes within {within:g}σ", len(points))


def stacked_coverage(
    classifier: Model, images: Tensor, *, extractor: str, share: float = 0.0, batch_size: int = 256
) -> Coverage:
    """How many of the K³ triples of digits, one in each colour channel, a generator makes: of 1000 for ten digits.

    The classifier looks at each channel as an image of its own; what it says of the three is the mode. ``Coverage.kl``
    is then the divergence from equal shares that is reported with the number of modes.

    Args:
        classifier: maps one channel, ``(N, 1, H, W)``, to logits ``(N, K)``: ``models.load("mnist/cnn")``.
        images: ``(N, 3, H, W)`` in [0, 1].
        extractor: the classifier's name, as ``"mnist/cnn"``.
        share: of all images that a mode needs to count, in [0, 1]; one is enough where it is 0, as in the paper.
        batch_size: channels at a time.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Srivastava et al. 2017, arXiv:1705.07761; stacked digits are of Metz et al. 2017, arXiv:1611.02163.
    """
    check_images(images)
    check_model(classifier, images)
    check_count(batch_size=batch_size)
    check_at_least(0, share=share)
    check_at_most(1, share=share)
    if images.shape[1] != 3:
        raise ValueError(f"images has shape {tuple(images.shape)}, expected (N, 3, H, W): a digit in each channel")
    name = metric_name("stacked", extractor)
    logits = predict(classifier, images.flatten(0, 1)[:, None], batch_size=batch_size)
    check_features(logits=logits)
    classes, digits = logits.shape[1], predicted(logits).view(-1, 3).cpu()
    mode = (digits[:, 0] * classes + digits[:, 1]) * classes + digits[:, 2]
    counts = torch.bincount(mode, minlength=classes**3).tolist()
    return _coverage(counts, share * len(images), name, len(images))


def _coverage(counts: list[int], least: float, name: str, n_fake: int) -> Coverage:
    covered = sum(count >= max(1, least) for count in counts)
    return Coverage(covered, len(counts), sum(counts) / n_fake, name, n_fake, tuple(counts))
