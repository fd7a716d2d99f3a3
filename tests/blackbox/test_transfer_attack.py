"""Attack by transfer: on a pair of toys whose answers are known, what is asked, in which order, and what comes back."""

from functools import partial

import pytest
import torch
from torch import nn

from advcourse.attacks import fgsm, mifgsm
from advcourse.blackbox import Oracle, OracleError, transfer_attack
from advcourse.core.running import is_fooled
from advcourse.wrappers import ensemble
from tests.support.affine import length
from tests.support.recorders import Recorder
from tests.support.refusals import refused
from tests.support.scenes import normal, scene
from tests.support.toys import Affine, smooth_cnn
from tests.support.traces import MODES, in_use, unchanged, undrawn

EPS = 0.2
REVEALED = [{"reveals": "logits"}, {"reveals": "probabilities"}, {"reveals": "top_k", "k": 2}, {"reveals": "label"}]


class Brighter(nn.Module):
    """Class 1 from a brightness on, class 0 below it."""

    def __init__(self, level=0.5):
        super().__init__()
        self.level = nn.Parameter(torch.tensor(level, dtype=torch.float64))

    def forward(self, x):
        mean = x.mean((1, 2, 3)) - self.level
        return torch.stack([-mean, mean], 1)


def grey(*levels):
    return torch.tensor(levels, dtype=torch.float64).view(-1, 1, 1, 1).repeat(1, 1, 2, 3)


def by(step):
    """An attack that makes every image brighter by that."""
    return lambda model, images, labels: (images + step).clamp(0, 1)


def zeros(images):
    return torch.zeros(len(images), dtype=torch.int64)


def looked_at(recorder):
    """Brightness of every image that the oracle was asked about, call by call."""
    return [[round(value, 6) for value in x.mean((1, 2, 3)).tolist()] for x in recorder.seen]


def linear():
    """Another kind of network for the images of a scene."""
    return Affine(0.1 * normal(4, 96, seed=3))


# -- what is asked


@pytest.mark.parametrize("revealed", REVEALED)
def test_the_first_attack_and_size_that_fools_is_the_last_look(revealed):
    recorder = Recorder(Brighter())
    images = grey(0.45, 0.35, 0.7, 0.1)
    oracle = Oracle(recorder, **revealed)
    attacks = [by(0.1), by(0.2)]
    found = transfer_attack(
        Brighter(), oracle, images, zeros(images), eps=EPS, attack=attacks, sizes=(0.6, 1.0), indices=torch.arange(4)
    )
    assert looked_at(recorder) == [
        [0.45, 0.35, 0.7, 0.1],  # the third is misclassified
        [0.51, 0.41, 0.16],  # the first falls at the smaller size
        [0.47, 0.22],
        [0.45, 0.2],
        [0.55, 0.3],  # the second at the full size of the second attack
    ]
    assert oracle.queries().tolist() == [2, 5, 1, 5]
    torch.testing.assert_close(found, grey(0.51, 0.55, 0.7, 0.3))
    assert torch.equal(found[2], images[2])


def test_a_wrong_image_costs_one_query_and_nothing_is_crafted_for_it():
    surrogate, recorder = Recorder(Brighter()), Recorder(Brighter())
    images = grey(0.6, 0.7)
    found = transfer_attack(surrogate, Oracle(recorder), images, zeros(images), eps=EPS)
    assert torch.equal(found, images) and found.data_ptr() != images.data_ptr()
    assert not surrogate.seen and looked_at(recorder) == [[0.6, 0.7]]


@pytest.mark.parametrize("revealed", REVEALED)
@pytest.mark.parametrize("budget", [0, 1, 2, 3, 4])
def test_budgets_are_kept_exactly(revealed, budget):
    images = grey(0.1, 0.2, 0.44, 0.9)
    for own in (True, False):
        if own and not budget:
            continue
        recorder = Recorder(Brighter())
        oracle = Oracle(recorder, **revealed, budget=None if own else budget)
        limit = {"queries": budget} if own else {}
        found = transfer_attack(
            Brighter(), oracle, images, zeros(images), eps=EPS, attack=by(0.1), sizes=(0.2, 0.5, 1.0), **limit
        )
        spent = [min(budget, most) for most in (4, 4, 4, 1)]
        assert oracle.queries(torch.arange(4)).tolist() == spent
        assert sum(map(len, recorder.seen)) == sum(spent)
        assert length(found - images, "linf").max() <= EPS


