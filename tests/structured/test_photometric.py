"""The photometric operators against dense matrices and differences of the edge strength; the solvers."""

import math
import warnings

import numpy as np
import pytest
import torch

from advcourse.structured import Photometric, edge_correlation, edge_strength, factor, pcg, photometric_operator
from tests.structured import dense
from tests.support.scenes import normal
from tests.support.toys import pictures

FLOOR = 0.05
weights = pytest.mark.parametrize("weight", ["norm", "strength"])
shapes = pytest.mark.parametrize("shape", [(3, 6, 5), (1, 4, 7), (2, 1, 6), (3, 5, 1)])


# -- the operators


@weights
@shapes
def test_the_operators_are_the_dense_matrices(shape, weight):
    images = pictures(2, *shape)
    parts = Photometric(images, weight, FLOOR)
    z, u = normal(2, *shape), normal(2, 1, *shape[1:], seed=1)
    rows, columns, smooth = parts.diagonals()
    for i in range(2):
        a, laplacian = dense.photometric(images[i], weight, FLOOR), dense.smoothness(images[i], weight, FLOOR)
        equal = {"rtol": 1e-12, "atol": 1e-9}
        torch.testing.assert_close(parts.edges(z)[i].flatten(), a @ z[i].flatten(), **equal)
        torch.testing.assert_close(parts.edges_adjoint(u)[i].flatten(), a.T @ u[i].flatten(), **equal)
        torch.testing.assert_close(parts.smooth(z)[i].flatten(1), z[i].flatten(1) @ laplacian, **equal)
        torch.testing.assert_close(rows[i].flatten(), (a @ a.T).diagonal(), **equal)
        torch.testing.assert_close(columns[i].flatten(), (a.T @ a).diagonal(), **equal)
        torch.testing.assert_close(smooth[i].flatten(), laplacian.diagonal(), **equal)
        for built, expected in zip(parts.matrices(i), (a, laplacian), strict=True):
            torch.testing.assert_close(torch.from_numpy(built.toarray()), expected, **equal)


@weights
def test_a_is_half_the_weighted_rate_of_change_of_the_edge_strength(weight):
    """Equations 33 to 41 drop the factor 2 of the derivative of a square."""
    images, change, t = pictures(1, 3), normal(1, 3, 8, 6), 1e-5
    rate = (edge_strength(images + t * change) - edge_strength(images - t * change)) / (2 * t)
    w = dense.edge_weight(images[0], weight, FLOOR)
    half = photometric_operator(images[0], weight=weight, floor=FLOOR) @ change.flatten().numpy()
    torch.testing.assert_close(torch.from_numpy(half), w * rate.flatten() / 2, rtol=1e-7, atol=1e-7)


def test_the_two_weights_of_the_deck_differ():
    """e is a norm, so dividing by it gives the change of the square root of E and not the relative change of E."""
    ramp = torch.arange(6, dtype=torch.float64).mul(0.1).expand(1, 3, 4, 6).clone()  # E = 3 * 0.01
    parts = {weight: Photometric(ramp, weight, 0.1) for weight in ("norm", "strength")}
    assert parts["norm"].weights[0, 0, 0, 0] == pytest.approx(1 / 0.2)
    assert parts["strength"].weights[0, 0, 0, 0] == pytest.approx(1 / 0.04)
    assert parts["strength"].weights[0, 0, 0, 5] == pytest.approx(1 / 0.01)  # no difference beyond the last column


def test_m_is_singular():
    """The inverse that equation 48 takes does not exist: of 3 N dimensions 2 N + 1 are A's null space."""
    image = pictures(1, 3, 6, 5)[0]
    a = photometric_operator(image)
    assert a.shape == (30, 90)
    assert np.linalg.matrix_rank(a.toarray()) == 29
    m = (a.T @ a).toarray()
    assert (np.linalg.eigvalsh(m) < 1e-9 * np.abs(m).max()).sum() == 2 * 30 + 1


def test_a_a_transposed_has_seven_entries_a_row():
    a = photometric_operator(pictures(1, 3, 9, 9)[0])
    product = (a @ a.T).tocsr()
    assert np.diff(product.indptr).max() == 7


def test_flat_images_have_no_edges_and_finite_weights():
    parts = Photometric(torch.full((1, 3, 4, 4), 0.3, dtype=torch.float64), "strength", FLOOR)
    assert parts.weights.eq(1 / FLOOR**2).all()
    assert (parts.edges(normal(1, 3, 4, 4)) == 0).all()  # nothing holds there: w times the gradient of Z is zero


# -- edge correlation


