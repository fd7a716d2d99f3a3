"""Black-box methods: what an ``Oracle`` reveals is all they see, and it counts every query."""

from advcourse.blackbox._nes import nes, nes_gradient
from advcourse.blackbox._oracle import Answers, Asked, Oracle, OracleError, QueryBudgetExceeded, TopK

__all__ = [
    "Answers",
    "Asked",
    "Oracle",
    "OracleError",
    "QueryBudgetExceeded",
    "TopK",
    "nes",
    "nes_gradient",
]