def test_what_an_image_has_spent_before_counts():
    oracle, images = Oracle(Brighter(), budget=2), grey(0.3, 0.3)
    oracle(images[:1])
    transfer_attack(Brighter(), oracle, images, zeros(images), eps=EPS)
    assert oracle.queries().tolist() == [2, 2]


# -- what comes back


def test_where_scores_are_revealed_the_strongest_look_comes_back():
    images = grey(0.1)
    attacks = [by(0.1), by(-0.1), by(0.15), by(0.05)]
    found = transfer_attack(Brighter(), Oracle(Brighter()), images, zeros(images), eps=EPS, attack=attacks)
    torch.testing.assert_close(found, grey(0.25))


@pytest.mark.parametrize("revealed", REVEALED[2:])
def test_where_classes_are_revealed_the_last_one_made_comes_back_at_full_size(revealed):
    images, oracle = grey(0.1), Oracle(Brighter(), **revealed)
    attacks = [by(0.15), by(0.05)]
    found = transfer_attack(
        Brighter(), oracle, images, zeros(images), eps=EPS, attack=attacks, sizes=(0.5, 1), queries=4
    )
    torch.testing.assert_close(found, grey(0.15))


@pytest.mark.parametrize("revealed", REVEALED)
def test_where_no_query_is_left_for_a_look_it_comes_back_as_crafted(revealed):
    images = grey(0.45)
    found = transfer_attack(Brighter(), Oracle(Brighter(), **revealed), images, zeros(images), eps=0.1, queries=1)
    torch.testing.assert_close(found, grey(0.55))


@pytest.mark.parametrize("norm", ["linf", "l2", "l1"])
def test_what_an_attack_makes_is_brought_into_the_ball(norm):
    images = grey(0.1, 0.3)
    found = transfer_attack(
        Brighter(), Oracle(Brighter()), images, zeros(images), eps=EPS, norm=norm, attack=by(0.7), queries=1
    )
    torch.testing.assert_close(length(found - images, norm), torch.full((2,), EPS, dtype=torch.float64))


def test_targets_are_handed_on_and_reached():
    model, images, labels = scene()
    targets = (labels + 1) % 4
    given = []

    def attack(model, images, labels, *, targets):
        given.append((labels, targets))
        return mifgsm(model, images, labels, eps=EPS, targets=targets)

    found = transfer_attack(model, Oracle(model), images, labels, eps=EPS, attack=attack, targets=targets)
    assert len(given) == 1 and torch.equal(given[0][0], labels) and torch.equal(given[0][1], targets)
    hits = is_fooled(model(found), labels, targets)
    assert torch.equal(hits, is_fooled(model(mifgsm(model, images, labels, eps=EPS, targets=targets)), labels, targets))
    assert hits.any()


# -- on what it is crafted


def test_several_surrogates_are_one_ensemble():
    model, images, labels = scene()
    two = [smooth_cnn(), linear()]
    found = transfer_attack(two, Oracle(model), images, labels, eps=EPS, queries=1)
    assert torch.equal(found, mifgsm(ensemble(two), images, labels, eps=EPS))
    one = transfer_attack(two[1:], Oracle(model), images, labels, eps=EPS, queries=1)
    assert torch.equal(one, mifgsm(two[1], images, labels, eps=EPS)) and not torch.equal(one, found)


