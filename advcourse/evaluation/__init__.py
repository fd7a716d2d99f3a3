"""Measuring: what attacks reach, what transfers, what became of the images, how far the boundary is."""

from advcourse.evaluation._autoattack import VERSIONS, autoattack, sequence
from advcourse.evaluation._controls import controls
from advcourse.evaluation._diagnose import diagnose
from advcourse.evaluation._evaluate import Report, compare, evaluate, quantize
from advcourse.evaluation._findings import Diagnosis, Finding
from advcourse.evaluation._fooling import fooling_rate, fooling_table, inner_products, shown
from advcourse.evaluation._outcomes import Outcomes, outcomes, pose_table
from advcourse.evaluation._robustness import rho_adv
from advcourse.evaluation._robustness_report import ROBUSTNESS_SCHEMA, Level, Part, RobustnessReport
from advcourse.evaluation._sequence import Attack
from advcourse.evaluation._transfer import known_to_all, leave_one_out, rmsd, transfer_matrix
from advcourse.evaluation._worst_case import evaluate_robustness

__all__ = [
    "ROBUSTNESS_SCHEMA",
    "VERSIONS",
    "Attack",
    "Diagnosis",
    "Finding",
    "Level",
    "Outcomes",
    "Part",
    "Report",
    "RobustnessReport",
    "autoattack",
    "compare",
    "controls",
    "diagnose",
    "evaluate",
    "evaluate_robustness",
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
    "sequence",
    "shown",
    "transfer_matrix",
]
