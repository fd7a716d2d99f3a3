"""What a student sees at home, before anything is graded: the visible tests name the mistakes of the bank."""

import contextlib
import io

import pytest

from advcourse.grading import checks
from tests.grading import bank, forked

BANK = [(name, submission) for name in bank.assignments() for submission in bank.submissions(name)]
SEEN_ONLY_WHEN_GRADED = {
    ("a01_ifgsm", "wrong_clamped_after_the_loop"),
    ("a01_ifgsm", "wrong_gradient_accumulates"),
    ("a01_ifgsm", "wrong_gradient_taken_once"),
    ("a01_ifgsm", "wrong_projected_at_the_end"),
    ("a01_ifgsm", "wrong_targeted_stops_too_early"),
    ("a02_minimal_norm", "wrong_ten_classes_only"),
    ("a03_spatial_eot", "wrong_faulty_misses_one"),
    ("a03_spatial_eot", "wrong_faulty_names_all"),
    ("a03_spatial_eot", "wrong_faulty_names_one_too_many"),
    ("a06_bpda", "wrong_verdict_by_accuracy"),
}

TOLD = {  # to be named by the mistake, not only refused
    "wrong_rows_and_columns_exchanged": "rows and columns are exchanged",
    "wrong_transpose_rows_and_columns_exchanged": "rows and columns are exchanged",
    "wrong_way_back_with_rows_and_columns_exchanged": "rows and columns of the moves are exchanged",
    "wrong_positions_columns_first": "rows and columns are exchanged",
    "wrong_crops_row_and_column_exchanged": "row and column are exchanged",
    "wrong_crops_averaged_twice": "is divided once more",
    "wrong_crops_divided_by_the_images": "divided by the number of images",
    "wrong_columns_shifted_cyclically": "only shifted cyclically",
    "wrong_another_mask_backward": "another mask than the one that `smooth` was given",
    "wrong_mask_of_another_image_backward": "another mask than the one that `smooth` was given",
    "wrong_mask_turned_round_backward": "the mask turned round",
    "wrong_patch_goes_up": "goes up the loss",
    "wrong_patch_left_in_eval_mode": "train and eval mode",
    "wrong_patch_length_of_hidden_pixels": "pixels that the mask hides",
    "wrong_patch_mask_turned_round": "the wrong way round",
    "wrong_patch_pasted_into_the_images": "overwrote its input",
    "wrong_patch_row_and_column_exchanged": "row and column of a corner are exchanged",
    "wrong_patch_same_corner": "at the same corner",
    "wrong_patch_softmax_twice": "is given probabilities",
}


def errors_at_home(assignment, answers):
    """The errors of these answers, of the visible tests that depend on them and of what both need, by cell."""
    names, errors, chosen = {}, {}, forked.needed(assignment, answers)
    for cell in bank.answered(assignment, answers)["cells"]:
        if cell["cell_type"] == "code" and cell["id"] in chosen:
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
            except Exception as error:
                errors[cell["id"]] = error
    return errors


@pytest.mark.filterwarnings("ignore:Default grid_sample")
@pytest.mark.parametrize("pair", BANK, ids=lambda pair: f"{pair[0]}-{pair[1].name}")
def test_every_mistake_is_named(pair):
    """Nothing is lost that is not explained at home; a right submission is told of nothing."""
    assignment, submission = pair
    errors = errors_at_home(assignment, submission.answers)
    if (assignment, submission.name) in SEEN_ONLY_WHEN_GRADED:
        assert not errors
        return
    assert all(isinstance(errors.get(name), checks.CheckFailed) for name in submission.expected)
    assert all(TOLD.get(submission.name, "") in str(errors[name]) for name in submission.expected)
    if not submission.expected:
        assert not errors