def test_what_is_made_on_a_similar_network_fools_more_than_random_signs():
    model, images, labels = scene(40)
    like = smooth_cnn()
    with torch.no_grad():
        for parameter in like.parameters():
            draw = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1), dtype=parameter.dtype)
            parameter.add_(0.1 * parameter.abs().mean() * draw)

    def signs(model, images, labels):
        draw = torch.rand(images.shape, generator=torch.Generator().manual_seed(0), dtype=images.dtype)
        return (images + 0.08 * (draw - 0.5).sign()).clamp(0, 1)

    ways = {"crafted": partial(fgsm, eps=0.08), "signs": signs}
    rate = {
        name: is_fooled(
            model(transfer_attack(like, Oracle(model, reveals="label"), images, labels, eps=0.08, attack=way)), labels
        )
        .double()
        .mean()
        for name, way in ways.items()
    }
    assert rate["crafted"] > rate["signs"] + 0.4, rate


@pytest.mark.parametrize("revealed", REVEALED)
def test_alone_as_in_a_batch(revealed):
    model, images, labels = scene(8)
    labels[::3] = (labels[::3] + 1) % 4  # misclassified
    surrogate = linear()
    settings = {"eps": 0.1, "attack": [partial(fgsm, eps=0.1), partial(mifgsm, eps=0.1)], "sizes": (0.3, 1)}
    whole = transfer_attack(surrogate, Oracle(model, **revealed), images, labels, **settings)
    alone = [
        transfer_attack(surrogate, Oracle(model, **revealed), images[[i]], labels[[i]], **settings) for i in range(8)
    ]
    torch.testing.assert_close(whole, torch.cat(alone), rtol=0, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_nothing_else_has_changed(mode):
    model, images, labels = scene()
    surrogate = in_use(smooth_cnn(), mode)
    with unchanged(surrogate, images.requires_grad_(), labels), unchanged(model), torch.no_grad():
        found = transfer_attack([surrogate], Oracle(model), images, labels, eps=EPS)
    assert not found.requires_grad
    if mode == "eval":  # else its dropout draws
        with undrawn():
            transfer_attack([surrogate], Oracle(model), images, labels, eps=EPS)


def test_an_oracle_that_fails_hands_back_what_was_found():
    class Failing(nn.Module):
        calls = 0

        def forward(self, x):
            self.calls += 1
            if self.calls > 2:
                raise RuntimeError("down")
            return Brighter()(x)

    images = grey(0.45, 0.1)
    with pytest.raises(OracleError, match="down") as error:
        transfer_attack(Brighter(), Oracle(Failing()), images, zeros(images), eps=EPS, attack=by(0.1), sizes=(0.6, 1.0))
    torch.testing.assert_close(error.value.images, grey(0.51, 0.16))


# -- bad input


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("surrogates", "cnn"),
        ("surrogates", []),
        ("surrogates", [Brighter(), None]),
        ("oracle", Brighter()),
        ("images", torch.rand(2, 6)),
        ("labels", torch.tensor([0.0, 1.0])),
        ("eps", -0.1),
        ("norm", "l3"),
        ("attack", "fgsm"),
        ("attack", []),
        ("attack", [by(0.1), 3]),
        ("attack", lambda model, images, labels: images[:1]),
        ("attack", lambda model, images, labels: images * torch.nan),
        ("attack", lambda model, images, labels: None),
        ("sizes", 1.0),
        ("sizes", ()),
        ("sizes", (0.0, 1.0)),
        ("sizes", (0.5, 1.5)),
        ("sizes", (1.0, 0.5)),
        ("queries", 0),
        ("targets", torch.tensor([0, 0])),
        ("indices", torch.tensor([0])),
    ],
)
def test_bad_input_is_refused_by_name(name, value):
    images = grey(0.1, 0.3)
    given = {"surrogates": Brighter(), "oracle": Oracle(Brighter()), "images": images, "labels": zeros(images)}
    with refused(f"{name}.*expected", f"{name}={value}"):
        transfer_attack(**{**given, "eps": EPS, name: value})


def test_the_default_attack_is_one_in_linf():
    images = grey(0.1)
    with refused("attack is None, expected one for l2"):
        transfer_attack(Brighter(), Oracle(Brighter()), images, zeros(images), eps=EPS, norm="l2")
