"""The black-box methods. One joins by a line."""

from functools import partial

from advcourse.attacks import square
from advcourse.blackbox import bandits, hop_skip_jump, nes, nes_label_only, nes_partial, transfer_attack
from advcourse.core.validation import check_count
from tests.contracts.blackbox import Case, aimed
from tests.support.toys import smooth_cnn

NAN = float("nan")
EPS = 0.3
SCORES, PROBABILITIES, LABEL = {"reveals": "logits"}, {"reveals": "probabilities"}, {"reveals": "label"}
BAD = {"eps": (-0.1, NAN), "queries": (0, 1.5)}
ESTIMATE = {"samples": (0, 3, 2.5), "sigma": (0, NAN), "momentum": (-0.1, 1.0), "step_size": (-1,)}
WAY = {**BAD, **ESTIMATE, "start": (None,), "targets": (None,), "widest": (0,), "shrink": (-1,)}

few = partial(nes, eps=EPS, samples=20)
listed = aimed(nes_partial, eps=EPS, samples=20)
labelled = aimed(nes_label_only, eps=EPS, samples=10, copies=6)


def transferred(oracle, images, labels, *, seed=0, sizes=(0.25, 0.5, 1.0), **more):
    """From a network like the one behind the oracle; it draws nothing."""
    check_count(at_least=0, seed=seed)
    surrogate = smooth_cnn(images.shape[1] if images.dim() == 4 else 2, dtype=images.dtype).to(images.device)
    return transfer_attack(surrogate, oracle, images, labels, **{"eps": EPS, "sizes": sizes, **more})


CATALOGUE: list[Case] = [
    Case("nes", few, SCORES, 1000, ("linf", EPS), bad={**BAD, **ESTIMATE, "norm": ("l1",), "loss": ("dlr",)}),
    Case("nes-l2-probabilities", partial(few, norm="l2", eps=1.5), PROBABILITIES, 1000, ("l2", 1.5)),
    Case("nes-plain", partial(few, antithetic=False, sigma=0.1), SCORES, 1500, ("linf", EPS)),
    Case("nes_partial", listed, {"reveals": "top_k", "k": 2}, 1500, ("linf", EPS), bad=WAY),
    Case(
        "nes_label_only", labelled, LABEL, 3000, ("linf", EPS), bad={**WAY, "copies": (0,), "mu": (0,), "noise": ("",)}
    ),
    Case("nes_label_only-list", labelled, {"reveals": "top_k", "k": 3}, 3000, ("linf", EPS)),
    Case(
        "bandits",
        partial(bandits, eps=EPS),
        PROBABILITIES,
        300,
        ("linf", EPS),
        bad={**BAD, "tile": (0,), "exploration": (0,), "distance": (0,), "prior_rate": (0,), "norm": ("l1",)},
    ),
    Case("bandits-l2", partial(bandits, eps=1.5, norm="l2"), SCORES, 300, ("l2", 1.5)),
    Case("square", partial(square, eps=EPS), SCORES, 200, ("linf", EPS), models=True, bad={"eps": (-0.1, NAN)}),
    Case("square-l2", partial(square, eps=1.5, norm="l2"), PROBABILITIES, 100, ("l2", 1.5), models=True),
    Case("transfer", transferred, LABEL, 4, ("linf", EPS), blind=True, bad={**BAD, "sizes": ((), (0.5, 0.2))}),
    Case("transfer-scores", transferred, SCORES, 4, ("linf", EPS), blind=True),
    Case("hop_skip_jump", hop_skip_jump, LABEL, 300, stops=False, bad={"queries": (0, 1.5), "norm": ("l1",)}),
    Case("hop_skip_jump-linf", partial(hop_skip_jump, norm="linf"), LABEL, 300, stops=False),
]
