"""What a classifier makes of generated images: the score, and how often each class is made."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from advcourse.core.running import Model, predicted
from advcourse.core.validation import check_at_most, check_count
from advcourse.gan.metrics._checks import check_features, exact
from advcourse.gan.metrics._results import Metric, metric_name


@torch.no_grad()
def classifier_score(
    logits: Tensor,
    *,
    extractor: str | Model,
    splits: int = 10,
    generator: torch.Generator | None = None,
) -> Metric:
    """The inception score with any classifier: high where each image is of one class and all classes are made.

    The images are split in parts of (nearly) equal size; of each, with p(y|x) the classifier's probabilities and p(y)
    their mean over the part::

        exp( mean over x of KL(p(y|x) ‖ p(y)) )

    and the score is the mean over the parts. It lies between 1 (all answers alike) and the number of classes. It sees
    neither the real images nor whether all images of a class are the same one.

    Args:
        logits: ``(N, K)`` of the generated images: ``core.running.predict(classifier, images)``.
        extractor: the classifier's name, as ``"mnist/cnn"``; or the ``Inception`` whose logits they are.
        splits: number of parts, at most N.
        generator: draws the order in which images are split; the order is as given where it is not. Images sorted by
            class need it: else no part holds all classes.

    Returns:
        the mean and, as ``spread``, the standard deviation over the parts; named ``CS-mnist-cnn``, or ``IS``.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: Salimans et al. 2016, arXiv:1606.03498, section 4.
    """
    check_features(logits=logits)
    check_count(splits=splits)
    check_at_most(len(logits), splits=splits)
    name, n = metric_name("CS", extractor), len(logits)
    if generator is not None:
        logits = logits[torch.randperm(n, generator=generator, device=generator.device).to(logits.device)]
    log_p = exact(logits).log_softmax(1)
    scores = []
    for i in range(int(splits)):
        part = log_p[i * n // splits : (i + 1) * n // splits]
        log_mean = part.logsumexp(0) - math.log(len(part))  # stays finite where probabilities underflow
        scores.append((part.exp() * (part - log_mean)).sum(1).mean().exp())
    found = torch.stack(scores)
    return Metric(found.mean().item(), name, None, n, found.std(correction=0).item())


def class_histogram(logits: Tensor) -> Tensor:
    """Share of the images that are taken for each class: ``(K,)``, of logits ``(N, K)``, on their device."""
    check_features(logits=logits)
    return _shares(logits).to(logits.device, logits.dtype)


def class_kl(real: Tensor, fake: Tensor, *, extractor: str | Model) -> Metric:
    """KL divergence of the classes that are made from those of the real images.

    With p and q the shares of the classes among fake and real images::

        KL(p ‖ q) = Σ pₖ log(pₖ / qₖ)

    A class that is never made adds nothing (0 log 0 = 0), and the others, made too often, tell: it is finite however
    many are missing. The other way round, KL(q ‖ p), it would be infinite at the first. It is infinite here where a
    class is made of which there is no real image.

    Args:
        real, fake: logits ``(N, K)`` and ``(M, K)`` by one classifier: of real test images, and of generated ones.
        extractor: the classifier's name, as ``"mnist/cnn"``.

    Returns:
        the divergence in nats, named ``KL-mnist-cnn``; 0 where the shares are the same.

    Raises:
        ValueError: for bad input; the message names the argument.

    Source: after Srivastava et al. 2017, arXiv:1705.07761: there of the modes of stacked digits.
    """
    check_features(real=real, fake=fake)
    q, p = _shares(real), _shares(fake)
    made = p > 0
    value = (p[made] * (p[made] / q[made]).log()).sum().clamp_min(0)
    return Metric(value.item(), metric_name("KL", extractor), len(real), len(fake))


def _shares(logits: Tensor) -> Tensor:
    """Of each class, ``(K,)``, in float64 on the CPU."""
    return torch.bincount(predicted(logits.detach()).cpu(), minlength=logits.shape[1]).double() / len(logits)
