"""A certificate that keeps its contracts, and certificates with one fault."""

from functools import partial

import torch
from torch import nn

from advcourse.core.validation import check_at_least, check_choice, check_inputs, check_logits
from tests.contracts import certificates
from tests.contracts.certificates import Case, margin


@torch.no_grad()
def intervals(model, images, labels, eps, *, last="margins"):
    """Interval bounds of every layer but the last, which is taken together with the margins."""
    check_inputs(model, images, labels)
    check_at_least(0, eps=eps)
    check_choice("last", last, ("margins",))
    check_logits(model(images), labels)
    middle, radius = images.flatten(1), torch.full_like(images.flatten(1), eps)
    *layers, end = list(model)[1:]
    for layer in layers:
        if isinstance(layer, nn.Linear):
            middle, radius = layer(middle), radius @ layer.weight.abs().T
        else:
            low, high = (middle - radius).relu(), (middle + radius).relu()
            middle, radius = (low + high) / 2, (high - low) / 2
    rows = end.weight[labels][:, None] - end.weight
    logits = end(middle)
    gaps = logits.gather(1, labels[:, None]) - logits - (rows.abs() * radius[:, None]).sum(2)
    return gaps.scatter(1, labels[:, None], torch.inf).amin(1)


def with_a_graph(model, images, labels, eps):
    return intervals(model, images, labels, eps).requires_grad_()


def a_little_lower(model, images, labels, eps):
    return intervals(model, images, labels, eps) - 1e-3


def too_high_for_linear_networks(model, images, labels, eps):
    bound = intervals(model, images, labels, eps)
    return (bound + margin(model, images, labels)) / 2 if len(model) == 2 else bound


def too_high_for_deep_networks(model, images, labels, eps):
    bound = intervals(model, images, labels, eps)
    return margin(model, images, labels) - 1e-3 * eps if len(model) > 2 else bound


def lower_in_between(model, images, labels, eps):
    return intervals(model, images, labels, eps) - 100 * (0.02 < eps < 0.05)


def hopeless(model, images, labels, eps):
    return intervals(model, images, labels, eps) - 1e6 * eps


def lower_in_company(model, images, labels, eps):
    return intervals(model, images, labels, eps) - eps * (len(images) - 1) / 100


def leaves_eval_mode(model, images, labels, eps):
    return intervals(model.eval(), images, labels, eps)


def takes_any_sign(model, images, labels, eps):
    return intervals(model, images, labels, abs(eps) if isinstance(eps, float) else eps)


def takes_any_choice(model, images, labels, eps, *, last="margins"):
    return intervals(model, images, labels, eps)


KEEPS = [Case("intervals", intervals, bad={"last": ("logits", None)})]
BREAKS = {
    certificates.check_result_is_a_number_for_each_image: Case("with a graph", with_a_graph),
    certificates.check_at_eps_zero_it_is_the_margin: Case("lower", a_little_lower),
    certificates.check_it_stays_below_the_closed_form_of_a_linear_network: Case(
        "too high for linear networks", too_high_for_linear_networks
    ),
    certificates.check_no_attack_gets_below_it: Case("too high for deep networks", too_high_for_deep_networks),
    certificates.check_it_falls_as_eps_grows: Case("lower in between", lower_in_between),
    certificates.check_it_certifies_what_is_near: Case("hopeless", hopeless),
    certificates.check_a_batch_gives_what_single_images_give: Case("lower in company", lower_in_company),
    certificates.check_nothing_else_has_changed: Case("leaves eval mode", leaves_eval_mode),
    certificates.check_bad_input_is_refused_by_name: Case("takes any sign", takes_any_sign),
    certificates.check_bad_parameters_are_refused_by_name: Case(
        "takes any choice", partial(takes_any_choice, last="margins"), bad={"last": ("logits",)}
    ),
}
