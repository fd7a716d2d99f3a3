"""What the benchmarks of minimal-norm attacks call success, distance and a requirement reached."""

import pytest
import torch

from benchmarks.cases import Case
from benchmarks.minimal import Found, few_candidates, judge, verdicts
from benchmarks.minimal_peers import Search
from tests.support.scenes import scene
from tests.support.toys import Constant

CASE = Case("toy", "digits", 3, ())


def found(library, distance, forwards=4.0, backwards=30.0, seconds=1.0, search=None):
    search = search or Search("deepfool", 50)
    return Found(CASE, search, library, forwards, backwards, 10, torch.tensor(distance), [seconds])


def test_only_what_fools_has_a_distance():
    model, images, labels = scene(4)
    labels[1] = (labels[1] + 1) % 4
    distance = judge(model, images, labels, images)
    assert distance[1] == 0 and distance[[0, 2, 3]].isnan().all()
    assert judge(Constant(), images, labels * 0, torch.zeros_like(images)).isnan().all()  # black is no success
    with pytest.raises(ValueError, match="returned images"):
        judge(model, images, labels, images + 0.01)


def test_distances_are_compared_over_the_images_both_fool():
    nan = float("nan")
    ours, other = found("advcourse", [1.0, 2.0, 9.0]), found("foolbox", [1.0, 2.0, nan])
    complete = [verdict.reached for verdict in verdicts([ours, other])]
    assert complete == [True, True]  # its failure asks nothing of success, and our third image of no distance
    longer = verdicts([found("advcourse", [1.1, 2.1, 1.0]), other])
    assert [verdict.reached for verdict in longer] == [False, True]


def test_success_passes_and_time_are_held_against_the_best():
    ours = found("advcourse", [1.0, 1.0, float("nan")], forwards=4.1, seconds=1.5)
    held = verdicts([ours, found("adv-lib", [1.0, 1.0, 1.0]), found("foolbox", [1.0, 1.0, 1.0], seconds=1.4)])
    assert [verdict.reached for verdict in held] == [False, True, False, False]
    assert "1.500 of adv-lib's" in held[-1].measured


def test_few_candidates_must_cost_less_and_be_as_close():
    all_of_them = found("advcourse", [1.0, 2.0, 3.0])
    few = {"search": Search("deepfool", 50, candidates=3), "backwards": 9.0, "seconds": 0.6}
    assert few_candidates(all_of_them, found("advcourse", [1.0, 2.0, 3.0], **few)).reached
    assert not few_candidates(all_of_them, found("advcourse", [1.0, 2.1, 3.0], **few)).reached
    assert not few_candidates(all_of_them, found("advcourse", [1.0, 2.0, 3.0], **few | {"seconds": 1.1})).reached
    assert not few_candidates(all_of_them, found("advcourse", [1.0, 2.0, 3.0], **few | {"backwards": 16.0})).reached


def test_the_floor_is_the_formulas():
    assert found("advcourse", [1.0]).floor() == "4.0 + 27.0"
    assert found("advcourse", [1.0], search=Search("deepfool", 50, candidates=3)).floor() == "4.0 + 6.0"
    assert found("advcourse", [1.0], search=Search("carlini_wagner", 100, 9)).floor() == "900 + 900"
