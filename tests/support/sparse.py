"""How few, or how little, entries of an image must change where a model is affine."""

import torch
from torch import Tensor

from tests.support.toys import Affine


def exact_sparse(model: Affine, images: Tensor, labels: Tensor, norm: str) -> Tensor:
    """The least l1 norm, or l0 count, inside the box that reaches another class's half-space, ``(N,)``.

    Towards one class, entries are moved one after another as far as is needed: in l1 those first that gain most for
    each unit, in l0 those that gain most in all.
    """
    found = []
    for x, label in zip(images.flatten(1), labels, strict=True):
        least = torch.tensor(torch.inf, dtype=x.dtype)
        for k in range(len(model.weight)):
            if k == label:
                continue
            w = model.weight[k] - model.weight[label]
            gap = -(model.bias[k] - model.bias[label] + w @ x)
            room = torch.where(w > 0, 1 - x, x)
            gain = w.abs() * room
            order = (w.abs() if norm == "l1" else gain).argsort(descending=True)
            gained = gain[order].cumsum(0)
            if gained[-1] <= gap:
                continue
            last = int((gained <= gap).sum())
            rest = gap - (gained[last - 1] if last else 0)
            l1 = room[order][:last].sum() + rest / w.abs()[order[last]]
            least = least.minimum(l1 if norm == "l1" else torch.tensor(last + 1.0, dtype=x.dtype))
        found.append(least)
    return torch.stack(found).detach()
