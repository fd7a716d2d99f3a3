"""The substitute: the augmentation by hand, the set of every round, what is asked and paid, and a real one."""

import copy
from functools import partial

import pytest
import torch
from torch import nn

from advcourse import data, models, networks
from advcourse.attacks import fgsm, mifgsm
from advcourse.blackbox import Oracle, OracleError, QueryBudgetExceeded, jacobian_augmentation, substitute
from advcourse.blackbox._substitute import _reservoir
from advcourse.core.running import is_fooled, predict, predicted
from advcourse.core.streams import Streams
from advcourse.training import fit
from advcourse.training.loop import mix
from tests.support.affine import affine, scattered
from tests.support.recorders import Recorder
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.toys import smooth_cnn
from tests.support.traces import MODES, in_use, unchanged, undrawn

N = 8
made = partial(substitute, epochs=2, batch_size=4)


class Rounds:
    """``on_round_end`` that keeps a copy of the network after each training."""

    def __init__(self):
        self.networks = []

    def __call__(self, network, record):
        assert not network.training
        self.networks.append(copy.deepcopy(network))


def asked(**settings):
    """A recorded affine model of three classes, an oracle in front, seeds and a network of another kind."""
    recorder = Recorder(affine(3, seed=1))
    layers = seeded(lambda: [nn.Flatten(), nn.Linear(12, 6), nn.Tanh(), nn.Dropout(0.2), nn.Linear(6, 3)])
    network = nn.Sequential(*layers).double()
    return recorder, Oracle(recorder, **{"reveals": "label", **settings}), scattered(N, 1.0), network


