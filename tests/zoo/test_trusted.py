"""Networks by name through the trusted evaluation: on their own data, from the command line, onto their cards."""

import json

import pytest

from advcourse import __main__ as cli
from advcourse.zoo import trusted, weights
from tests.support.refusals import refused


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mnist/cnn-robust", "mnist"),
        ("fashion-mnist/cnn", "fashion-mnist"),
        ("cifar10/resnet20", "cifar10"),
        ("gtsrb/cnn", "gtsrb"),
        ("reference/robust_cifar10_resnet2b", "cifar10"),
        ("reference/certified_fashion_mnist", "fashion-mnist"),
        ("reference/certified_mnist_0_3", "mnist"),
    ],
)
def test_a_name_tells_its_data_set(name, expected):
    assert trusted.dataset_of(name) == expected
    assert name in weights.names()


def test_a_name_that_tells_none_is_refused():
    for name in ("imagenet/mobilenet_v2", "imagenet", "resnet"):
        with refused("name is .*expected one that tells its data set"):
            trusted.dataset_of(name)


def test_every_card_has_what_is_trusted():
    """Three norms with their radii for the robust network, one or more for the others."""
    for name in weights.CLASSIFIERS:
        found = weights.card(name).get("trusted", [])
        assert found, f"{name}: python -m advcourse evaluate {name} --eps … --card"
        for each in found:
            assert 0 <= each["interval"][0] <= each["robust_accuracy"] <= each["interval"][1] <= 1
            assert each["images"] >= 50 and each["eps"] > 0 and each["attacks"] in ("fast", "standard")
    robust = {each["norm"] for each in weights.card("mnist/cnn-robust")["trusted"]}
    assert robust == {"linf", "l2", "l1"}


def test_from_the_command_line(tmp_path, capsys, own_cache, offline):
    """On the digits that stand in for MNIST. All fall in the smaller ball, so that the greater needs no file."""
    file = tmp_path / "report.json"
    arguments = ["evaluate", "mnist/cnn", "--norm", "l2", "--eps", "6", "7", "--images", "2"]
    arguments += ["--device", "cpu", "--json", str(file), "--checkpoint", str(tmp_path / "run.pt")]
    assert cli.main(arguments) == 0
    said = capsys.readouterr().out
    content = json.loads(file.read_text())
    assert "robust accuracy" in said and [level["eps"] for level in content["levels"]] == [6, 7]
    assert content["images"] == 2 and content["attacks"] == "fast" and len(list(tmp_path.glob("run-*.pt"))) == 2


def test_bad_arguments_are_one_line(capsys):
    assert cli.main(["evaluate", "nosuch/network", "--eps", "0.1"]) == 2
    assert capsys.readouterr().err.startswith("error: name is 'nosuch/network', expected")
    assert cli.main(["evaluate", "mnist/cnn", "--eps", "0.2", "0.1", "--device", "cpu"]) == 2
    assert "expected radii that ascend" in capsys.readouterr().err


def test_a_card_is_written_anew_where_it_speaks_of_the_same_ball(tmp_path, own_cache, offline):
    name, card = "mnist/cnn", weights.card("mnist/cnn")
    card.pop("trusted", None)
    (tmp_path / "mnist-cnn.json").write_text(json.dumps(card))
    report = trusted.robustness(name, norm="linf", eps=[0.3, 0.4], images=2)
    first = trusted.on_card(name, report, tmp_path)
    assert {key: value for key, value in first.items() if key != "trusted"} == card
    assert [(each["norm"], each["eps"]) for each in first["trusted"]] == [("linf", 0.3), ("linf", 0.4)]
    report = trusted.robustness(name, norm="linf", eps=0.4, images=3)
    again = trusted.on_card(name, report, tmp_path)
    assert [each["images"] for each in again["trusted"]] == [2, 3]
    assert json.loads((tmp_path / "mnist-cnn.json").read_text()) == again
