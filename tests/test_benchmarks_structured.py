"""The pure parts of the benchmarks by image size: growth fitted to planted data, baselines equal to the library."""

import math

import pytest
import torch

from benchmarks import structured
from benchmarks.scaling import NOTICED, Cell, exponent, exponents, rounds_of, spelled
from benchmarks.structured_methods import FORMS, METHODS, case, flow_system, pictures, residual
from tests.structured import dense

SIZES = (16, 64, 128, 512)
CPU = torch.device("cpu")


def cells(power, **changed):
    return [
        Cell("planted", "cpu", n, 1, [1e-6 * n**2], [1e-9 * n ** (2 * power)], kept=n**2, peak=n**3, **changed)
        for n in SIZES
    ]


def by_name(part, name):
    return next(method for method in METHODS[part] if method.name == name)


@pytest.mark.parametrize("power", [1.0, 1.5, 3.0])
def test_a_planted_power_of_the_pixels_is_found(power):
    assert exponent(SIZES, [7.0 * (n * n) ** power for n in SIZES]) == pytest.approx(power)
    assert math.isnan(exponent([64], [1.0]))


def test_growth_is_fitted_to_the_larger_sizes_that_ran():
    planted = cells(1.5)
    planted[0].solve = [1.0]  # an overhead, below the sizes fitted
    planted[-1].solve = []  # not run
    found = exponents(planted)
    assert found["solve"] == (pytest.approx(1.5), [64, 128])
    assert [found[name][0] for name in ("set-up", "kept", "peak")] == pytest.approx([1, 1, 1.5])
    resident = exponents(cells(1.0, resident=True))
    assert resident["peak"][1] == [n for n in SIZES if n**3 >= NOTICED]
    assert resident["kept"][1] == [64, 128, 512]


def test_a_long_trial_is_the_only_round_and_a_short_one_the_warm_up():
    trials = iter([(0.1, 0.2)] * 100)
    assert rounds_of(lambda: next(trials), (100.0, 1.0)) == [(100.0, 1.0)]
    assert rounds_of(lambda: next(trials), (0.5, 0.5)) == [(0.1, 0.2)] * 7
    assert spelled([0.5], 1000) == "500" and spelled([0.002, 0.001, 0.003], 1000) == "2.00 (1.00 to 3.00)"


def test_a_dense_matrix_too_large_is_said_so_without_being_built():
    cell = structured.measure("flow", by_name("flow", "dense"), 224, CPU, "wall")
    assert not cell.ran and "not run: 18.76 GiB" in structured.line(cell)


def test_memory_that_grows_faster_than_the_pixels_is_no_requirement_reached():
    linear, faster = cells(1.0), cells(1.0)
    for cell in linear:
        cell.peak = cell.kept
    assert [verdict.reached for verdict in structured.grown([linear, faster])] == [True, False]


def test_pictures_are_mosaics_beyond_the_photographs_size():
    small, large = pictures(16, 5), pictures(300, 2)
    assert small.shape == (5, 3, 16, 16) and large.shape == (2, 3, 300, 300)
    photograph = pictures(224, 2)
    assert large[0, :, :224, :224].equal(photograph[0]) and large[0, :, :76, 224:].equal(photograph[1, :, :76, :76])


def test_the_baselines_matrix_is_that_of_the_motion_field():
    expected = torch.eye(30, dtype=torch.float64) + 10 * dense.roughness(5, 6)
    torch.testing.assert_close(torch.from_numpy(flow_system(5, 6).toarray()), expected)


@pytest.mark.parametrize("name", ["dense", "sparse LU"])
def test_baselines_give_the_librarys_motion_field(name):
    images, gradient = case(by_name("flow", name), 12, 3, CPU)
    field = by_name("flow", name).build(images)(gradient)
    torch.testing.assert_close(field, by_name("flow", "transform").build(images)(gradient), rtol=0, atol=1e-12)
    assert residual("flow", by_name("flow", name), images, gradient, field) < 1e-12


@pytest.mark.parametrize("form", FORMS)
def test_the_methods_give_one_recolouring_and_their_residual_is_that_of_its_system(form):
    method = by_name("recolor", f"{form}, dense")
    images, gradient = case(method, 12, 1, CPU)
    reference = method.build(images)(gradient)
    assert residual("recolor", method, images, gradient, reference) < 1e-10
    factored = by_name("recolor", f"{form}, sparse LU").build(images)(gradient)
    torch.testing.assert_close(factored, reference, rtol=0, atol=1e-10)
    with structured.counted() as calls:
        iterated = by_name("recolor", f"{form}, PCG").build(images)(gradient)
    assert residual("recolor", method, images, gradient, iterated) <= 1e-5 and calls[0] > 10
    assert residual("recolor", method, images, gradient, 1.01 * reference) == pytest.approx(0.01, rel=1e-6)
