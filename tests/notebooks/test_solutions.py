"""The lectures' exercises: the folded solution passes its check, a wrong answer is told what is wrong, the stub waits.

Each lecture is one fork of a process that has imported everything. Of its cells only those run on which a check or a
solution depends; then each answer stands in the place of the stub, and what the check prints is kept.
"""

import ast
import contextlib
import io
import json
import os
import re
import tempfile
import traceback
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from advcourse.grading.needs import names_of
from tests.grading import forked
from tests.support.notebooks import smaller

from .tree import LECTURES

HEADING = re.compile(r"^#+ Check yourself (\d+) · ", re.MULTILINE)
ATTEMPT = re.compile(r'^with exercises\.attempt\("(.+)"\):', re.MULTILINE)
FOLDED = re.compile(r"<details><summary>Solution</summary>(.+?)</details>", re.DOTALL)
BLOCK = re.compile(r"^```python\n(.+?)^```", re.DOTALL | re.MULTILINE)


# What students answer, by lecture and title of the exercise's check.
WRONG = {
    "00": {
        "ε in pixel units": ("eps = 8 / 256", "eps = 8", "eps = 0.1"),
        "softmax by hand": (
            "def softmax(logits):\n    return logits.exp() / logits.exp().sum(dim=1, keepdim=True)",
            "def softmax(logits):\n    return logits.exp() / logits.exp().sum()",
            "def softmax(logits):\n    return logits.softmax(dim=0)",
        ),
        "the other way": (
            "opposite = adversarial",
            "opposite = (x - delta).clamp(0, 1)",
            "opposite = x",
            "opposite = x - EPS * torch.ones_like(x)",
            "opposite = (x - EPS * (torch.arange(784.0, device=device).view_as(x) % 2 - 0.5).sign()).clamp(0, 1)",
        ),
    },
    "03": {
        "what is maximised?": (
            "report_solved_by, definition_solved_by = {0.6}, {0.6}",
            "report_solved_by, definition_solved_by = {0.4, 0.5, 0.6}, {0.4, 0.6}",
            "report_solved_by, definition_solved_by = {0.4, 0.5, 0.6, 0.7}, {0.6}",
            "report_solved_by, definition_solved_by = 0.5, 0.6",
        ),
        "ball and box": (
            "def best_in_ball_and_box(g, x, eps):\n    return eps * g.sign()",
            "def best_in_ball_and_box(g, x, eps):\n    return (x - eps * g.sign()).clamp(0, 1) - x",
            "def best_in_ball_and_box(g, x, eps):\n    return (x + eps * g / g.norm()).clamp(0, 1) - x",
        ),
        "ε in pixels": (
            "eps_in_pixels, darkest, brightest = 32 / 255, 0.5, 0.75",
            "eps_in_pixels, darkest, brightest = 8 / 255, 0.5, 0.75",
            "eps_in_pixels, darkest, brightest = 2 / 255, 0.0, 1.0",
            "eps_in_pixels, darkest, brightest = 2 / 255, -2.0, 2.0",
            "eps_in_pixels, darkest, brightest = float('nan'), 0.5, 0.75",
        ),
        "what the clamp takes": (
            "lost_on_digits, lost_on_photographs = 0.5, 0.5",
            "lost_on_digits, lost_on_photographs = 0.05, 0.0",
            "lost_on_digits, lost_on_photographs = 50, 0",
            "lost_on_digits, lost_on_photographs = float('nan'), 0.0",
        ),
        "old gradients": (
            "farthest_fresh, farthest_summed = 0.4, 0.4",
            "farthest_fresh, farthest_summed = 0.4, 2.0",
            "farthest_fresh, farthest_summed = 0.8, 0.4",
            "farthest_fresh, farthest_summed = 0.4, float('nan')",
        ),
        "three projections": (
            'projected = {"l1": (4 / 3, -4 / 9, 2 / 9), "l2": (1.87, -0.62, 0.31), "linf": (2, -1, 0.5)}',
            'projected = {"l1": (2, 0, 0), "l2": (2, 0, 0), "linf": (2, -1, 0.5)}',
            'projected = {"l1": (2, 0, 0), "l2": (1.87, -0.62, 0.31), "linf": (2, -2 / 3, 1 / 3)}',
            'projected = {norm: (3, -1, 0.5) for norm in ("l1", "l2", "linf")}',
            'projected = {"l1": (2, 0), "l2": (1.87, -0.62, 0.31), "linf": (2, -1, 0.5)}',
        ),
        "the convention": (
            "normalized_l2_by_convention, success_by_convention = 0.0055, 0.82 / 0.92",
            "normalized_l2_by_convention, success_by_convention = 0.0055 * 0.92, 0.82 / 0.92",
            "normalized_l2_by_convention, success_by_convention = 0.0055 / 0.92, 0.9",
            "normalized_l2_by_convention, success_by_convention = 0.0055 / 0.92, 89.1",
            "normalized_l2_by_convention, success_by_convention = float('nan'), 0.82 / 0.92",
        ),
        "the margin": (
            'claims = {"A": True, "B": True, "C": True, "D": True}',
            'claims = {"A": False, "B": False, "C": True, "D": False}',
            'claims = {"A": False, "B": True, "C": False, "D": True}',
            'claims = {"A": "no", "B": "yes", "C": "yes", "D": "no"}',
        ),
        "the best of a hundred coins": (
            "share_of_gain = 1 / 3072**0.5",
            "share_of_gain = 0.5",
            "share_of_gain = 7",
            "share_of_gain = float('nan')",
        ),
        "two ways to raise a difference": (
            "becomes = {0.02: 0, 0.1: 1, 0.4: 1}",
            "becomes = {0.02: 0, 0.1: 2, 0.4: 2}",
            "becomes = {0.02: 1, 0.1: 1, 0.4: 1}",
            "becomes = {}",
        ),
        "immune to rounding": (
            "immune_step = 0.3 / 255",
            "immune_step = 2 / 255",
            "immune_step = 1e-7",
            "immune_step = 1",
            "immune_step = -1 / 255",
            "immune_step = float('nan')",
        ),
    },
    "04": {
        "three distances": (
            'distances = {"l2": 0.5 / 5, "linf": 0.5 / 4, "l1": 0.5 / 7}',
            'distances = {"l2": 0.5 / 25, "linf": 0.5 / 7, "l1": 0.5 / 4}',
            'distances = {norm: float("nan") for norm in ("l2", "linf", "l1")}',
            'distances = {"l2": 0.5, "linf": 0.5, "l1": 0.5}',
        ),
        "the nearest class": (
            "nearest_class, nearest_distance = 1, 0.5",
            "nearest_class, nearest_distance = 3, 6.0",
            "nearest_class, nearest_distance = 0, 0.0",
            "nearest_class, nearest_distance = 3, float('nan')",
            "nearest_class, nearest_distance = 3, 0.5",
        ),
        "why overshoot?": ("steps_until_stop = 2", "steps_until_stop = 4", 'steps_until_stop = float("inf")'),
        "a step in linf": (
            "def linf_step(gap, w, home):\n    nearest = (gap.abs() / w.abs().sum(1)).argmin()\n"
            "    return gap[nearest].abs() / w[nearest].abs().sum() * w[nearest].sign()",
            "def linf_step(gap, w, home):\n    distance = gap.abs() / w.norm(dim=1)\n    distance[home] = torch.inf\n"
            "    nearest = distance.argmin()\n    return gap[nearest].abs() / w[nearest].norm() ** 2 * w[nearest]",
            "def linf_step(gap, w, home):\n    distance = gap.abs() / w.abs().sum(1)\n    distance[home] = torch.inf\n"
            "    return -distance.min() * w[distance.argmin()].sign()",
            "def linf_step(gap, w, home):\n    distance = gap.abs() / w.norm(dim=1)\n    distance[home] = torch.inf\n"
            "    k = distance.argmin()\n    return gap[k].abs() / w[k].abs().sum() * w[k].sign()",
        ),
        "the price of a step": ("rows_all, rows_ten = 999, 9", "rows_all, rows_ten = 2997, 3 * 999 / 10"),
        "how long is the way?": ("steps_needed = 62", "steps_needed = 157", "steps_needed = 0.1 / 0.01"),
        "the next constant": (
            "def next_constant(low, high, c, success):\n    low, high = (low, c) if success else (c, high)\n"
            "    return low, high, 10 * c if high is None else (low * high) ** 0.5",
            "def next_constant(low, high, c, success):\n    return (low, c, c / 2) if success else (c, high, 10 * c)",
            "def next_constant(low, high, c, success):\n    low, high = (c, high) if success else (low, c)\n"
            "    return low, high, 10 * c if high is None else (low + high) / 2",
        ),
        "how fast can the norm fall?": ("successes_needed = 18", "successes_needed = 44", "successes_needed = 46"),
        "failures in an average": (
            "rho_first, rho_second = 0.1, 0.16",
            "rho_first, rho_second = 0.08, 0.4",
            "rho_first, rho_second = float('nan'), 0.16",
        ),
        "all nine targets": (
            "def best_target(attack, net, x, y, count):\n"
            "    found = [attack(net, x, y, targets=torch.full_like(y, k)) for k in range(count) if k != y]\n"
            "    return min(found, key=lambda z: (z - x).norm())",
            "def best_target(attack, net, x, y, count):\n"
            "    found = [attack(net, x, y, targets=torch.full_like(y, k)) for k in range(count)]\n"
            "    return min((z for z in found if net(z).argmax(1) != y), key=lambda z: (z - x).norm())",
            "def best_target(attack, net, x, y, count):\n"
            "    found = [attack(net, x, y, targets=torch.full_like(y, k)) for k in range(count) if k != y]\n"
            "    return max(found, key=lambda z: (z - x).norm())",
            "def best_target(attack, net, x, y, count):\n"
            "    return attack(net, x, y, targets=net(x).argsort(1)[:, -2])",
            "def best_target(attack, net, x, y, count):\n    return x",
        ),
        "mean and median": (
            "mean_moves, median_moves = (50 - lengths[0]) / len(lengths), 50 / len(lengths)",
            "mean_moves, median_moves = 0, (50 - lengths[0]) / len(lengths)",
            "mean_moves, median_moves = 50 - lengths[0], 0",
            "mean_moves, median_moves = float('nan'), 0",
            "mean_moves, median_moves = (50 - lengths[0]) / len(lengths), float('nan')",
            "mean_moves, median_moves = (50 - lengths[0]) / len(lengths), -0.1",
        ),
    },
    "05": {
        "is it unique?": (
            "cosine_from, cosine_to = 0.85, 1.0",
            "cosine_from, cosine_to = -0.2, -0.05",
            "cosine_from, cosine_to = -1, 1",
            "cosine_from, cosine_to = float('nan'), 0.2",
        ),
        "how many draws?": (
            "def expected_survivors(q, m):\n    return (1 - q.mean()) ** m",
            "def expected_survivors(q, m):\n    return (1 - q**m).mean()",
            "def expected_survivors(q, m):\n    return 1 - (1 - (1 - q) ** m).prod()",
            "def expected_survivors(q, m):\n    return float('nan')",
        ),
        "the derivative at rest": (
            "with_constant, without_constant = 0.0, 0.0",
            "with_constant, without_constant = float('nan'), float('nan')",
            "with_constant, without_constant = 0.0, float('inf')",
            "with_constant, without_constant = 1e-8**-0.5 / 2, float('nan')",
        ),
        "one draw and many": (
            "def agreement(n):\n    return 0.5",
            "def agreement(n):\n    return 0.8",
            "def agreement(n):\n    return n / 100",
            "def agreement(n):\n    return float('nan')",
            "def agreement(n):\n    once = [eot_gradient(model, x[:4], targets[:4], n, seeded(0)).flatten(1)] * 2\n"
            "    return F.cosine_similarity(*once).mean().item()",
            "def agreement(n):\n    return 1 - 0.4 / n**0.5",
            "def agreement(n):\n    of_n, of_64 = (\n"
            "        eot_gradient(model, x[:4], targets[:4], k, seeded(k + 1)).flatten(1) for k in (n, 64)\n    )\n"
            "    return (of_n * of_64).sum(1).mean().item()",
            "def agreement(n):\n    return {1: 0.6, 4: 0.8, 64: 0.97}[n]",
            "def agreement(n):\n    of_n, of_64 = (\n"
            "        eot_gradient(model, x[:4], targets[:4], k, seeded(0)).flatten(1) for k in (n, 64)\n    )\n"
            "    return F.cosine_similarity(of_n, of_64).mean().item()",
            "def agreement(n):\n    of_n, of_64 = (\n"
            "        eot_gradient(model, x[:1], targets[:1], k, seeded(k + 1)).flatten(1) for k in (n, 64)\n    )\n"
            "    return F.cosine_similarity(of_n, of_64).mean().item()",
        ),
        "how large is a patch, in norms?": (
            'largest = {"linf": 1, "l2": 0.1 * (3 * 224 * 224) ** 0.5, "l0": 0.1 * 3 * 224 * 224}',
            'largest = {"linf": 1, "l2": (0.1 * 224 * 224) ** 0.5, "l0": 0.1 * 224 * 224}',
            'largest = {"linf": 0.1, "l2": 122.7, "l0": 15053}',
            'largest = {"linf": 1, "l2": float("nan"), "l0": 15053}',
            'largest = {"linf": 1, "l2": 123}',
            "largest = (1, 123, 15053)",
        ),
        "printable": (
            "product, product_slope, nearest_slope = 0.5**60, 60 * 0.5**59, 1",
            "product, product_slope, nearest_slope = 0.5**60, 0.5**59, 1 / 60",
            "product, product_slope, nearest_slope = 60 * 0.5, 0.5**59, 1",
            "product, product_slope, nearest_slope = 0, 0, 1",
            "product, product_slope, nearest_slope = 0.5**60, -(0.5**59), -1",
        ),
        "linear, up to what?": (
            "slopes, expected_slope = [0.5, 1.5, 2.0], 4 / 3",
            "slopes, expected_slope = [0.3, 0.9, 1.0], 2.2 / 3",
            "slopes, expected_slope = [0.5, 1.5, 0.0], 0.0",
            "slopes, expected_slope = [0.5, 1.5], 1.0",
            "slopes, expected_slope = 0.5, 2 / 3",
            "slopes, expected_slope = {0.5, 1.5, 0.0}, 2 / 3",
        ),
        "where does the ensemble's average stand?": (
            "by_logits, by_probabilities, loss_of_0 = 0, 0, 0.501",
            "by_logits, by_probabilities, loss_of_0 = 1, 1, 0.501",
            "by_logits, by_probabilities, loss_of_0 = 1, 0, 10.06",
            "by_logits, by_probabilities, loss_of_0 = 1, 0, float('nan')",
        ),
    },
    "06": {
        "four signs": (
            "x_dot, z_dot, loss_rate = 1, 0.2, 0.6",
            "x_dot, z_dot, loss_rate = -1, 0.2, -0.6",
            "x_dot, z_dot, loss_rate = 1, -0.2, -0.6",
            "x_dot, z_dot, loss_rate = 0.6, -0.12, 0.36",
            "x_dot, z_dot, loss_rate = 1, float('nan'), 0.6",
            "x_dot, z_dot, loss_rate = 1, -0.2, float('nan')",
        ),
        "the far end of γ": (
            "def limit(d):\n    return d.mean((-2, -1), keepdim=True).expand_as(d)",
            "def limit(d):\n    return -d.mean().expand_as(d)",
            "def limit(d):\n    return torch.zeros_like(d)",
        ),
        "scale it right": (
            "longest_strong, longest_weak, still_solves = 1, 0.01, False",
            "longest_strong, longest_weak, still_solves = 2**0.5, 1, False",
            "longest_strong, longest_weak, still_solves = 2**0.5, 0.01, True",
            'longest_strong, longest_weak, still_solves = 2**0.5, 0.01, "no"',
            "longest_strong, longest_weak, still_solves = float('nan'), 0.01, False",
            "longest_strong, longest_weak, still_solves = 2**0.5, float('nan'), False",
        ),
        "two thirds": (
            "share_colour, share_grey = 2 / 3, 0",
            "share_colour, share_grey = 1 / 3, 1 / 120",
            "share_colour, share_grey = 241 / 360, 1 / 3",
            "share_colour, share_grey = 2 / 3, 1 / 120",
            "share_colour, share_grey = float('nan'), 1 / 120",
            "share_colour, share_grey = 241 / 360, float('nan')",
        ),
        "one colour per region": (
            "def per_region(g, left, alpha):\n    return g.mean((-2, -1), keepdim=True).expand_as(g) / alpha\n"
            "far_end = lambda g, alpha: per_region(g, 4, alpha)",
            "def per_region(g, left, alpha):\n    parts = g[..., :left], g[..., left:]\n"
            "    return torch.cat([part.mean((-2, -1), keepdim=True).expand_as(part) / alpha for part in parts], -1)\n"
            "far_end = lambda g, alpha: torch.zeros_like(g)",
            "def per_region(g, left, alpha):\n    parts = g[..., :left], g[..., left:]\n"
            "    return torch.cat([part.mean().expand_as(part) / alpha for part in parts], -1)\n"
            "far_end = lambda g, alpha: g.mean((-2, -1), keepdim=True).expand_as(g) / alpha",
            "def per_region(g, left, alpha):\n    parts = g[..., :left], g[..., left:]\n"
            "    return torch.cat([part.mean((-2, -1), keepdim=True).expand_as(part) for part in parts], -1)\n"
            "far_end = lambda g, alpha: g.mean((-2, -1), keepdim=True).expand_as(g)",
        ),
        "what is cached": (
            "def training_view(batch, recolour, crop):\n    return recolour(crop(batch))",
            "def training_view(batch, recolour, crop):\n    return crop(batch)",
            "def training_view(batch, recolour, crop):\n    return recolour(batch)",
            "def training_view(batch, recolour, crop):\n    crop(recolour(batch))",
            "def training_view(batch, recolour, crop):\n    crop(recolour(batch))\n    return batch",
            "def training_view(batch, recolour, crop):\n    recolour(batch)\n    return crop(batch)",
        ),
        "a quarter of a point": (
            "seeds_unpaired, seeds_paired = 6, 3",
            "seeds_unpaired, seeds_paired = 7, 3",
            "seeds_unpaired, seeds_paired = 100, 6",
            "seeds_unpaired, seeds_paired = 7, 5.5",
        ),
    },
    "07": {
        "the school's price": ("price_digit, price_photo = 784, 150_528", "price_digit, price_photo = 785, 150_529"),
        "the bill of a substitute": (
            "all_doubled, with_reservoir = 150 * 6, 2400",
            "all_doubled, with_reservoir = 150 * 2**6 - 150, 2400",
            "all_doubled, with_reservoir = 9600, 150 * 2**3 + 400",
        ),
        "how many for a cosine of one half?": (
            "half_digit, half_photo = 262, 50_177",
            "half_digit, half_photo = 2 * 785, 2 * 150_529",
        ),
        "can the plain sum be saved?": (
            "def with_baseline(score, x, n, sigma, gen):\n    u = torch.randn(n, 1, 6, 6, generator=gen).double()\n"
            "    return torch.einsum('n,nchw->chw', score(x + sigma * u), u)[None]",
            "def with_baseline(score, x, n, sigma, gen):\n    u = torch.randn(n, 1, 6, 6, generator=gen).double()\n"
            "    return torch.einsum('n,nchw->chw', score(x + sigma * u[:6]) - score(x - sigma * u[:6]), u[:6])[None]",
            "def with_baseline(score, x, n, sigma, gen):\n    u = torch.randn(n, 1, 6, 6, generator=gen).double()\n"
            "    return torch.einsum('n,nchw->chw', score(x + sigma * u) - score(x - sigma * u), u)[None]",
        ),
        "few good steps or many poor ones?": ("worst_n = 10", "worst_n = 50", "worst_n = 500"),
        "what does the noise see?": (
            "inside, outside = 0.309, 0.023",
            "inside, outside = 0.5, 0.0",
            "inside, outside = 0.691, float('nan')",
        ),
        "failures in an average": ("median_a, median_b = 200, 100", 'median_a, median_b = float("inf"), 100'),
        "an alarm": (
            "def close_call(answers):\n    return answers.max(1).values < 0.5",
            "def close_call(answers):\n    return answers.topk(2, dim=1).values.diff(dim=1)[:, 0] < 0.2",
            "def close_call(answers):\n    return answers[:, 0] - answers[:, 1] < 0.2",
        ),
    },
    "08": {
        "another layer": (
            "def transpose(v):\n    return 4 * F.interpolate(F.avg_pool2d(v, 2), scale_factor=2, mode='nearest')",
            "def transpose(v):\n    return F.avg_pool2d(v, 2)",
            "def transpose(v):\n    return v",
        ),
        "when may one stop?": (
            "def still_falling(curve):\n    return curve[0] - curve[-1] > 0.01",
            "def still_falling(curve):\n    return curve[-2] - curve[-1] > 0.01",
            "def still_falling(curve):\n    return curve[-1] > 0.01",
        ),
        "the average of what?": (
            "mean_of_losses, loss_of_mean = 0.6931, 1.204",
            "mean_of_losses, loss_of_mean = 1.204, 0.5",
            "mean_of_losses, loss_of_mean = 1.204, 0.301",
        ),
        "read the signs": (
            'masked, zero = {"A", "C"}, "C"',
            'masked, zero = {"C"}, "C"',
            'masked, zero = {"B", "C"}, "B"',
        ),
    },
    "09": {
        "the eighth step": (
            "predicted = 0.95",
            "predicted = 0.5",
            "predicted = -0.1",
            "predicted = float('nan')",
        ),
        "the weights that a step may cost": (
            "largest, doubled = 1.75 / 10.25 ** 0.5, 1.75 / 10.25 ** 0.5",
            "largest, doubled = 1.75 / 4.5, 2 * 1.75 / 4.5",
            "largest, doubled = 1.75 / 3, 1.75 / 3",
            "largest, doubled = float('nan'), float('nan')",
        ),
        "the epoch to keep": (
            "def keep(one, ten, gap):\n    return max(range(len(ten)), key=lambda i: ten[i])",
            "def keep(one, ten, gap):\n    return max(range(len(one)), key=lambda i: one[i])",
            "def keep(one, ten, gap):\n    return min(range(len(ten)), key=lambda i: one[i] - ten[i])",
            "def keep(one, ten, gap):\n    return len(ten) - 1",
            "def keep(one, ten, gap):\n"
            "    sound = [i for i in range(len(ten)) if one[i] - ten[i] <= gap]\n"
            "    return max(sound, key=lambda i: one[i]) if sound else None",
            "def keep(one, ten, gap):\n"
            "    sound = [i for i in range(len(ten)) if abs(one[i] - ten[i]) <= gap]\n"
            "    return max(sound, key=lambda i: ten[i]) if sound else None",
            "def keep(one, ten, gap):\n"
            "    sound = [i for i in range(len(ten)) if one[i] - ten[i] <= gap]\n"
            "    return max(reversed(sound), key=lambda i: ten[i]) if sound else None",
        ),
        "not beaten": (
            "def unbeaten(rows):\n    return set(rows)",
            "def unbeaten(rows):\n    return {max(rows, key=lambda name: rows[name][0])}",
            "def unbeaten(rows):\n"
            "    return {a for a, x in rows.items() if not any(y[0] > x[0] for y in rows.values())}",
            "def unbeaten(rows):\n"
            "    return {a for a, x in rows.items() if not any(y[0] > x[0] and y[1] > x[1] and y[2] < x[2]"
            " for y in rows.values())}",
        ),
        "a mean where a sum should be": (
            "norm_factor, square_factor = 8, 64",
            "norm_factor, square_factor = 64, 64",
            "norm_factor, square_factor = 1 / 64, 1 / 64**2",
            "norm_factor, square_factor = float('nan'), 4096",
        ),
        "which attack refutes which claim?": (
            "refuted = {'A': 1, 'B': 3, 'C': 4, 'D': 2}",
            "refuted = {'A': 3, 'B': 1, 'C': 2, 'D': 4}",
            "refuted = {}",
            "refuted = [3, 1, 4, 2]",
        ),
    },
    "12": {
        "a critic of four answers": (
            "best, js_of_four = [1 / 2, 1 / 4, 1 / 4, 0], 0.2812",
            "best, js_of_four = [1 / 3, 1 / 2, 0, 1], 0.2812",
            "best, js_of_four = [2 / 3, 1 / 2, 1, 0], 0.5623",
            "best, js_of_four = [2 / 3, 1 / 2, 1, 0], 0.2812 / math.log(2)",
            "best, js_of_four = [2 / 3, 1 / 2, 1, 0], math.nan",
        ),
        "who is missing": (
            "def missing(counts, n):\n    return [i for i, count in enumerate(counts) if count == 0]",
            "def missing(counts, n):\n    return [i for i, count in enumerate(counts) if count < 0.01 * sum(counts)]",
            "def missing(counts, n):\n    return [i for i, count in enumerate(counts) if count <= 0.01 * n]",
            "def missing(counts, n):\n    return [i for i, count in enumerate(counts) if count < 25]",
        ),
        "reading a critic": (
            "def distance(reported, weight):\n    return reported",
            "def distance(reported, weight):\n    return reported / (1 + reported / (2 * weight))",
            "def distance(reported, weight):\n    return weight * (math.sqrt(1 + reported / weight) - 1)",
            "def distance(reported, weight):\n    return math.nan",
        ),
        "find the bug": ("slope_of_misprint = 1", "slope_of_misprint = 2", "slope_of_misprint = 1.45"),
        "the right column": (
            'sandals, memory, narrow = "recall", "to the nearest training image", "recall"',
            'sandals, memory, narrow = "class KL", "precision", "recall"',
            'sandals, memory, narrow = "class KL", "to the nearest training image", "precision"',
        ),
        "the length of the way": (
            "middle_of_eight = 10.0",
            "middle_of_eight = 10 / 8",
            "middle_of_eight = math.nan",
        ),
    },
}


