"""Black-box methods: what an ``Oracle`` reveals is all they see, and it counts every query."""

from advcourse.blackbox._bandits import bandits
from advcourse.blackbox._hop_skip_jump import hop_skip_jump
from advcourse.blackbox._http import HttpOracle
from advcourse.blackbox._nes import nes, nes_gradient
from advcourse.blackbox._nes_label_only import label_score, nes_label_only
from advcourse.blackbox._nes_partial import nes_partial
from advcourse.blackbox._oracle import Oracle
from advcourse.blackbox._service import application, serve
from advcourse.blackbox._substitute import Substitute, jacobian_augmentation, substitute
from advcourse.blackbox._transfer_attack import transfer_attack
from advcourse.core.oracles import Answers, Asked, OracleError, QueryBudgetExceeded, TopK

__all__ = [
    "Answers",
    "Asked",
    "HttpOracle",
    "Oracle",
    "OracleError",
    "QueryBudgetExceeded",
    "Substitute",
    "TopK",
    "application",
    "bandits",
    "hop_skip_jump",
    "jacobian_augmentation",
    "label_score",
    "nes",
    "nes_gradient",
    "nes_label_only",
    "nes_partial",
    "serve",
    "substitute",
    "transfer_attack",
]
