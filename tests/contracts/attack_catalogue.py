"""The one list of attacks. An attack joins the contract suite by a line in :data:`CATALOGUE`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from advcourse.attacks import carlini_wagner, ddn, deepfool, difgsm, fgsm, ifgsm, mifgsm, pgd, spatial, stadv
from advcourse.structured import flow, recolor, recolor_operator


@dataclass(frozen=True)
class Case:
    """An attack with its parameters set, and what it promises.

    Attributes:
        name: of the test.
        attack: ``(model, images, labels, targets=None) -> images``.
        seeks: ``"misclassification"`` (stops per image, leaves the misclassified alone) or ``"loss"``.
        bound: norm and radius that the perturbation keeps, where it promises one.
        targeted: takes ``targets``.
        minimal: goes no further than the boundary of the label or the target.
        random: draws; then it takes a ``generator``.
        bad: arguments that must be refused, with the name the message must hold.
    """

    name: str
    attack: Callable
    seeks: str
    bound: tuple[str, float] | None = None
    targeted: bool = True
    minimal: bool = False
    random: bool = False
    bad: tuple[dict, ...] = ()


def recoloured(model, images, labels, *, strength, steps=1, targets=None, **settings):
    """``recolor`` by the operator of those settings."""
    operator = recolor_operator(images, **settings)
    return recolor(model, images, labels, strength=strength, steps=steps, operator=operator, targets=targets)


EPS = 0.1
_RANDOM = {"steps": 20, "random_start": True}
_BAD_FGSM = ({"eps": -0.1}, {"eps": float("inf")}, {"eps": "0.1"})
_BAD_IFGSM = ({"step_size": -0.1}, {"steps": 0}, {"steps": True}, {"eps": -1.0})
_BAD_PGD = (
    {"eps": -0.1},
    {"eps": float("nan")},
    {"eps": None},
    {"steps": 0},
    {"steps": 1.5},
    {"step_size": -1.0},
    {"norm": "l3"},
    {"loss": "hinge"},
    {"restarts": 0},
    {"loss": lambda logits, labels: logits.sum()},
)
_SPATIAL = {"max_shift": 2.0, "max_angle": 30.0}
_BAD_SPATIAL = (
    {"max_shift": -1.0},
    {"max_angle": float("nan")},
    {"search": "newton"},
    {"grid": (5, 5)},
    {"grid": (5, 5, 0)},
    {"grid": 775},
    {"samples": 0},
)

_BAD_DEEPFOOL = (
    {"steps": 0},
    {"overshoot": -0.1},
    {"overshoot": float("nan")},
    {"candidates": 1},
    {"candidates": 5},
    {"candidates": 2.5},
    {"norm": "l1"},
)
_BAD_CW = (
    {"confidence": -1.0},
    {"steps": 0},
    {"search_steps": 0},
    {"search_steps": 1.5},
    {"learning_rate": -0.1},
    {"learning_rate": float("inf")},
    {"initial_const": 0.0},
    {"initial_const": "1"},
)
_CW = {"steps": 60, "search_steps": 4, "learning_rate": 0.1, "initial_const": 1.0}
_BAD_DDN = ({"steps": 0}, {"init_norm": -1.0}, {"gamma": -0.1}, {"gamma": 1.5}, {"levels": 1}, {"levels": 2.5})
_STADV = {"steps": 30, "step_size": 0.05, "flow_weight": 0.001}
_BAD_STADV = ({"steps": 0}, {"step_size": -0.1}, {"flow_weight": float("nan")}, {"confidence": -1.0})
_BAD_MIFGSM = ({"eps": -0.1}, {"steps": 0}, {"step_size": -0.1}, {"decay": -1.0})
_BAD_DIFGSM = (*_BAD_MIFGSM, {"probability": 1.5}, {"probability": -0.1}, {"smallest": 1.1})
_BAD_FLOW = ({"gamma": -1.0}, {"gamma": float("nan")}, {"max_displacement": -1.0}, {"steps": 0}, {"steps": 1.5})
_BAD_RECOLOR = (
    {"strength": -0.1},
    {"strength": float("nan")},
    {"steps": 0},
    {"rho": -1.0},
    {"lam": -1.0},
    {"alpha": 0.0},
    {"weight": "root"},
    {"floor": 0.0},
    {"solver": "qr"},
)

CATALOGUE = [
    Case("fgsm", partial(fgsm, eps=EPS), "loss", ("linf", EPS), bad=_BAD_FGSM),
    Case("ifgsm", partial(ifgsm, step_size=0.02, steps=20), "misclassification", bad=_BAD_IFGSM),
    Case("ifgsm-ball", partial(ifgsm, step_size=0.03, steps=20, eps=EPS), "misclassification", ("linf", EPS)),
    Case("pgd-linf", partial(pgd, eps=EPS, steps=10), "loss", ("linf", EPS), bad=_BAD_PGD),
    Case("pgd-l2", partial(pgd, eps=0.8, steps=10, norm="l2"), "loss", ("l2", 0.8)),
    Case("pgd-l1", partial(pgd, eps=5.0, steps=20, norm="l1"), "loss", ("l1", 5.0)),
    Case("pgd-margin", partial(pgd, eps=EPS, steps=10, loss="margin"), "loss", ("linf", EPS)),
    Case("pgd-linf-random", partial(pgd, eps=EPS, restarts=2, **_RANDOM), "loss", ("linf", EPS), random=True),
    Case("pgd-l2-random", partial(pgd, eps=0.8, norm="l2", **_RANDOM), "loss", ("l2", 0.8), random=True),
    Case("pgd-l1-random", partial(pgd, eps=5.0, norm="l1", **_RANDOM), "loss", ("l1", 5.0), random=True),
    Case("spatial-grid", partial(spatial, grid=(3, 3, 5), **_SPATIAL), "misclassification", bad=_BAD_SPATIAL),
    Case("spatial-gradient", partial(spatial, search="gradient", **_SPATIAL), "misclassification"),
    Case("spatial-random", partial(spatial, search="random", **_SPATIAL), "misclassification", random=True),
    Case("deepfool", partial(deepfool, steps=20), "misclassification", targeted=False, bad=_BAD_DEEPFOOL),
    Case("deepfool-linf", partial(deepfool, norm="linf", candidates=2), "misclassification", targeted=False),
    Case("carlini-wagner", partial(carlini_wagner, **_CW), "misclassification", minimal=True, bad=_BAD_CW),
    Case("carlini-wagner-confident", partial(carlini_wagner, confidence=0.3, **_CW), "misclassification"),
    Case("ddn", partial(ddn, steps=30), "misclassification", minimal=True, bad=_BAD_DDN),
    Case("stadv", partial(stadv, **_STADV), "misclassification", bad=_BAD_STADV),
    Case("stadv-confident", partial(stadv, confidence=0.3, **_STADV), "misclassification"),
    Case("mifgsm", partial(mifgsm, eps=EPS), "loss", ("linf", EPS), bad=_BAD_MIFGSM),
    Case("difgsm", partial(difgsm, eps=EPS), "loss", ("linf", EPS), random=True, bad=_BAD_DIFGSM),
    Case("flow", partial(flow, gamma=1.0, max_displacement=1.5), "loss", bad=_BAD_FLOW),
    Case("flow-iterated", partial(flow, gamma=1.0, max_displacement=1.5, steps=10), "loss"),
    Case("recolor", partial(recoloured, strength=0.5, rho=1.0), "loss", ("linf", 0.5), bad=_BAD_RECOLOR),
    Case("recolor-iterated", partial(recoloured, strength=0.5, rho=1.0, steps=10, solver="cg"), "loss", ("linf", 0.5)),
    Case("recolor-literal", partial(recoloured, strength=0.3, steps=5, lam=1.0, rho=0.0), "loss", ("linf", 0.3)),
]
