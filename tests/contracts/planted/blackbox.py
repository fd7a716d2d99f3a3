"""A black-box method that keeps its contracts, and methods with one fault."""

import torch
from torch import nn

from advcourse.blackbox import Oracle
from advcourse.blackbox._asking import Asking, started
from advcourse.blackbox._oracle import _behind
from advcourse.core.losses import margin
from advcourse.core.oracles import Asked, OracleError
from advcourse.core.running import untouched
from advcourse.core.streams import Streams
from advcourse.core.validation import check_at_least
from tests.contracts import blackbox
from tests.contracts.blackbox import Case

EPS = 0.3


def random_signs(oracle, images, labels, *, eps=EPS, seed=0, indices=None, share=0.2):
    """Signs of a random patch of pixels are drawn anew, and kept where the margin rises."""
    asking = Asking(oracle, images, labels, None, indices, None, ("logits",))
    check_at_least(0, eps=eps)
    with started(images) as strongest:
        clean = strongest.images.clone()
        rows = asking.affordable(torch.arange(len(clean), device=clean.device), 1)
        streams = Streams(seed, "random signs", images, indices)[rows]
        shown = clean[rows]
        while len(rows):
            scores = asking.scores(shown, rows)
            fooled = asking.fooled(scores, rows)
            strongest.see(shown, fooled, margin(scores, labels[rows]), rows)
            going = (asking.left(rows) > 0) & ~fooled
            rows, streams = rows[going], streams[going]
            signs, where = streams.signs(*clean.shape[1:]), streams.rand(*clean.shape[1:]) < share
            shown = torch.where(where, (clean[rows] + eps * signs).clamp(0, 1), strongest.images[rows])
    return strongest.images


def places(images, more):
    return torch.arange(len(images), device=images.device) if more.get("indices") is None else more["indices"]


def moved(result, images):
    return (result != images).flatten(1).any(1)


def leaves_the_ball(oracle, images, labels, **more):
    return random_signs(oracle, images, labels, **{"eps": EPS + 0.01, **more})


def looks_behind_the_oracle(oracle, images, labels, **more):
    result = random_signs(oracle, images, labels, **more)
    hidden = _behind[oracle].model
    with untouched(hidden, images), torch.no_grad():
        hidden(images)
    return result


def takes_a_gradient(oracle, images, labels, **more):
    """And pays for the pass."""
    result, numbers = random_signs(oracle, images, labels, **more), places(images, more)
    rows, hidden = moved(result, images) & (oracle.left(numbers) > 0), _behind[oracle].model
    if rows.any():
        with untouched(hidden, images):
            x = images[rows].detach().requires_grad_()
            torch.autograd.grad(hidden(x).sum(), x)
        oracle._billed[numbers[rows]] += 1
    return result


def leaves_eval_mode(oracle, images, labels, **more):
    if isinstance(oracle, Oracle) and isinstance(_behind[oracle].model, nn.Module):
        _behind[oracle].model.eval()
    return random_signs(oracle, images, labels, **more)


def draws_from_the_global_state(oracle, images, labels, **more):
    torch.rand(1)
    return random_signs(oracle, images, labels, **more)


def works_otherwise_alone(oracle, images, labels, **more):
    return random_signs(oracle, images, labels, share=0.2 if len(images) > 1 else 0.4, **more)


def moves_the_misclassified(oracle, images, labels, **more):
    result = random_signs(oracle, images, labels, **more)
    once = ~moved(result, images) & (oracle.queries(places(images, more)) == 1)
    return torch.where(once[:, None, None, None], (images + 0.001).clamp(0, 1), result).detach()


def asks_once_more(oracle, images, labels, **more):
    result, numbers = random_signs(oracle, images, labels, **more), places(images, more)
    rows = moved(result, images) & (oracle.left(numbers) > 0)
    if rows.any():
        oracle(images[rows], numbers[rows])
    return result


def gives_up_where_one_has_nothing_left(oracle, images, labels, **more):
    if isinstance(oracle, Oracle) and images.dim() == 4 and (oracle.left(torch.arange(len(images))) < 1).any():
        return images.detach().clone()
    return random_signs(oracle, images, labels, **more)


def drops_what_it_had(oracle, images, labels, **more):
    said = None
    try:
        return random_signs(oracle, images, labels, **more)
    except OracleError as error:
        said = str(error)
    raise OracleError(said)


def passes_over_nan(oracle, images, labels, **more):
    try:
        return random_signs(oracle, images, labels, **more)
    except OracleError as error:
        if "NaN" not in str(error):
            raise
    return images.detach().clone()


def gives_up_early(oracle, images, labels, **more):
    """On three images of four."""
    if not isinstance(oracle, Asked) or images.dim() != 4 or labels.shape != images.shape[:1] or len(images) < 12:
        return random_signs(oracle, images, labels, **more)
    often = torch.arange(len(images)) % 4 > 0
    result, numbers = images.detach().clone(), torch.arange(len(images))
    for rows, eps in ((often, 0.001), (~often, EPS)):
        result[rows] = random_signs(
            oracle, images[rows], labels[rows], **{**more, "eps": eps, "indices": numbers[rows]}
        )
    return result


def breaks_on_other_channels(oracle, images, labels, **more):
    result = random_signs(oracle, images, labels, **more)
    return result if images.shape[1] == 2 else result * torch.nan


def takes_any_sign(oracle, images, labels, *, eps=EPS, **more):
    return random_signs(oracle, images, labels, eps=abs(eps), **more)


def takes_a_model(oracle, images, labels, **more):
    return random_signs(oracle if isinstance(oracle, Asked) else Oracle(oracle, budget=40), images, labels, **more)


def asks_before_it_looks(oracle, images, labels, **more):
    if isinstance(oracle, Asked) and oracle.reveals != "logits":
        oracle(images)
    return random_signs(oracle, images, labels, **more)


def case(method, **more):
    return Case(method.__name__, method, {"reveals": "logits"}, 40, ("linf", EPS), **more)


KEEPS = [case(random_signs, bad={"eps": (-0.1, float("nan"))})]
BREAKS = {
    blackbox.check_result_is_images_in_the_box_and_the_ball: case(leaves_the_ball),
    blackbox.check_the_budget_is_kept_and_never_asked_beyond: case(looks_behind_the_oracle),
    blackbox.check_no_gradient_is_taken: case(takes_a_gradient),
    blackbox.check_nothing_else_has_changed: case(leaves_eval_mode),
    blackbox.check_seed_and_place_decide_all_draws: case(draws_from_the_global_state),
    blackbox.check_an_image_among_others_is_as_alone: case(works_otherwise_alone),
    blackbox.check_the_misclassified_come_back_untouched_at_one_query: case(moves_the_misclassified),
    blackbox.check_nothing_is_asked_after_success: case(asks_once_more),
    blackbox.check_an_image_without_queries_keeps_no_other_from_its_own: case(gives_up_where_one_has_nothing_left),
    blackbox.check_what_was_found_is_kept_where_the_oracle_fails: case(drops_what_it_had),
    blackbox.check_nan_is_an_error_of_the_oracle: case(passes_over_nan),
    blackbox.check_it_fools_an_ordinary_network: case(gives_up_early),
    blackbox.check_any_shape_and_number_of_channels: case(breaks_on_other_channels),
    blackbox.check_bad_arguments_are_refused_by_name: case(takes_any_sign, bad={"eps": (-0.1,)}),
    blackbox.check_a_model_in_the_oracles_place_is_refused: case(takes_a_model),
    blackbox.check_what_reveals_too_little_is_refused: case(asks_before_it_looks),
}
