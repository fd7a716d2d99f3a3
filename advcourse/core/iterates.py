"""How iterates move, and which of them an attack keeps."""

from __future__ import annotations

import torch
from torch import Tensor


def adam_(x: Tensor, gradient: Tensor, mean: Tensor, square: Tensor, step: int | Tensor, learning_rate: float) -> None:
    """One step of Adam down the gradient, in place; every entry goes its own way.

    Args:
        mean, square: running means of the gradient and of its square, zeros before the first step.
        step: its number, from 1; one for all, or a tensor that can be broadcast to ``x``.

    Source: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1 with its constants.
    """
    mean.lerp_(gradient, 1 - 0.9)
    square.mul_(0.999).addcmul_(gradient, gradient, value=1 - 0.999)
    root = square.div(1 - 0.999**step).sqrt_().add_(1e-8).mul_(1 - 0.9**step)
    x.addcdiv_(mean, root, value=-learning_rate)


class Strongest:
    """The strongest iterate of each image so far: fooled first, then higher loss.

    Args:
        images: what is kept until ``see`` is first called, ``(N, C, H, W)``.
    """

    def __init__(self, images: Tensor):
        self.images = images.clone()
        self.fooled = torch.zeros(len(images), dtype=torch.bool, device=images.device)
        self.loss = torch.full((len(images),), -torch.inf, dtype=images.dtype, device=images.device)

    def see(self, x: Tensor, fooled: Tensor, loss: Tensor, rows: Tensor | slice = slice(None)) -> Tensor:
        """Compare the iterate ``x`` of the images ``rows`` with the best of each; which of them are better."""
        loss = loss.detach().to(self.loss.dtype)
        before, kept = self.fooled[rows], self.loss[rows]
        better = (fooled & ~before) | ((fooled == before) & (loss > kept))
        if isinstance(rows, slice):  # in place: memory traffic is what an attack costs beside its passes
            torch.where(better[:, None, None, None], x.detach(), self.images[rows], out=self.images[rows])
        elif better.any():
            self.images[rows[better]] = x.detach()[better]
        else:
            return better
        self.fooled[rows] = before | fooled
        self.loss[rows] = torch.where(better, loss, kept)
        return better


class Closest:
    """The closest adversarial image of each so far; the image itself where none was seen.

    Args:
        images: ``(N, C, H, W)``.
    """

    def __init__(self, images: Tensor):
        self.images = images.clone()
        self.distance = torch.full((len(images),), torch.inf, dtype=images.dtype, device=images.device)

    def see(self, x: Tensor, fooled: Tensor, distance: Tensor, rows: Tensor) -> None:
        """Keep those of ``x``, iterates of the images ``rows``, that fool from a smaller distance than before."""
        closer = fooled & (distance < self.distance[rows])
        self.images[rows[closer]] = x.detach()[closer]
        self.distance[rows[closer]] = distance[closer]
