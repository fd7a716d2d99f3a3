"""Distances of features against closed forms: Fréchet, kernel, Wasserstein."""

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch

from advcourse.gan.metrics import critic_wasserstein, frechet_distance, kernel_distance, wasserstein
from tests.support.refusals import refused
from tests.support.scenes import normal, seeded
from tests.support.traces import undrawn


def shaped(n, mean, covariance, seed=0):
    """Rows whose sample mean and covariance are exactly those."""
    rows = normal(n, len(mean), seed=seed)
    rows = rows - rows.mean(0)
    white = rows @ torch.linalg.inv(torch.linalg.cholesky(rows.T @ rows / (n - 1))).T
    return white @ torch.linalg.cholesky(covariance).T + mean


def spd(d, seed):
    root = normal(d, d, seed=seed)
    return root @ root.T + 0.1 * torch.eye(d, dtype=torch.float64)


def frechet(real, fake):
    return frechet_distance(real, fake, extractor="toy").value


# -- Fréchet


def test_frechet_of_diagonal_gaussians_is_the_closed_form():
    m1, m2 = torch.tensor([1.0, -2, 0, 3]).double(), torch.tensor([0.0, 1, 5, 3]).double()
    s1, s2 = torch.tensor([1.0, 4, 0.25, 9]).double(), torch.tensor([4.0, 4, 1, 0.01]).double()
    expected = ((m1 - m2) ** 2).sum() + ((s1.sqrt() - s2.sqrt()) ** 2).sum()
    found = frechet(shaped(40, m1, s1.diag()), shaped(70, m2, s2.diag(), seed=1))
    assert found == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("d", [1, 3, 20])
def test_frechet_of_any_gaussians_agrees_with_the_matrix_square_root(d):
    m1, m2, s1, s2 = normal(d), normal(d, seed=1), spd(d, 2), spd(d, 3)
    covariance = scipy.linalg.sqrtm(s1.numpy() @ s2.numpy())
    expected = ((m1 - m2) ** 2).sum() + s1.trace() + s2.trace() - 2 * np.trace(covariance).real
    found = frechet(shaped(60, m1, s1), shaped(50, m2, s2, seed=1))
    assert found == pytest.approx(expected.item(), rel=1e-10)
    assert found == pytest.approx(frechet(shaped(50, m2, s2, seed=1), shaped(60, m1, s1)), rel=1e-10)


def test_frechet_is_that_of_the_eigenvalues():
    """The trace of (S₁^½ S₂ S₁^½)^½, written out."""
    x, y = normal(300, 12) @ normal(12, 12, seed=5), normal(200, 12, seed=1) + 0.5
    s1, s2 = (torch.from_numpy(np.cov(each.numpy(), rowvar=False)) for each in (x, y))
    values, vectors = torch.linalg.eigh(s1)
    root = vectors * values.sqrt() @ vectors.T
    trace = torch.linalg.eigvalsh(root @ s2 @ root).sqrt().sum()
    expected = (x.mean(0) - y.mean(0)).square().sum() + s1.trace() + s2.trace() - 2 * trace
    assert frechet(x, y) == pytest.approx(expected.item(), rel=1e-10)


def test_frechet_of_the_same_rows_in_another_order_is_zero_and_of_a_shift_its_square():
    x = 100 * normal(80, 10) @ normal(10, 10, seed=3)
    scale = x.var(0).sum().item()
    assert 0 <= frechet(x, x.flip(0)) <= 1e-12 * scale
    assert frechet(x, x + 7.0) == pytest.approx(10 * 49, abs=1e-12 * scale)


