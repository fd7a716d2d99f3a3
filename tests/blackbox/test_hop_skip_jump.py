"""HopSkipJump: how near it comes where the answer is known, what it asks and bills, and what broke it elsewhere."""

import math
from functools import partial

import pytest
import torch

from advcourse.blackbox import Oracle, OracleError, hop_skip_jump
from advcourse.blackbox import _hop_skip_jump as module
from advcourse.blackbox._asking import Asking
from advcourse.blackbox._hop_skip_jump import TRIES, _Search
from advcourse.core.streams import Streams
from tests.support.affine import affine, exact_distance, length, scattered
from tests.support.recorders import Recorder
from tests.support.refusals import refused
from tests.support.scenes import scene, seeded
from tests.support.toys import Affine, Breaks, Constant, Shifted, pictures
from tests.support.traces import undrawn

NORMS = ("l2", "linf")
BAD = {
    "norm": ("l1", None),
    "start": (torch.zeros(6, 2, 8, 5).double(), torch.zeros(6, 2, 8, 6), torch.full((6, 2, 8, 6), 2.0).double()),
    "steps": (0, 2.5),
    "initial_samples": (0,),
    "max_samples": (0,),
    "gamma": (0, math.nan),
    "indices": (torch.zeros(5, dtype=torch.int64),),
    "seed": (-1,),
    "queries": (0, 1.5, None),
}


def balanced(n, **of):
    """A scene whose network calls noise by several classes."""
    model, images, _ = scene(n, **of)
    model = Shifted(
        model, shift=-model(torch.rand(50, *images.shape[1:], generator=seeded(3)).to(images)).mean(0).detach()
    )
    return model, images, model(images).argmax(1)


class Scripted:
    """An oracle whose decisions ``fools(x, rows, call)`` makes, which bills as it should."""

    reveals, k = "label", None

    def __init__(self, fools, budget=None):
        self.fools, self.budget, self.calls, self.billed = fools, budget, 0, torch.zeros(100, dtype=torch.int64)

    def __call__(self, x, rows=None):
        assert len(x) == len(rows) and x.isfinite().all() and x.min() >= 0 and x.max() <= 1
        self.billed += torch.bincount(rows, minlength=100)
        assert self.budget is None or self.billed.max() <= self.budget
        self.calls += 1
        return self.fools(x, rows, self.calls).long()

    def left(self, rows):
        return torch.full_like(rows, 10**9) if self.budget is None else self.budget - self.billed[rows]

    def queries(self, rows):
        return self.billed[rows]


def run(model, images, labels, *, budget=None, reveals="label", **settings):
    """The images, what the oracle billed to each, and all that the model was shown."""
    recorder = Recorder(model)
    oracle = Oracle(recorder, reveals=reveals, budget=budget, k=2 if reveals == "top_k" else None)
    result = hop_skip_jump(oracle, images, labels, **settings)
    where = settings.get("indices", torch.arange(len(images)))
    billed = oracle.queries(where)
    assert sum(map(len, recorder.seen)) == billed.sum() == oracle.queries().sum()
    assert billed.max() <= min(settings.get("queries", 10_000), 10_000 if budget is None else budget)
    assert result.shape == images.shape and result.dtype == images.dtype and result.isfinite().all()
    assert result.min() >= 0 and result.max() <= 1
    return result, billed, recorder.seen


def fooled(model, x, labels):
    return model(x).argmax(1) != labels


# -- how near


@pytest.mark.parametrize("classes", (2, 4))
@pytest.mark.parametrize("norm", NORMS)
def test_it_comes_near_the_boundary_of_an_affine_model_and_never_nearer(norm, classes):
    model, images = affine(classes), scattered()
    labels = model(images).argmax(1)
    exact = exact_distance(model, images, labels, norm)
    few, many = (run(model, images, labels, norm=norm, queries=queries)[0] for queries in (300, 3000))
    reached = [length(result - images, norm) / exact for result in (few, many)]
    assert fooled(model, many, labels).all()
    assert all(each.min() > 1 - 1e-9 for each in reached)
    assert reached[1].median() < 1.02 and reached[1].median() < reached[0].median()


