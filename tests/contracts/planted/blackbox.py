"""A black-box method that keeps its contracts, and methods with one fault."""

import torch

from advcourse.core.losses import margin
from advcourse.core.running import untouched
from advcourse.core.validation import check_at_least
from tests.contracts import blackbox
from tests.contracts.blackbox import Case

EPS = 0.3


class Spent(Exception):
    pass


class Oracle:
    """Logits, as long as there are queries left."""

    def __init__(self, model, queries):
        self.model, self.queries, self.left = model, queries, None

    def __call__(self, images):
        self.left = self.queries * len(images) if self.left is None else self.left
        if len(images) > self.left:
            raise Spent
        self.left -= len(images)
        with untouched(self.model, images), torch.no_grad():
            return self.model(images)


def random_signs(oracle, images, labels, *, eps=EPS, generator=None):
    """Signs of a random patch of pixels are drawn anew, and kept where the margin rises."""
    check_at_least(0, eps=eps)
    best, images = images.detach().clone(), images.detach()

    def draw():
        shape, draws = (len(images), *images.shape[1:]), {"generator": generator, "device": images.device}
        signs = torch.randint(0, 2, shape, **draws) * 2 - 1
        return signs, torch.rand(shape, **draws) < 0.2

    try:
        highest = margin(oracle(images), labels)
        while (highest <= 0).any():
            signs, where = draw()
            tried = torch.where(where, (images + eps * signs).clamp(0, 1), best)
            found = margin(oracle(tried), labels)
            better = (found > highest) & (highest <= 0)
            best = torch.where(better[:, None, None, None], tried, best)
            highest = torch.where(better, found, highest)
    except Spent:
        pass
    return best


def leaves_the_ball(oracle, images, labels, **more):
    result = random_signs(oracle, images, labels, **more)
    return torch.where(result == images, images, result + 0.01 * (0.5 - result).sign())


def asks_on_when_refused(oracle, images, labels, **more):
    result = random_signs(oracle, images, labels, **more)
    with untouched(oracle.model, images), torch.no_grad():
        oracle.model(images.repeat(oracle.queries, 1, 1, 1))
    return result


def looks_behind_the_oracle(oracle, images, labels, **more):
    oracle.queries -= 1
    with untouched(oracle.model, images):
        x = images.detach().clone().requires_grad_()
        torch.autograd.grad(oracle.model(x).sum(), x)
    return random_signs(oracle, images, labels, **more)


def leaves_eval_mode(oracle, images, labels, **more):
    oracle.model.eval()
    return random_signs(oracle, images, labels, **more)


def draws_from_the_global_state(oracle, images, labels, **more):
    torch.rand(1)
    return random_signs(oracle, images, labels, **more)


def moves_the_misclassified(oracle, images, labels, **more):
    result = random_signs(oracle, images, labels, **more)
    return torch.where(result == images, (images + 0.001).clamp(0, 1), result).detach()


def gives_up_early(oracle, images, labels, **more):
    oracle.queries = min(oracle.queries, 4)
    return random_signs(oracle, images, labels, **more)


def takes_any_sign(oracle, images, labels, *, eps=EPS, **more):
    return random_signs(oracle, images, labels, eps=abs(eps), **more)


def case(method, **more):
    return Case(method.__name__, method, Oracle, 40, ("linf", EPS), random=True, **more)


KEEPS = [case(random_signs, bad={"eps": (-0.1, float("nan"))})]
BREAKS = {
    blackbox.check_result_is_images_in_the_box_and_the_ball: case(leaves_the_ball),
    blackbox.check_the_budget_is_kept: case(asks_on_when_refused),
    blackbox.check_no_gradient_is_taken: case(looks_behind_the_oracle),
    blackbox.check_nothing_else_has_changed: case(leaves_eval_mode),
    blackbox.check_a_generator_decides_all_and_the_global_state_stays: case(draws_from_the_global_state),
    blackbox.check_the_misclassified_come_back_untouched: case(moves_the_misclassified),
    blackbox.check_it_fools_an_ordinary_network: case(gives_up_early),
    blackbox.check_bad_parameters_are_refused_by_name: case(takes_any_sign, bad={"eps": (-0.1,)}),
}