def seeded(make):
    """A network whose weights are drawn the same each time."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return make()


# -- the augmentation


@pytest.mark.parametrize("lam", [0.1, -0.1])
def test_the_augmentation_is_the_sign_of_the_softmaxs_jacobian(lam):
    model, images = affine(4), scattered(N, 1.5)
    labels = torch.arange(N) % 4  # the oracle's, whatever the network says
    p = model(images).softmax(1)
    rows = torch.arange(N)
    jacobian = p[rows, labels, None] * (model.weight[labels] - p @ model.weight)
    expected = (images.flatten(1) + lam * jacobian.sign()).clamp(0, 1).view_as(images)
    assert torch.equal(jacobian_augmentation(model, images, labels, lam), expected)
    assert (expected == 0).any() and (expected == 1).any()


def test_a_network_that_is_sure_of_itself_still_has_a_direction():
    model, images = affine(4), scattered(N)
    with torch.no_grad():
        model.weight.mul_(1e4)
    labels = model(images).argmax(1)
    x = images.clone().requires_grad_()
    plain = torch.autograd.grad(model(x).softmax(1).gather(1, labels[:, None]).sum(), x)[0]
    assert (plain == 0).any()
    moves = jacobian_augmentation(model, images, labels, 0.05) - images
    torch.testing.assert_close(moves.abs(), torch.full_like(moves, 0.05))


@pytest.mark.parametrize("mode", MODES)
def test_the_augmentation_runs_in_eval_mode_and_leaves_no_trace(mode):
    model, images, labels = scene()
    expected = jacobian_augmentation(model, images, labels)
    with undrawn(), unchanged(in_use(model, mode), images, labels), torch.no_grad():
        found = jacobian_augmentation(model, images, labels)
    assert torch.equal(found, expected) and not found.requires_grad
    alone = torch.cat([jacobian_augmentation(model, x[None], y[None]) for x, y in zip(images, labels, strict=True)])
    torch.testing.assert_close(alone, found)


# -- the sets


@pytest.mark.parametrize(("period", "signs"), [(None, "+++"), (1, "+-+"), (2, "++-"), (3, "+++")])
def test_each_round_holds_the_one_before_and_a_copy_of_each_of_its_images(period, signs):
    _, oracle, seeds, network = asked()
    rounds = Rounds()
    found = made(oracle, network, seeds, rounds=3, lam=0.2, period=period, on_round_end=rounds)
    assert torch.equal(found.images[:N], seeds)
    for rho, sign in enumerate(signs):
        size = N * 2**rho
        before, labels = found.images[:size], found.labels[:size]
        copies = jacobian_augmentation(rounds.networks[rho], before, labels, 0.2 if sign == "+" else -0.2)
        assert torch.equal(found.images[size : 2 * size], copies)
    assert [record["images"] for record in found.history] == [N, 2 * N, 4 * N, 8 * N]
    assert len(found.images) == 8 * N


def test_the_oracle_is_asked_about_every_image_once_and_its_class_is_the_label():
    recorder, oracle, seeds, network = asked()
    found = made(oracle, network, seeds, rounds=3)
    assert torch.equal(torch.cat(recorder.seen), found.images)
    assert torch.equal(found.labels, recorder.model(found.images).argmax(1))
    assert found.queries == len(found.images) == int(oracle.queries().sum()) == N * 2**3
    assert oracle.queries().tolist() == [2**3] * N


def test_queries_are_billed_to_the_seeds_places():
    _, oracle, seeds, network = asked()
    places = torch.arange(N) * 3 + 5
    made(oracle, network, seeds, rounds=2, indices=places)
    assert oracle.queries(places).tolist() == [4] * N and int(oracle.queries().sum()) == 4 * N


@pytest.mark.parametrize(("rounds", "after", "kappa"), [(4, 2, 5), (3, 0, 3), (3, 1, 1000), (2, 3, 5)])
def test_a_reservoir_makes_the_set_of_the_papers_size(rounds, after, kappa):
    recorder, oracle, seeds, network = asked()
    kept = Rounds()
    settings = {"rounds": rounds, "reservoir": kappa, "reservoir_after": after, "lam": 0.2, "period": None}
    found = made(oracle, network, seeds, **settings, on_round_end=kept)
    if kappa == 1000:
        assert found.queries == N * 2**rounds  # no more than there are
    elif rounds <= after:
        assert found.queries == N * 2**rounds
    else:
        assert found.queries == N * 2**after + kappa * (rounds - after)
    assert len(torch.cat(recorder.seen)) == found.queries == len(found.images)
    sizes = [record["images"] for record in found.history]
    for rho in range(after, rounds):
        before = found.images[: sizes[rho]]
        copies = jacobian_augmentation(kept.networks[rho], before, found.labels[: sizes[rho]], 0.2)
        new = found.images[sizes[rho] : sizes[rho + 1]]
        assert (new[:, None] == copies[None]).flatten(2).all(2).any(1).all()


def test_the_reservoir_takes_each_as_often():
    draws = torch.stack([_reservoir(10, 3, seed) for seed in range(4000)])
    assert draws.sort(1).values.diff(dim=1).min() > 0
    share = torch.bincount(draws.flatten(), minlength=10) / 4000
    torch.testing.assert_close(share, torch.full((10,), 0.3), rtol=0, atol=0.03)
    assert _reservoir(3, 5, 0).tolist() == [0, 1, 2]


# -- what it costs


def test_the_oracles_budget_is_kept_and_training_goes_on_with_what_there_is():
    recorder, oracle, seeds, network = asked(budget=5)
    found = made(oracle, network, seeds, rounds=4)
    assert [record["images"] for record in found.history] == [N, 2 * N, 4 * N, 5 * N]
    assert oracle.queries().tolist() == [5] * N and len(torch.cat(recorder.seen)) == found.queries == 5 * N
    whole = made(asked()[1], network, seeds, rounds=4)
    assert torch.equal(found.images[: 4 * N], whole.images[: 4 * N])


def test_what_an_image_has_spent_before_counts():
    _, oracle, seeds, network = asked(budget=3)
    oracle(seeds[:2].repeat(3, 1, 1, 1), torch.tensor([0, 1, 0, 1, 0, 1]))
    found = made(oracle, network, seeds, rounds=1)
    assert torch.equal(found.images[: N - 2], seeds[2:]) and found.queries == 2 * (N - 2)


@pytest.mark.parametrize(("queries", "sizes"), [(3, [3]), (N, [N]), (3 * N - 2, [N, 2 * N, 3 * N - 2])])
def test_its_own_limit_is_one_for_all(queries, sizes):
    recorder, oracle, seeds, network = asked()
    found = made(oracle, network, seeds, rounds=4, queries=queries)
    assert [record["images"] for record in found.history] == sizes
    assert len(torch.cat(recorder.seen)) == found.queries == queries


def test_without_a_query_there_is_no_substitute():
    recorder, oracle, seeds, network = asked(budget=0)
    with pytest.raises(QueryBudgetExceeded, match="none of the 8 seeds has a query left"):
        made(oracle, network, seeds)
    assert not recorder.seen


def test_what_an_oracle_that_fails_has_labelled_is_kept():
    class Failing(nn.Module):
        def forward(self, x):
            if len(x) > N:
                raise RuntimeError("down")
            return affine(3)(x)

    _, _, seeds, network = asked()
    with pytest.raises(OracleError, match="down") as error:
        made(Oracle(Failing()), network, seeds, rounds=3)
    assert error.value.images.shape == (2 * N, *seeds.shape[1:]) and torch.equal(error.value.images[:N], seeds)


@pytest.mark.parametrize(
    "settings", [{"reveals": "logits"}, {"reveals": "probabilities"}, {"reveals": "top_k", "k": 2}]
)
def test_the_likeliest_class_is_all_that_counts(settings):
    _, oracle, seeds, network = asked()
    _, other, _, _ = asked(**settings)
    one, two = (made(each, network, seeds, rounds=2) for each in (oracle, other))
    assert torch.equal(one.images, two.images) and torch.equal(one.labels, two.labels)


# -- training


def test_nothing_is_left_behind_and_the_seed_decides():
    _, oracle, seeds, network = asked()
    network.train()
    with undrawn(), unchanged(network, seeds), torch.no_grad():
        one, again, other = (made(oracle, network, seeds, rounds=1, seed=seed) for seed in (1, 1, 2))
    assert all(torch.equal(*pair) for pair in zip(one.network.parameters(), again.network.parameters(), strict=True))
    assert one.history == again.history and not one.network.training
    pairs = zip(one.network.parameters(), other.network.parameters(), strict=True)
    assert not all(torch.equal(*pair) for pair in pairs)


@pytest.mark.parametrize("restart", [True, False])
def test_a_round_starts_from_the_given_weights_or_from_those_before(restart):
    _, oracle, seeds, network = asked()
    opt = partial(torch.optim.SGD, lr=0.1, momentum=0.9)
    rounds = Rounds()
    found = made(oracle, network, seeds, rounds=1, restart=restart, optimizer=opt, seed=3, on_round_end=rounds)
    expected = copy.deepcopy(network if restart else rounds.networks[0])
    expected.train()
    data = found.images, found.labels
    history = fit(
        expected, data, epochs=2, optimizer=opt(expected.parameters()), batch_size=4, seed=mix(3, 1), progress=False
    )
    for ours, theirs in zip(found.network.parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert found.history[1]["loss"] == history[-1]["loss"]
    right = (found.network(found.images).argmax(1) == found.labels).double().mean().item()
    assert found.history[1]["agreement"] == right


def test_what_is_frozen_stays_frozen_in_every_round():
    _, oracle, seeds, _ = asked()
    network = seeded(lambda: nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.BatchNorm1d(12), nn.Linear(12, 3)))
    network = network.double().train()
    network[0].eval()
    found = made(oracle, network, seeds, rounds=2)
    assert torch.equal(found.network[0].running_mean, network[0].running_mean)
    assert not torch.equal(found.network[2].running_mean, network[2].running_mean)
    assert not any(module.training for module in found.network.modules())


def test_what_the_caller_measures_is_in_the_history():
    _, oracle, seeds, network = asked()
    found = made(oracle, network, seeds, rounds=2, on_round_end=lambda _, record: {"twice": 2 * record["round"]})
    assert [(record["round"], record["twice"]) for record in found.history] == [(0, 0), (1, 2), (2, 4)]


# -- bad input


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("oracle", smooth_cnn()),
        ("network", lambda x: x),
        ("seeds", torch.rand(4, 12)),
        ("seeds", 2 + scattered(4)),
        ("rounds", -1),
        ("lam", -0.1),
        ("lam", float("nan")),
        ("period", 0),
        ("reservoir", 0),
        ("reservoir_after", -1),
        ("epochs", 0),
        ("batch_size", 0),
        ("optimizer", "adam"),
        ("queries", 0),
        ("seed", -1),
        ("indices", torch.arange(3)),
    ],
)
def test_bad_input_is_refused_by_name_and_asks_nothing(name, value):
    recorder, oracle, seeds, network = asked()
    given = {"oracle": oracle, "network": network, "seeds": seeds, name: value}
    with refused(f"{name}.*expected", f"{name}={value}"):
        substitute(**given)
    assert not recorder.seen


def test_an_optimizer_has_to_come_out_of_it():
    _, oracle, seeds, network = asked()
    with refused("optimizer returned a list, expected a torch.optim.Optimizer"):
        made(oracle, network, seeds, optimizer=list)


def test_a_network_of_too_few_classes_is_refused():
    _, _, seeds, network = asked()
    oracle = Oracle(affine(9, seed=4), reveals="label")
    with refused("network has 3 classes, expected more: the oracle answered"):
        made(oracle, network, seeds)


# -- a real one


def random_signs(images, eps):
    return (images + eps * Streams(0, "control", images).signs(*images.shape[1:])).clamp(0, 1)


@pytest.mark.data
def test_a_substitute_of_another_architecture_reads_digits_as_the_oracle_does_and_fools_it():
    images = data.load("mnist", n=1150)[0]
    seeds, fresh = images[:150], images[150:]
    model = models.load("mnist/cnn")
    network = seeded(lambda: networks.StridedCNN((16, 32), 100))
    found = substitute(Oracle(model, reveals="label"), network, seeds, rounds=4, lam=0.2)
    labels = predicted(predict(model, fresh))
    assert (predicted(predict(found.network, fresh)) == labels).double().mean() > 0.8
    shown, right = fresh[:200], labels[:200]
    rate = {
        name: is_fooled(predict(model, x), right).double().mean()
        for name, x in {
            "signs": random_signs(shown, 0.3),
            "fgsm": fgsm(found.network, shown, right, eps=0.3),
            "mifgsm": mifgsm(found.network, shown, right, eps=0.3),
        }.items()
    }
    assert rate["fgsm"] > rate["signs"] + 0.1 and rate["mifgsm"] > rate["signs"] + 0.05, rate