def searching(size, count, norm, offset=0.0, delta=0.01):
    """A search around points that lie so many δ/√d above the boundary of one hyperplane, its normal, and the points."""
    normal = torch.randn(size, generator=seeded(), dtype=torch.float64)
    normal /= normal.norm()
    model = Affine(torch.stack([-normal, normal]), torch.stack([normal.sum() / 2, -normal.sum() / 2]))
    x = (0.5 + offset * delta / math.sqrt(size) * normal).view(1, 1, 1, size).repeat(count, 1, 1, 1)
    labels = torch.zeros(count, dtype=torch.int64)
    asking = Asking(Oracle(model, reveals="label"), x, labels, None, None, None, ("label",))
    return _Search(asking, x, norm, 10), normal, x


def cosines(samples, norm, offset=0.0, size=200, count=32):
    search, normal, x = searching(size, count, norm, offset)
    rows, delta = torch.arange(count), torch.full((count,), 0.01, dtype=torch.float64)
    streams, share = Streams(0, "a test", x), torch.full((count,), samples)
    found = search.direction(x, rows, streams, delta, samples, share).flatten(1)
    return found @ normal / found.norm(dim=1)


@pytest.mark.parametrize("samples", (20, 80, 400))
@pytest.mark.parametrize("norm", NORMS)
def test_the_direction_is_as_near_the_normal_as_its_samples_allow(norm, samples):
    # signs of m random numbers tell of the normal what 2/π m of the numbers themselves would
    told = 2 / math.pi * samples
    found = cosines(samples, norm)
    assert (found > 0).double().mean() > 0.9
    assert found.square().mean().item() == pytest.approx(told / (told + 200), rel=0.2)


def test_the_mean_of_the_answers_is_taken_out():
    """Where a point lies one standard deviation off the boundary, and with clipping, that shifts all samples."""
    there, off = (cosines(80, "l2", offset).mean() for offset in (0, 1.0))
    assert 0.65 * there < off < there
    search, normal, x = searching(300, 48, "l2", 1.0, 2.0)  # so large that the box cuts
    x[..., :150] = 0
    x += (0.5 * normal[:150].sum() + 0.05) * normal.view(1, 1, 1, -1) * (torch.arange(300) >= 150) / 0.5
    x.clamp_(0, 1)
    rows, delta = torch.arange(48), torch.full((48,), 2.0, dtype=torch.float64)
    found = search.direction(x, rows, Streams(0, "a", x), delta, 200, torch.full((48,), 200)).flatten(1)
    # uncorrected, whatever φ̄ is, all that is cut at 0 points upwards
    assert (found[:, :150].mean(1) / found[:, :150].std(1)).abs().mean() < 0.5


