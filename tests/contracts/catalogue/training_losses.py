"""The losses that a network is trained with. One joins by a line."""

from functools import partial

from advcourse.attacks import fgsm, pgd
from advcourse.defenses import (
    adversarial,
    advprop,
    awp,
    cure,
    fast,
    free,
    llr,
    mart,
    organic_and_perturbed,
    split_batchnorm,
    trades,
)
from advcourse.structured import augmented, flow_step
from advcourse.training import random_crop, standard_loss
from tests.contracts.training_losses import Case

bent = partial(flow_step, gamma=1.0, max_displacement=0.5)
climbed = partial(pgd, eps=0.05, steps=3)
NUMBERS = ("1", None, float("nan"))
NUMBER = (-1, *NUMBERS)
SIZE = (0, *NUMBER)
GROWS = {"warmup": (-1, 1.5), "mode": ("test", None)}
ATTACKS = {"attack": (None, lambda model, images, labels, *, targets: images), "eps": (0, -1, "1"), **GROWS}


def attacking(make, **bad: tuple) -> dict:
    """Of a loss with an attack of its caller's."""

    def made(**settings):
        return make(**{"attack": climbed, "eps": 0.05, **settings})

    return {"make": made, "bad": ATTACKS | bad}


CATALOGUE = [
    Case("standard", standard_loss),
    Case("augmented-none", augmented()),
    Case("augmented-flow", augmented(bent), passes=(2, 2)),
    Case("augmented-attack", augmented(climbed), passes=(5, 4)),
    Case("augmented-crop", augmented(augment=partial(random_crop, padding=1)), random=True),
    Case(
        "augmented-flow-crop",
        augmented(partial(bent, uniform=True), partial(random_crop, padding=1)),
        random=True,
        passes=(2, 2),
    ),
    Case("adversarial", adversarial(climbed), passes=(5, 4), **attacking(adversarial, loss=(None,))),
    Case("adversarial-growing", adversarial(partial(fgsm), eps=0.1, warmup=100, mode="train"), passes=(2, 2)),
    Case(
        "organic-and-perturbed",
        organic_and_perturbed(climbed, weights=(1, 0.2)),
        passes=(6, 5),
        **attacking(organic_and_perturbed, weights=(1, (1, "1"), (-1, 1))),
    ),
    Case(
        "trades",
        trades(eps=0.05, steps=3),
        random=True,
        passes=(6, 5),
        looks=2,
        make=partial(trades, eps=0.05),
        bad={"eps": SIZE, "beta": NUMBER, "steps": (0, 1.5), "step_size": (-1,), "norm": ("l3",), **GROWS},
    ),
    Case("mart", mart(climbed), passes=(6, 5), looks=2, **attacking(mart, beta=NUMBER)),
    Case(
        "fast",
        fast(eps=0.05),
        random=True,
        passes=(2, 2),
        make=partial(fast, eps=0.05),
        bad={"eps": SIZE, "step": SIZE, "norm": ("l3",), **GROWS},
    ),
    Case("free", free(eps=0.05), make=free, bad={"eps": SIZE}),
    Case("awp", awp(climbed), of_the_batch=True, passes=(6, 5), **attacking(awp, gamma=SIZE)),
    Case(
        "cure",
        cure(h=0.5, lam=0.1, warmup=3),
        passes=(3, 5),
        make=partial(cure, h=0.5, lam=0.1),
        bad={"h": SIZE, "lam": NUMBER, "loss": ("l2",), **GROWS},
    ),
    Case(
        "llr",
        llr(eps=0.05),
        random=True,
        passes=(5, 6),
        make=partial(llr, eps=0.05),
        bad={
            "eps": SIZE,
            "lam": NUMBER,
            "mu": NUMBER,
            "steps": (0, 1.5),
            "step_size": (-1,),
            "norm": ("l3",),
            "loss": ("l2",),
            **GROWS,
        },
    ),
    Case("advprop", advprop(climbed), passes=(6, 5), network=split_batchnorm, **attacking(advprop)),
]
