"""What every certificate promises: a function (model, images, labels, eps) -> lower bound on the margin."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from advcourse.attacks import pgd
from tests.contracts.contract import DEVICES, DTYPES, only, over
from tests.support.affine import D, scattered
from tests.support.refusals import refused
from tests.support.scenes import normal, seeded
from tests.support.traces import unchanged

GROWING = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2)


def relu_network() -> nn.Sequential:
    with torch.random.fork_rng([]):
        torch.manual_seed(2)
        return nn.Sequential(nn.Flatten(), nn.Linear(D, 16), nn.ReLU(), nn.Linear(16, 4)).double().eval()


def linear_network() -> nn.Sequential:
    network = nn.Sequential(nn.Flatten(), nn.Linear(D, 4)).double().eval()
    network[1].weight.data, network[1].bias.data = normal(4, D) / 4, normal(4, seed=1) / 4
    return network


@dataclass(frozen=True)
class Case:
    """A certificate with its settings.

    Attributes:
        name: of the test.
        certificate: ``(model, images, labels, eps) -> (N,)``: below the label's logit less the largest other one, for
            every image in the ball of radius eps; a ball inside the box, here.
        norm: of the ball.
        network: builds one that the certificate can be asked about; the linear one it can, too.
        bad: by argument, values that must be refused by its name.
    """

    name: str
    certificate: Callable[..., Tensor]
    norm: str = "linf"
    network: Callable[[], nn.Sequential] = relu_network
    bad: Mapping[str, tuple] = field(default_factory=dict)


def margin(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    logits = model(images).detach()
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    return logits.gather(1, labels[:, None])[:, 0] - others


def asked(network: nn.Sequential, n: int = 8) -> tuple[nn.Sequential, Tensor, Tensor]:
    """With a label that is wrong, too."""
    images = scattered(n)
    labels = network(images).argmax(1)
    labels[0] = (labels[0] + 1) % 4
    return network, images, labels


@over(device=DEVICES, dtype=DTYPES)
def check_result_is_a_number_for_each_image(case: Case, device: str, dtype: torch.dtype) -> None:
    model, images, labels = asked(case.network())
    images = images.to(device, dtype)
    bound = case.certificate(model.to(device, dtype), images, labels.to(device), 0.05)
    assert bound.shape == (8,) and bound.dtype == dtype and bound.device == images.device
    assert bound.isfinite().all() and not bound.requires_grad and bound.grad_fn is None


def check_at_eps_zero_it_is_the_margin(case: Case) -> None:
    for network in (linear_network(), case.network()):
        model, images, labels = asked(network)
        bound = case.certificate(model, images, labels, 0.0)
        torch.testing.assert_close(bound.detach(), margin(model, images, labels), rtol=0, atol=1e-9)


def check_it_stays_below_the_closed_form_of_a_linear_network(case: Case) -> None:
    """Towards class j the margin falls by eps times the dual norm of the difference of the weights."""
    model, images, labels = asked(linear_network())
    logits, weight = model(images).detach(), model[1].weight.detach()
    dual = {"linf": 1, "l2": 2, "l1": torch.inf}[case.norm]
    slopes = torch.linalg.vector_norm(weight[labels][:, None] - weight, dual, dim=2)
    for eps in GROWING:
        exact = logits.gather(1, labels[:, None]) - logits - eps * slopes
        exact = exact.scatter(1, labels[:, None], torch.inf).amin(1)
        assert (case.certificate(model, images, labels, eps) <= exact + 1e-9).all()


def check_no_attack_gets_below_it(case: Case) -> None:
    model, images, labels = asked(case.network())
    for eps in GROWING:
        bound = case.certificate(model, images, labels, eps)
        started = {"random_start": True, "restarts": 5, "generator": seeded()}
        found = pgd(model, images, labels, eps=eps, steps=20, norm=case.norm, loss="margin", **started)
        assert (bound <= margin(model, found, labels) + 1e-9).all()


def check_it_falls_as_eps_grows(case: Case) -> None:
    model, images, labels = asked(case.network())
    bounds = torch.stack([case.certificate(model, images, labels, eps) for eps in GROWING])
    assert (bounds.diff(dim=0) <= 1e-9).all()


def check_it_certifies_what_is_near(case: Case) -> None:
    model, images, labels = asked(case.network())
    clear = margin(model, images, labels) > 0.05
    assert clear.sum() >= 4 and (case.certificate(model, images, labels, 1e-3)[clear] > 0).all()


def check_a_batch_gives_what_single_images_give(case: Case) -> None:
    model, images, labels = asked(case.network())
    alone = [case.certificate(model, images[[i]], labels[[i]], 0.05) for i in range(8)]
    torch.testing.assert_close(case.certificate(model, images, labels, 0.05), torch.cat(alone), rtol=0, atol=1e-9)


@over(training=(False, True))
def check_nothing_else_has_changed(case: Case, training: bool) -> None:
    model, images, labels = asked(case.network())
    model[1].weight.requires_grad_(False)
    model[3].weight.grad = torch.ones_like(model[3].weight)
    with unchanged(model.train(training), images.requires_grad_(), labels):
        case.certificate(model, images, labels, 0.05)


def check_bad_input_is_refused_by_name(case: Case) -> None:
    model, images, labels = asked(case.network())
    for eps in (-0.1, float("nan"), "0.1"):
        with refused("eps.*expected", eps):
            case.certificate(model, images, labels, eps)
    for bad in (images[0], images + 1, images.float()):
        with refused("(images|model).*expected", bad):
            case.certificate(model, bad, labels, 0.1)
    for bad in (labels[:2], labels + 4, labels.double()):
        with refused("labels.*expected", bad):
            case.certificate(model, images, bad, 0.1)


@only(lambda case: bool(case.bad))
def check_bad_parameters_are_refused_by_name(case: Case) -> None:
    model, images, labels = asked(case.network())
    for name, values in case.bad.items():
        for value in values:
            with refused(f"{name}.*expected", f"{name}={value}"):
                case.certificate(model, images, labels, 0.05, **{name: value})