@dataclass(frozen=True)
class Exercise:
    """An exercise of a lecture; ``place`` is the position of its stub, which its check follows."""

    number: int
    place: int
    title: str
    stub: str
    check: str
    solution: str


def wrong(name: str, exercise: Exercise) -> tuple[str, ...]:
    """The wrong answers of an exercise, and its stub with nan in every place: that is near to no number."""
    nothing = re.sub(r"\bNone\b|raise NotImplementedError\b.*", _nan, exercise.stub)
    return *WRONG.get(name, {}).get(exercise.title, ()), nothing


def _nan(found: re.Match[str]) -> str:
    return "float('nan')" if found[0] == "None" else "return float('nan')"


def lecture(name: str) -> Path:
    (path,) = (path for path in LECTURES if path.name.startswith(f"{name}_"))
    return path


@cache
def cells(name: str) -> list:
    return nbformat.reads(smaller(lecture(name).read_text(encoding="utf-8"), by=2), as_version=4).cells


@cache
def exercises(name: str) -> list[Exercise]:
    """The exercises of a lecture that have a check."""
    found = []
    for place, (text, stub, check) in enumerate(zip(cells(name), cells(name)[1:], cells(name)[2:], strict=False), 1):
        heading, attempt = HEADING.search(text.source), ATTEMPT.search(check.source)
        if text.cell_type == "markdown" and heading and attempt:
            solution = "\n".join(BLOCK.findall(FOLDED.search(text.source)[1]))
            found.append(Exercise(int(heading[1]), place, attempt[1], stub.source, check.source, solution))
    return found