@pytest.mark.parametrize("rank", [0, 1, 5])
def test_frechet_of_collapsed_features_is_finite_exact_and_not_negative(rank):
    """Where roots of rounded eigenvalues are summed, rank 5 of 64 with features of about 30 comes out at -0.006."""
    low = 10 * normal(500, rank) @ normal(rank, 64, seed=1) + 3 if rank else torch.full((500, 64), 3.0).double()
    scale = max(1.0, low.var(0).sum().item())
    found = frechet(low, low.roll(7, 0))
    assert math.isfinite(found) and 0 <= found <= 1e-12 * scale
    wide = normal(300, 64, seed=2)
    s1, s2 = (torch.from_numpy(np.cov(each.numpy(), rowvar=False)) for each in (low, wide))
    # the singular values of the roots, taken in the plane of the low rank
    u = torch.linalg.svd(low - low.mean(0), full_matrices=False)[2][:rank]
    root = torch.linalg.cholesky(u @ s1 @ u.T) if rank else torch.zeros(0, 0).double()
    inner = root.T @ u @ s2 @ u.T @ root
    shared = torch.linalg.eigvalsh(inner).sqrt().sum() if rank else torch.zeros(())
    expected = (low.mean(0) - wide.mean(0)).square().sum() + s1.trace() + s2.trace() - 2 * shared
    assert frechet(low, wide) == pytest.approx(expected.item(), rel=1e-10)


def test_frechet_in_float32_is_computed_in_float64():
    x, y = 1000 + normal(200, 16).float(), 1000 + normal(150, 16, seed=1).float()
    assert frechet(x, y) == frechet(x.double(), y.double())


def test_frechet_refuses_too_few_rows_for_the_features():
    with refused("fake holds 8 rows, expected more than 8"):
        frechet(normal(9, 8), normal(8, 8))
    with refused("real holds 5 rows, expected more than 8"):
        frechet(normal(5, 8), normal(9, 8))
    assert math.isfinite(frechet(normal(9, 8), normal(9, 8, seed=1)))


# -- kernel


