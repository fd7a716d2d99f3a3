"""What the checks of a loss over images and perturbed copies say, and that right ones pass."""

import pytest
import torch
import torch.nn.functional as F

from advcourse.grading import drawn, halves
from tests.support.refusals import says

X, LABELS = drawn.images_of((5, 1, 3, 2), 1), drawn.labels_of(5)
CHOSEN, BETA = torch.tensor([False, True, True, False, True]), torch.linspace(0.9, 0.2, 5, dtype=torch.float64)


def mixed(
    share=lambda chosen, beta: torch.where(chosen, 1 - beta, 1.0),
    end=lambda clean, moved: (clean.sum() + moved.sum()) / len(clean),
    who=lambda chosen: chosen,
    run=lambda model, x, n: model(x),
    graph=lambda moved: moved.detach(),
):
    def mixed_loss(model, images, labels, chosen, beta, attack):
        which, n = who(chosen), len(images)
        moved = graph(attack(images[which], labels[which])) if which.any() else images[:0]
        logits = run(model, torch.cat([images, moved]), n)
        losses = F.cross_entropy(logits, torch.cat([labels, labels[which]]), reduction="none")
        return end(share(chosen, beta) * losses[:n], beta[which] * losses[n:])

    return mixed_loss


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("chosen", [CHOSEN, CHOSEN & False, CHOSEN | True])
def test_right_losses_pass(dtype, chosen):
    for is_train in (True, False):
        network = drawn.with_batch_norms((1, 3, 2), dtype=dtype).train(is_train)
        halves.mixes(mixed(), network, X.to(dtype), LABELS, chosen, BETA.to(dtype))
        halves.copies_change_nothing(mixed(), network, X.to(dtype), LABELS, chosen, BETA.to(dtype))


@pytest.mark.parametrize(
    "changed, pattern",
    [
        ({"share": lambda c, b: 1 - b}, "keeps the weight one"),
        ({"share": lambda c, b: torch.ones_like(b)}, "keeps its whole weight"),
        ({"end": lambda a, b: a.sum() + b.sum()}, "it is a sum"),
        ({"end": lambda a, b: (a.sum() + b.sum()) / (len(a) + len(b))}, "an image that has both counts twice"),
        ({"end": lambda a, b: a.mean() + b.mean()}, "each half has its own mean"),
        ({"end": lambda a, b: ((a.sum() + b.sum()) / len(a)).detach()}, "carries no graph"),
        ({"who": lambda c: c | True}, "hands 5 images to the attack, expected the 3"),
        ({"run": lambda m, x, n: torch.cat([m(x[:n]), m(x[n:])])}, "run 2 times"),
        ({"graph": lambda moved: moved}, "are constants"),
    ],
)
def test_what_is_said_of_a_loss(changed, pattern):
    with says(pattern):
        halves.mixes(mixed(**changed), drawn.with_batch_norms((1, 3, 2)), X, LABELS, CHOSEN, BETA)


def test_a_loss_that_is_no_mean_is_told_by_copies():
    sums = mixed(end=lambda a, b: a.sum() + b.sum())
    with says("is it a mean over images"):
        halves.copies_change_nothing(sums, drawn.with_batch_norms((1, 3, 2)).eval(), X, LABELS, CHOSEN, BETA)