def taken(source: str) -> set[str]:
    """Names that a cell reads before it has given them a value of its own."""
    read, written = set(), set()
    for statement in ast.parse(TransformerManager().transform_cell(source)).body:
        first = statement.value if isinstance(statement, ast.Assign) else statement
        read |= names_of(ast.unparse(first))[1] - written
        written |= names_of(ast.unparse(statement))[0]
    return read


def needed(name: str) -> list[str]:
    """Sources of the lecture's cells, empty where no exercise depends on what the cell defines."""
    sources = [cell.source if cell.cell_type == "code" else "" for cell in cells(name)]
    for exercise in exercises(name):
        sources[exercise.place] = sources[exercise.place + 1] = ""
    gives = [names_of(source)[0] for source in sources]
    chosen, waiting = set(), [(each.place, taken(f"{each.solution}\n{each.check}")) for each in exercises(name)]
    while waiting:
        place, wanted = waiting.pop()
        for one in wanted:
            latest = next((i for i in reversed(range(place)) if one in gives[i]), None)
            if latest is not None and latest not in chosen:
                chosen.add(latest)
                waiting.append((latest, taken(sources[latest])))
    return [source if i in chosen else "" for i, source in enumerate(sources)]


@pytest.fixture(scope="module")
def said(once):
    """What the exercise's check prints where the answer stands in the place of the stub."""

    def printed(name: str, exercise: Exercise, answer: str) -> str:
        def fill(folder: Path) -> None:
            (folder / "said.json").write_text(json.dumps(everything_said(name)))

        found = json.loads((once(f"lecture{name}", fill) / "said.json").read_text())
        if isinstance(found, str):
            pytest.fail(f"lecture {name} has not come to its end:\n{found}")
        return found[str(exercise.number)][answer]

    return printed