@pytest.mark.parametrize("answer", (0, 1))
def test_samples_that_all_say_the_same_give_a_direction(answer):
    x, rows = torch.full((2, 1, 3, 4), 0.5), torch.arange(2)
    asking = Asking(
        Scripted(lambda x, rows, call: torch.full_like(rows, answer)), x, rows * 0, None, None, None, ("label",)
    )
    search, streams = _Search(asking, x, "l2", 5), Streams(0, "a test", x)
    found = search.direction(x, rows, streams, torch.full((2,), 0.1), 20, torch.tensor([20, 7]))
    assert found.isfinite().all() and (found.flatten(1).norm(dim=1) > 0).all()
    drawn = Streams(0, "a test", x).randn(20, 1, 3, 4)
    drawn = (2 * answer - 1) * drawn / drawn.flatten(2).norm(dim=2)[..., None, None, None]
    torch.testing.assert_close(found[0], 0.1 * drawn[0].sum(0), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[1], 0.1 * drawn[1, :7].sum(0), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("norm", NORMS)
def test_the_search_ends_at_the_last_that_fooled_and_next_to_one_that_does_not(norm):
    model, images = affine(4), scattered().repeat(5, 1, 1, 1)
    labels = model(images).argmax(1)
    noise = torch.rand(images.shape, generator=seeded(), dtype=images.dtype)
    rows = fooled(model, noise, labels).nonzero()[:, 0]
    assert len(rows) >= 8
    asking = Asking(Oracle(model, reveals="label"), images, labels, None, None, None, ("label",))
    found = _Search(asking, images, norm, 20).approach(noise[rows], rows)
    assert fooled(model, found, labels[rows]).all()
    far = noise[rows] - images[rows]
    share = length(found - images[rows], norm) / length(far, norm) - 1.5 * 2**-20
    reach = (share * length(far, norm))[:, None, None, None]
    nearer = far * share[:, None, None, None] if norm == "l2" else far.clamp(-reach, reach)
    assert not fooled(model, images[rows] + nearer, labels[rows]).any()


@pytest.mark.parametrize("norm", NORMS)
def test_the_closest_of_all_that_was_shown_comes_back(norm):
    model, images, labels = balanced(1)
    result, _, seen = run(model, images, labels, norm=norm, queries=400)
    seen = torch.cat(seen)
    distance = length(seen - images, norm)[fooled(model, seen, labels)]
    assert torch.equal(length(result - images, norm), distance.min()[None])
    assert fooled(model, result, labels).all()


@pytest.mark.parametrize("norm", NORMS)
def test_a_sample_may_be_the_closest(norm):
    """Here nothing fools but the start and the samples, which come several at a time."""
    images, shown = pictures(1), []

    def fools(x, rows, call):
        if call == 2 or len(x) > 1:
            shown.append(x)
        return torch.full_like(rows, call == 2 or len(x) > 1)

    start = images.clone()
    start[..., 3, 3] = 0.5 - (start[..., 3, 3] - 0.5).sign() / 4
    result = hop_skip_jump(Scripted(fools), images, torch.tensor([0]), norm=norm, start=start, queries=300, gamma=0.1)
    least, closest = (length(x - images, norm) for x in (torch.cat(shown), result))
    assert closest == least.min() < length(start - images, norm)


# -- what is asked


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
@pytest.mark.parametrize("budget", (0, 1, 2, 7, 20, 64, 200))
def test_no_budget_is_exceeded_and_what_was_found_comes_back(norm, dtype, budget):
    model, images, labels = balanced(5, dtype=dtype)
    result, billed, _ = run(model, images, labels, norm=norm, budget=budget)
    moved = (result != images).flatten(1).any(1)
    assert fooled(model, result[moved], labels[moved]).all()
    assert moved.any() or budget < 7
    if budget:
        own, again, _ = run(model, images, labels, norm=norm, queries=budget)
        assert torch.equal(own, result) and torch.equal(again, billed)
    if 0 < budget < 20:
        assert (billed == budget).all()


@pytest.mark.parametrize(("name", "values"), BAD.items())
def test_bad_arguments_are_refused_by_name_before_anything_is_asked(name, values):
    model, images, labels = scene(6)
    for value in values:
        oracle = Oracle(model)
        with refused(f"{name}.*expected", value):
            hop_skip_jump(oracle, images, labels, **{name: value})
        assert not len(oracle.queries())


def test_where_a_whole_step_cannot_be_paid_fewer_samples_leave_enough_for_the_search():
    model, images, labels = balanced(1)
    for queries in (60, 90, 120):
        _, billed, seen = run(model, images, labels, queries=queries)
        counts = [len(x) for x in seen]
        samples = [count for count in counts if count > 1]
        assert len(samples) == 1 and 10 <= samples[0] < 100 and counts[-9:] == [1] * 9
        assert queries - 9 < billed <= queries


@pytest.mark.parametrize("reveals", ("logits", "probabilities", "top_k"))
def test_the_likeliest_class_is_all_it_sees(reveals):
    model, images, labels = balanced(3)
    by_label, by_more = (run(model, images, labels, queries=150, reveals=each)[:2] for each in ("label", reveals))
    assert torch.equal(by_label[0], by_more[0]) and torch.equal(by_label[1], by_more[1])


@pytest.mark.parametrize("norm", NORMS)
def test_an_image_finds_alone_what_it_finds_in_a_batch_of_any_order(norm):
    model, images, labels = balanced(6)
    labels[2] = (labels[2] + 1) % 4  # leaves at once
    together, billed, _ = run(model, images, labels, norm=norm, queries=330)
    for i in range(6):
        where = torch.tensor([i])
        alone, count, _ = run(model, images[where], labels[where], norm=norm, queries=330, indices=where)
        torch.testing.assert_close(alone, together[where], rtol=0, atol=1e-9)
        assert count == billed[i]
    order = torch.tensor([4, 1, 5, 0, 3, 2])
    shuffled, counts, _ = run(model, images[order], labels[order], norm=norm, queries=330, indices=order)
    torch.testing.assert_close(shuffled, together[order], rtol=0, atol=1e-9)
    assert torch.equal(counts, billed[order])


def test_images_with_different_budgets_left_do_not_change_each_other():
    model, images, labels = balanced(4)
    oracle = Oracle(model, reveals="label", budget=260)
    oracle(images[[1, 1, 3]].repeat(40, 1, 1, 1), torch.tensor([1, 1, 3]).repeat(40))
    result = hop_skip_jump(oracle, images, labels)
    for i, spent in enumerate((0, 80, 0, 40)):
        alone = run(model, images[[i]], labels[[i]], budget=260 - spent, indices=torch.tensor([0]) + i)[0]
        torch.testing.assert_close(alone, result[[i]], rtol=0, atol=1e-9)
    assert oracle.queries().max() <= 260


def test_all_samples_of_a_step_go_in_one_call_for_all_images_and_grow_with_its_root():
    model, images, labels = balanced(6)
    for most, expected in ((10_000, [60, 84, 103]), (90, [60, 84, 90])):
        _, _, seen = run(model, images, labels, steps=3, initial_samples=60, max_samples=most)
        assert [len(x) for x in seen if len(x) > 6] == [6 * each for each in expected]


def test_steps_bound_the_queries():
    model, images, labels = balanced(3)
    one, billed, _ = run(model, images, labels, steps=1, initial_samples=30)
    assert billed.max() < 30 + TRIES + 2 * 10 + 30
    two = run(model, images, labels, steps=2, initial_samples=30)[0]
    assert length(two - images, "l2").mean() < length(one - images, "l2").mean()


def test_seeds_decide_and_the_global_state_stays():
    model, images, labels = balanced(3)
    with undrawn():
        one, again, other = (run(model, images, labels, queries=120, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)


# -- starts


def test_the_misclassified_cost_one_query_and_all_may_fall_at_the_start():
    model, images, labels = balanced(4)
    result, billed, _ = run(model, images, (labels + 1) % 4)
    assert torch.equal(result, images) and billed.tolist() == [1] * 4
    start = images.flip(0)
    result, billed, _ = run(model, images, (labels + 1) % 4, targets=labels, start=start)
    assert torch.equal(result, images) and billed.tolist() == [1] * 4


@pytest.mark.parametrize("norm", NORMS)
def test_where_no_noise_fools_the_image_comes_back_after_so_many_tries(norm):
    images, labels = pictures(3), torch.zeros(3, dtype=torch.int64)
    result, billed, _ = run(Constant(), images, labels, norm=norm)
    assert torch.equal(result, images) and billed.tolist() == [1 + TRIES] * 3


def test_noise_in_blocks_serves_where_fine_noise_is_of_the_label():
    def fools(x, rows, call):
        return (x[..., 1:, :] - x[..., :-1, :]).abs().mean((1, 2, 3)) < 0.2  # fine noise: a third

    images = (torch.arange(16 * 16).view(1, 1, 16, 16) % 3 / 2).double()
    result = hop_skip_jump(Scripted(fools), images, torch.zeros(1, dtype=torch.int64), queries=300)
    assert not torch.equal(result, images) and fools(result, None, 0).all()


@pytest.mark.parametrize("norm", NORMS)
def test_towards_targets_from_images_of_them(norm):
    model = affine(4)
    images = scattered(12, 1.0)
    labels = model(images).argmax(1)
    order = torch.tensor([(labels != each).nonzero()[0, 0] for each in labels])
    targets, start = labels[order], images[order]
    result, billed, _ = run(model, images, labels, norm=norm, targets=targets, start=start, queries=1500)
    assert (model(result).argmax(1) == targets).all() and billed.min() > 1000
    least = torch.cat(
        [
            exact_distance(Affine(model.weight[pair], model.bias[pair]), x, torch.zeros(1, dtype=torch.int64), norm)
            for x, pair in zip(images.split(1), torch.stack([labels, targets], 1), strict=True)
        ]
    )
    ratio = length(result - images, norm) / least  # of the nearest point of one half-space, which a third may hide
    assert ratio.min() > 1 - 1e-9 and ratio.median() < 1.1
    assert (length(result - images, norm) <= length(start - images, norm)).all()


def test_a_start_that_does_not_fool_costs_a_query_and_none_is_refused():
    model, images, labels = balanced(3)
    targets = (labels + 1) % 4
    result, billed, _ = run(model, images, labels, targets=targets, start=images)
    assert torch.equal(result, images) and billed.tolist() == [2] * 3
    with refused("start is None, expected images .N, C, H, W. of the targets"):
        run(model, images, labels, targets=targets)
    with refused("targets equals labels"):
        run(model, images, labels, targets=labels, start=images)


# -- what broke it elsewhere


@pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
@pytest.mark.parametrize("channels", (1, 4))
@pytest.mark.parametrize("norm", NORMS)
def test_images_need_not_be_square_nor_have_three_channels(norm, channels, dtype):
    model, images, labels = balanced(2, channels=channels, height=17, width=31, dtype=dtype)
    result, _, _ = run(model, images, labels, norm=norm, queries=300)
    assert fooled(model, result, labels).all()


@pytest.mark.parametrize("norm", NORMS)
def test_distance_zero_ends_the_search(norm):
    """The oracle calls the image itself first right, then wrong."""
    images, labels = pictures(2), torch.zeros(2, dtype=torch.int64)
    oracle = Scripted(lambda x, rows, call: torch.full_like(rows, call > 1))
    result = hop_skip_jump(oracle, images, labels, norm=norm, start=images)
    assert torch.equal(result, images) and oracle.billed.max() < 20


@pytest.mark.parametrize("dtype", (torch.float32, torch.float64))
@pytest.mark.parametrize("norm", NORMS)
def test_a_boundary_at_the_image_itself_ends_in_no_loop(norm, dtype):
    """All but the very image fools, so that distances fall to what the precision can tell, and δ with them."""
    images, labels = pictures(2, dtype=dtype), torch.zeros(2, dtype=torch.int64)
    oracle = Scripted(lambda x, rows, call: (x != images[rows]).flatten(1).any(1), budget=2000)
    result = hop_skip_jump(oracle, images, labels, norm=norm, gamma=1e-4)
    assert result.isfinite().all() and length(result - images, norm).max() < 1e-4


@pytest.mark.parametrize("norm", NORMS)
def test_answers_may_be_noisy(norm):
    model, images, labels = balanced(4)
    generator = seeded()

    def fools(x, rows, call):
        wrong = torch.rand(len(x), generator=generator) < 0.1
        return fooled(model, x, labels[rows]) ^ (wrong & (call > 1))

    oracle = Scripted(
        lambda x, rows, call: torch.where(fools(x, rows, call), labels[rows] + 1, labels[rows]), budget=500
    )
    result = hop_skip_jump(oracle, images, labels, norm=norm)
    assert result.isfinite().all() and result.min() >= 0 and result.max() <= 1
    assert (oracle.billed[:4] > 400).all()


def test_an_island_of_one_point_ends_in_no_loop():
    """Only the start fools: no step, however short, does."""
    images, labels = pictures(1), torch.zeros(1, dtype=torch.int64)
    start = 1 - images
    oracle = Scripted(lambda x, rows, call: (x == start[rows]).flatten(1).all(1), budget=1000)
    assert torch.equal(hop_skip_jump(oracle, images, labels, start=start), start)


def test_where_the_oracle_fails_the_error_holds_what_was_found():
    images = torch.full((2, 1, 4, 4), 0.2).double()

    class Failing(Breaks):
        def forward(self, x):
            mean = x.mean((1, 2, 3))
            logits = torch.stack([0.45 - mean, mean - 0.45], 1)
            return logits.masked_fill((((mean - 0.45).abs() < 0.01) & (len(x) < 3))[:, None], torch.nan)

    with pytest.raises(OracleError) as raised:
        hop_skip_jump(Oracle(Failing(0), reveals="label"), images, torch.zeros(2, dtype=torch.int64))
    assert (raised.value.images.mean((1, 2, 3)) > 0.45).all()


def test_large_images_are_sampled_in_parts_that_the_batch_does_not_change(monkeypatch):
    monkeypatch.setattr(module, "TOGETHER", 96 * 9)
    model, images, labels = balanced(3)
    together, _, seen = run(model, images, labels, queries=200, initial_samples=50)
    assert max(map(len, seen)) == 3 * 9
    for i in range(3):
        alone = partial(run, model, images[[i]], labels[[i]], queries=200, initial_samples=50)
        torch.testing.assert_close(alone(indices=torch.tensor([i]))[0], together[[i]], rtol=0, atol=1e-9)