def by_hand(x, y, degree=3):
    """The unbiased estimator, one pair of rows after another."""
    k = lambda a, b: (float(a @ b) / len(a) + 1) ** degree  # noqa: E731
    m = len(x)
    inside = [sum(k(z[i], z[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1)) for z in (x, y)]
    return sum(inside) - 2 * sum(k(a, b) for a in x for b in y) / m**2


@pytest.mark.parametrize("degree", [1, 3])
def test_kernel_distance_of_all_rows_is_the_sum_over_pairs(degree):
    x, y = normal(9, 4), normal(9, 4, seed=1) + 0.3
    found = kernel_distance(x, y, extractor="toy", subsets=3, subset_size=9, degree=degree, generator=seeded())
    assert found.value == pytest.approx(by_hand(x, y, degree), rel=1e-12)
    assert found.spread == pytest.approx(0, abs=1e-12)


def test_kernel_distance_is_the_mean_over_subsets_that_the_generator_draws():
    x, y = normal(20, 4), normal(15, 4, seed=1) + 0.3
    draws, each = seeded(3), []
    for _ in range(4):
        a, b = (torch.randperm(n, generator=draws)[:6] for n in (20, 15))
        each.append(by_hand(x[a], y[b]))
    with undrawn():
        found = kernel_distance(x, y, extractor="toy", subsets=4, subset_size=6, generator=seeded(3))
    assert found.value == pytest.approx(np.mean(each), rel=1e-12)
    assert found.spread == pytest.approx(np.std(each), rel=1e-10)


def test_kernel_distance_has_no_bias():
    """Of two samples of one distribution it is about as often negative."""
    x, y = normal(3000, 8), normal(3000, 8, seed=1)
    found = kernel_distance(x, y, extractor="toy", subsets=100, subset_size=50, generator=seeded())
    assert abs(found.value) < 4 * found.spread / 10 + 0.01 and found.spread > 0


def test_what_kernel_distance_refuses():
    x = normal(9, 4)
    for given, words in (
        ({"subset_size": 10}, "subset_size is 10, expected at most 9"),
        ({"subset_size": 1}, "subset_size is 1, expected at least 2"),
        ({"subset_size": 4, "subsets": 0}, "subsets is 0"),
        ({"subset_size": 4, "degree": 0}, "degree is 0"),
        ({}, "subset_size is 1000, expected at most 9"),
    ):
        with refused(words, given):
            kernel_distance(x, normal(30, 4), extractor="toy", **given)


@pytest.mark.parametrize("measure", [frechet, lambda x, y: kernel_distance(x, y, extractor="toy", subset_size=3)])
def test_what_distances_refuse(measure):
    x = normal(9, 4)
    spoilt = x.clone()
    spoilt[[2, 5], 1] = torch.tensor([torch.nan, torch.inf]).double()
    with refused("fake holds NaN or infinity in 2 of 9 rows"):
        measure(x, spoilt)
    with refused("real holds NaN"):
        measure(spoilt, x)
    with refused(r"fake has shape \(9, 3\), expected \(N, 4\) as real"):
        measure(x, x[:, :3])
    with refused(r"real has shape \(9, 2, 2\), expected a non-empty \(N, D\)"):
        measure(x.view(9, 2, 2), x)
    with refused(r"fake has shape \(0, 4\)"):
        measure(x, x[:0])
    with refused("real is torch.int64"):
        measure(x.long(), x)
    with refused("fake is a list"):
        measure(x, x.tolist())


# -- Wasserstein


@pytest.mark.parametrize(("n", "m"), [(50, 50), (31, 80), (1, 1), (1, 7)])
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_wasserstein_is_scipys(n, m, shape):
    x, y = normal(n), 2 * normal(m, seed=1) + 1
    found = wasserstein(x.view(shape), y.view(shape))
    assert found.value == pytest.approx(scipy.stats.wasserstein_distance(x, y), rel=1e-12)
    assert (found.n_real, found.n_fake, found.name) == (n, m, "W1")


def test_wasserstein_of_values_that_repeat_is_scipys():
    x, y = torch.tensor([0.0, 0, 1, 2, 2]), torch.tensor([0.0, 2, 2, 2])
    assert wasserstein(x, y).value == pytest.approx(scipy.stats.wasserstein_distance(x, y), rel=1e-12)
    assert wasserstein(x, x.flip(0)).value == 0


def test_the_best_critic_reaches_the_distance_and_no_other_of_constant_one_passes_it():
    x, y = normal(400, 1), normal(300, 1, seed=1) * 0.3 + 1
    distance = wasserstein(x, y).value
    # f' = sign(G - F): the best critic, a broken line through the pooled values
    places = torch.cat([x, y]).flatten().sort().values
    below = [torch.searchsorted(each.flatten().sort().values, places[:-1], right=True) / len(each) for each in (x, y)]
    heights = torch.cat([torch.zeros(1), ((below[1] - below[0]).sign() * places.diff()).cumsum(0)])
    best = lambda points: torch.from_numpy(np.interp(points.flatten(), places, heights))  # noqa: E731
    assert critic_wasserstein(best, x, y, batch_size=64).value == pytest.approx(distance, rel=1e-12)
    for other in (torch.sin, torch.abs, torch.neg, torch.tanh):
        assert critic_wasserstein(other, x, y).value <= distance
    assert critic_wasserstein(lambda points: 3 * best(points), x, y).value == pytest.approx(3 * distance, rel=1e-12)
    assert critic_wasserstein(torch.neg, y, x).value == -critic_wasserstein(torch.neg, x, y).value


def test_critics_of_images_keep_mode_and_batches_change_nothing():
    critic = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 1), torch.nn.Dropout(0.5)).double().train()
    real, fake = normal(5, 3, 2, 2), normal(7, 3, 2, 2, seed=1)
    with undrawn():
        found = critic_wasserstein(critic, real, fake, batch_size=2)
    expected = critic[:2](real).mean() - critic[:2](fake).mean()
    assert found.value == pytest.approx(expected.item(), rel=1e-12) and critic.training and critic[2].training


def test_what_wasserstein_refuses():
    x = normal(9, 1)
    with refused(r"real has shape \(9, 2\), expected \(N,\) or \(N, 1\)"):
        wasserstein(normal(9, 2), normal(9, 2))
    with refused("fake holds NaN"):
        wasserstein(x, x / 0 * 0)
    with refused(r"critic returned shape \(9, 2\), expected \(9,\)"):
        critic_wasserstein(lambda points: points.expand(-1, 2), x, x)
    with refused("critic returned NaN"):
        critic_wasserstein(lambda points: points / 0, x, x)
    with refused("fake holds NaN"):
        critic_wasserstein(torch.neg, x, x / 0)
    with refused(r"fake is \(9, 2\)"):
        critic_wasserstein(torch.neg, x, normal(9, 2))
    with refused(r"real is \(9,\)"):
        critic_wasserstein(torch.neg, x[:, 0], x[:, 0])
    with refused("critic is a int"):
        critic_wasserstein(3, x, x)
    with refused("batch_size is 0"):
        critic_wasserstein(torch.neg, x, x, batch_size=0)