def everything_said(name: str) -> dict[int, dict[str, str]] | str:
    """What the checks of a lecture print, by the exercise's number and the answer; an error's traceback."""
    receiver, sender = forked.CONTEXT.Pipe(duplex=False)
    process = forked.CONTEXT.Process(target=_work, args=(name, sender), daemon=True)
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return "its process has ended"
    finally:
        process.join()
        receiver.close()


def _work(name: str, sender: Connection) -> None:
    try:
        sender.send(printed_by(name))
    except Exception:
        sender.send(traceback.format_exc())


def printed_by(name: str) -> dict[int, dict[str, str]]:
    """Runs the lecture in this process."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    os.environ["ADVCOURSE_SCALE"] = "quick"
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    printed: dict[int, dict[str, str]] = defaultdict(dict)

    def run(source):
        with contextlib.redirect_stdout(io.StringIO()) as spoken:
            shell.run_cell(source).raise_error()
        return spoken.getvalue()

    at = {exercise.place: exercise for exercise in exercises(name)}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for place, source in enumerate(needed(name)):
            if exercise := at.get(place):
                for answer in (exercise.solution, *wrong(name, exercise), exercise.stub):
                    before = dict(shell.user_ns)
                    run(answer)
                    printed[exercise.number][answer] = run(exercise.check)
                    shell.user_ns.clear()
                    shell.user_ns.update(before)
            elif source:
                run(source)
    return printed


NAMES = [path.name[:2] for path in LECTURES]
CHECKED = [pytest.param(name, each, id=f"{name}-{each.number}") for name in NAMES for each in exercises(name)]
MISTAKEN = [
    pytest.param(name, each, answer, id=f"{name}-{each.number}-{i}")
    for name in NAMES
    for each in exercises(name)
    for i, answer in enumerate(wrong(name, each))
]


@pytest.mark.parametrize("name, exercise", CHECKED)
def test_the_folded_solution_passes(said, name, exercise):
    assert said(name, exercise, exercise.solution).endswith(f"✓ {exercise.title}\n")


@pytest.mark.parametrize("name, exercise, answer", MISTAKEN)
def test_a_wrong_answer_is_told_what_is_wrong(said, name, exercise, answer):
    """In the words of the check: it has not stopped at an error, of its own or of the answer's."""
    printed = said(name, exercise, answer)
    assert printed.startswith(f"✗ {exercise.title}: ")
    assert "your code raised" not in printed


@pytest.mark.parametrize("name, exercise", CHECKED)
def test_the_stub_waits(said, name, exercise):
    assert said(name, exercise, exercise.stub).startswith(f"… {exercise.title}: not done yet")


@pytest.mark.parametrize("name", NAMES)
def test_every_exercise_has_a_check_and_every_check_a_wrong_answer(name):
    numbers = [int(n) for cell in cells(name) if cell.cell_type == "markdown" for n in HEADING.findall(cell.source)]
    attempts = [cell for cell in cells(name) if cell.cell_type == "code" and ATTEMPT.search(cell.source)]
    checked = [exercise.number for exercise in exercises(name)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(attempts) == len(checked)
    assert set(numbers) == set(checked)
    assert set(WRONG.get(name, {})) == {exercise.title for exercise in exercises(name)}
