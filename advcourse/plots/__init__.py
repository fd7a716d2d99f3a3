"""Figures of the lectures, in one style and one colour-blind-safe palette.

Images are float tensors in [0, 1]; distances are in pixel units of [0, 1]. Functions that take ``ax`` draw
there, and make a figure of their own where none is given.
"""

from advcourse.plots._balls import show_maximisers, show_norms, show_projections
from advcourse.plots._bars import count_bars, share_bars
from advcourse.plots._beside import beside
from advcourse.plots._budgets import (
    budget_curve,
    distance_curve,
    prediction_scatter,
    quantized_curve,
    robustness_curves,
    show_budgets,
    show_control,
)
from advcourse.plots._changes import show_changes
from advcourse.plots._costs import constant_search, cost_curve
from advcourse.plots._curves import accuracy_curve, success_curve, top5
from advcourse.plots._fields import draw_field, show_motion
from advcourse.plots._film import Film, film
from advcourse.plots._images import draw_image, magnify, show_attack, show_images, tile
from advcourse.plots._intervals import interval_chart
from advcourse.plots._loss import loss_along, loss_landscape
from advcourse.plots._maps import show_maps
from advcourse.plots._queries import cosine_curve, cumulative_curve, query_curve
from advcourse.plots._regions import decision_regions
from advcourse.plots._ring import draw_ring, ring_curve, show_ring
from advcourse.plots._robustness import diagnosis, robustness_curve
from advcourse.plots._sheets import show_sheets
from advcourse.plots._spatial import spatial_landscape
from advcourse.plots._spectrum import spectrum
from advcourse.plots._styling import PALETTE, STYLE, style, use_style
from advcourse.plots._trade_off import trade_off
from advcourse.plots._two_pixels import draw_ball, draw_levels, draw_page, draw_steps, draw_tangents

__all__ = [
    "Film",
    "PALETTE",
    "STYLE",
    "accuracy_curve",
    "beside",
    "budget_curve",
    "constant_search",
    "cosine_curve",
    "cost_curve",
    "count_bars",
    "cumulative_curve",
    "decision_regions",
    "diagnosis",
    "distance_curve",
    "draw_ball",
    "draw_field",
    "draw_image",
    "draw_levels",
    "draw_page",
    "draw_ring",
    "draw_steps",
    "draw_tangents",
    "film",
    "interval_chart",
    "loss_along",
    "loss_landscape",
    "magnify",
    "prediction_scatter",
    "quantized_curve",
    "query_curve",
    "ring_curve",
    "robustness_curve",
    "robustness_curves",
    "share_bars",
    "show_attack",
    "show_budgets",
    "show_changes",
    "show_control",
    "show_images",
    "show_maps",
    "show_maximisers",
    "show_motion",
    "show_norms",
    "show_projections",
    "show_ring",
    "show_sheets",
    "spatial_landscape",
    "spectrum",
    "style",
    "success_curve",
    "tile",
    "top5",
    "trade_off",
    "use_style",
]
