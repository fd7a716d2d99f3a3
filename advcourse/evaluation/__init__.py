"""Measuring: what attacks reach, what transfers, what became of the images, how far the boundary is."""

from advcourse.evaluation._evaluate import Attack, Report, compare, evaluate, quantize
from advcourse.evaluation._fooling import fooling_rate, fooling_table, inner_products, shown
from advcourse.evaluation._outcomes import Outcomes, outcomes, pose_table
from advcourse.evaluation._robustness import rho_adv
from advcourse.evaluation._transfer import known_to_all, leave_one_out, rmsd, transfer_matrix

__all__ = [
    "Attack",
    "Outcomes",
    "Report",
    "compare",
    "evaluate",
    "fooling_rate",
    "fooling_table",
    "inner_products",
    "known_to_all",
    "leave_one_out",
    "outcomes",
    "pose_table",
    "quantize",
    "rho_adv",
    "rmsd",
    "shown",
    "transfer_matrix",
]
