"""The attacks. One joins by a line: its settings and what it promises, with the arguments that it must refuse."""

from functools import partial

from advcourse.attacks import carlini_wagner, ddn, deepfool, difgsm, fgsm, ifgsm, mifgsm, pgd, spatial, stadv
from advcourse.structured import flow, recolor, recolor_operator
from tests.contracts.attacks import Case

EPS = 0.1
NAN, INF = float("nan"), float("inf")


def recoloured(model, images, labels, *, strength, steps=1, targets=None, **settings):
    """``recolor`` by the operator of those settings."""
    operator = recolor_operator(images, **settings)
    return recolor(model, images, labels, strength=strength, steps=steps, operator=operator, targets=targets)


started = partial(pgd, steps=20, random_start=True)
within = partial(spatial, max_shift=2.0, max_angle=30.0)
cw = partial(carlini_wagner, steps=60, search_steps=4, learning_rate=0.1, initial_const=1.0)
bent = partial(stadv, steps=30, step_size=0.05, flow_weight=0.001)

CATALOGUE = [
    Case(
        "fgsm",
        partial(fgsm, eps=EPS),
        "loss",
        ("linf", EPS),
        blind=True,
        bad={"eps": (-0.1, INF, "0.1")},
    ),
    Case(
        "ifgsm",
        partial(ifgsm, step_size=0.02, steps=20),
        "misclassification",
        bad={"step_size": (-0.1,), "steps": (0, True), "eps": (-1.0,)},
    ),
    Case("ifgsm-ball", partial(ifgsm, step_size=0.03, steps=20, eps=EPS), "misclassification", ("linf", EPS)),
    Case(
        "pgd-linf",
        partial(pgd, eps=EPS, steps=10),
        "loss",
        ("linf", EPS),
        bad={
            "eps": (-0.1, NAN, None),
            "steps": (0, 1.5),
            "step_size": (-1.0,),
            "norm": ("l3",),
            "loss": ("hinge", lambda logits, labels: logits.sum()),
            "restarts": (0,),
        },
    ),
    Case("pgd-l2", partial(pgd, eps=0.8, steps=10, norm="l2"), "loss", ("l2", 0.8)),
    Case("pgd-l1", partial(pgd, eps=5.0, steps=20, norm="l1"), "loss", ("l1", 5.0)),
    Case("pgd-margin", partial(pgd, eps=EPS, steps=10, loss="margin"), "loss", ("linf", EPS)),
    Case("pgd-linf-random", partial(started, eps=EPS, restarts=2), "loss", ("linf", EPS), random=True),
    Case("pgd-l2-random", partial(started, eps=0.8, norm="l2"), "loss", ("l2", 0.8), random=True),
    Case("pgd-l1-random", partial(started, eps=5.0, norm="l1"), "loss", ("l1", 5.0), random=True),
    Case(
        "spatial-grid",
        partial(within, grid=(3, 3, 5)),
        "misclassification",
        gradient_free=True,
        bad={
            "max_shift": (-1.0,),
            "max_angle": (NAN,),
            "search": ("newton",),
            "grid": ((5, 5), (5, 5, 0), 775),
            "samples": (0,),
        },
    ),
    Case("spatial-gradient", partial(within, search="gradient"), "misclassification"),
    Case("spatial-random", partial(within, search="random"), "misclassification", random=True, gradient_free=True),
    Case(
        "deepfool",
        partial(deepfool, steps=20),
        "misclassification",
        targeted=False,
        bad={"steps": (0,), "overshoot": (-0.1, NAN), "candidates": (1, 5, 2.5), "norm": ("l1",)},
    ),
    Case("deepfool-linf", partial(deepfool, norm="linf", candidates=2), "misclassification", targeted=False),
    Case(
        "carlini-wagner",
        cw,
        "misclassification",
        minimal=True,
        bad={
            "confidence": (-1.0,),
            "steps": (0,),
            "search_steps": (0, 1.5),
            "learning_rate": (-0.1, INF),
            "initial_const": (0.0, "1"),
        },
    ),
    Case("carlini-wagner-confident", partial(cw, confidence=0.3), "misclassification"),
    Case(
        "ddn",
        partial(ddn, steps=30),
        "misclassification",
        minimal=True,
        bad={"steps": (0,), "init_norm": (-1.0,), "gamma": (-0.1, 1.5), "levels": (1, 2.5)},
    ),
    Case(
        "stadv",
        bent,
        "misclassification",
        bad={"steps": (0,), "step_size": (-0.1,), "flow_weight": (NAN,), "confidence": (-1.0,)},
    ),
    Case("stadv-confident", partial(bent, confidence=0.3), "misclassification"),
    Case(
        "mifgsm",
        partial(mifgsm, eps=EPS),
        "loss",
        ("linf", EPS),
        bad={"eps": (-0.1,), "steps": (0,), "step_size": (-0.1,), "decay": (-1.0,)},
    ),
    Case(
        "difgsm",
        partial(difgsm, eps=EPS),
        "loss",
        ("linf", EPS),
        random=True,
        bad={
            "eps": (-0.1,),
            "steps": (0,),
            "step_size": (-0.1,),
            "decay": (-1.0,),
            "probability": (1.5, -0.1),
            "smallest": (1.1, -0.1),
        },
    ),
    Case(
        "flow",
        partial(flow, gamma=1.0, max_displacement=1.5),
        "loss",
        bad={"gamma": (-1.0, NAN), "max_displacement": (-1.0,), "steps": (0, 1.5)},
    ),
    Case("flow-iterated", partial(flow, gamma=1.0, max_displacement=1.5, steps=10), "loss"),
    Case(
        "recolor",
        partial(recoloured, strength=0.5, rho=1.0),
        "loss",
        ("linf", 0.5),
        bad={
            "strength": (-0.1, NAN),
            "steps": (0,),
            "rho": (-1.0,),
            "lam": (-1.0,),
            "alpha": (0.0,),
            "weight": ("root",),
            "floor": (0.0,),
            "solver": ("qr",),
        },
    ),
    Case("recolor-iterated", partial(recoloured, strength=0.5, rho=1.0, steps=10, solver="cg"), "loss", ("linf", 0.5)),
    Case("recolor-literal", partial(recoloured, strength=0.3, steps=5, lam=1.0, rho=0.0), "loss", ("linf", 0.3)),
]