def test_edge_correlation_is_the_correlation_of_the_edge_maps():
    images, changed = pictures(3, 3), pictures(6, 3)[3:]
    pairs = [torch.stack(pair) for pair in zip(images, changed, strict=True)]
    expected = [np.corrcoef(edge_strength(pair).sqrt().flatten(1).numpy())[0, 1] for pair in pairs]
    torch.testing.assert_close(edge_correlation(images, changed), torch.tensor(expected, dtype=torch.float64))
    torch.testing.assert_close(edge_correlation(images, images), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(edge_correlation(images, 1 - images), torch.ones(3, dtype=torch.float64))
    assert edge_correlation(images[:1], torch.zeros_like(images[:1])).isnan().all()
    with pytest.raises(ValueError, match="changed has shape .*expected"):
        edge_correlation(images, changed[:1])


# -- conjugate gradients


def scaled_systems(n=60, spread=6.0, dtype=torch.float64):
    """Three systems whose rows and columns are scaled over six orders of magnitude, (3, n, n)."""
    mixed = normal(3, n, n) / n
    well = torch.eye(n, dtype=torch.float64) + mixed @ mixed.mT
    scales = 10 ** torch.linspace(-spread / 2, spread / 2, n, dtype=torch.float64)
    return (scales[:, None] * well * scales).to(dtype)


def test_jacobis_preconditioner_undoes_bad_scaling():
    """Without it the same systems take thousands of iterations."""
    systems, b = scaled_systems(), normal(3, 60)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = pcg(
            lambda x: (systems @ x[..., None])[..., 0],
            systems.diagonal(dim1=1, dim2=2),
            b,
            dims=(1,),
            tolerance=1e-9,
            iterations=60,
        )
    assert ((systems @ x[..., None])[..., 0] - b).norm(dim=1).max() <= 1e-9 * b.norm(dim=1).max()


def test_too_few_iterations_are_said():
    systems, b = scaled_systems(), normal(3, 60)
    with pytest.warns(UserWarning, match="relative residual of"):
        pcg(lambda x: (systems @ x[..., None])[..., 0], torch.ones(3, 60).double(), b, dims=(1,), iterations=5)


def test_every_system_stops_by_itself():
    """A batch that goes on until all are done would change those that were done before."""
    systems, b = scaled_systems(spread=1.0), normal(3, 60)
    systems[1] += 300 * normal(60, 60, seed=4) @ normal(60, 60, seed=4).T  # harder than the others
    b[2] = 0

    def solve(rows):
        matrix = systems[rows]
        return pcg(lambda x: (matrix @ x[..., None])[..., 0], matrix.diagonal(dim1=1, dim2=2), b[rows], dims=(1,))

    together = solve(slice(0, 3))
    torch.testing.assert_close(together[:1], solve(slice(0, 1)), rtol=1e-12, atol=1e-12)
    assert (together[2] == 0).all()
    residual = (systems @ together[..., None])[..., 0] - b
    assert (residual.norm(dim=1) <= 1e-5 * b.norm(dim=1)).all()


def test_the_residual_that_counts_is_computed_anew():
    """In float32 the one that the iteration carries along falls on after the true one has stopped."""
    parts = Photometric(pictures(2, 3, 24, 20, dtype=torch.float32), "strength", 0.02)
    exact = Photometric(pictures(2, 3, 24, 20), "strength", 0.02)
    b = normal(2, 3, 24, 20).float() + 1

    def solve(tolerance):
        x = pcg(lambda z: z + 10 * parts.smooth(z), 1 + 10 * parts.diagonals()[2], b, dims=(2, 3), tolerance=tolerance)
        x = x.double()
        return ((x + 10 * exact.smooth(x) - b).norm(dim=(2, 3)) / b.norm(dim=(2, 3))).max()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert solve(3e-6) < 4e-6  # it stops at 9e-6 where it believes what it carries along


def test_the_sparse_factor_solves():
    laplacian = Photometric(pictures(1, 3, 9, 7), "strength", FLOOR).matrices(0)[1]
    from scipy.sparse import eye_array

    system, b = laplacian + eye_array(63), normal(63, 2).numpy()
    np.testing.assert_allclose(system @ factor(system).solve(b), b, atol=1e-11)


@pytest.mark.parametrize("bad", [{"weight": "root"}, {"floor": 0}, {"floor": -1.0}, {"floor": math.nan}])
def test_bad_parameters_are_refused_by_name(bad):
    with pytest.raises(ValueError, match=f"{next(iter(bad))} is .*expected"):
        photometric_operator(pictures(1, 3)[0], **bad)
    with pytest.raises(ValueError, match="image .*expected"):
        photometric_operator(pictures(1, 3))
