"""The worst case over several attacks: exact on affine models, of one piece, and the same however it was computed."""

import json
import math
import socket
import warnings
from functools import partial

import jsonschema
import pytest
import torch
import torch.distributed
import torch.multiprocessing
from scipy.stats import binomtest

from advcourse import attacks, plots
from advcourse.evaluation import ROBUSTNESS_SCHEMA, autoattack, evaluate_robustness
from tests.evaluation.maskings import Rounded
from tests.support.affine import affine, exact_distance, length, scattered
from tests.support.refusals import refused
from tests.support.scenes import scene
from tests.support.toys import Breaks, Constant
from tests.support.traces import unchanged, undrawn

SHORT = {
    "APGD": partial(attacks.apgd, steps=10),
    "FAB": partial(attacks.fab, steps=10),
    "Square": partial(attacks.square, queries=40),
}


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def between(distance):
    """A radius between two of the distances, so that half of the images are within it."""
    ordered = distance.sort().values
    middle = len(ordered) // 2
    return ((ordered[middle - 1] + ordered[middle]) / 2).item()


@pytest.mark.parametrize(("norm", "attacks"), [("linf", "fast"), ("l2", "fast"), ("linf", "standard")])
def test_on_affine_models_robust_accuracy_is_exact(norm, attacks):
    model, images = affine(4), scattered(8)
    labels = model(images).argmax(1)
    exact = exact_distance(model, images, labels, norm)
    eps = between(exact)
    report = evaluate_robustness(model, images, labels, eps=eps, norm=norm, attacks=attacks)
    assert report.robust_accuracy == 0.5 and torch.equal(report.fooled, exact <= eps)
    assert (report.distance >= exact * (1 - 1e-9)).all() and (report.distance / exact).max() < 1.05
    assert (length(report.adversarial - images, norm) <= eps * (1 + 1e-6)).all()
    assert torch.equal(model(report.adversarial).argmax(1) != labels, report.fooled)


def test_a_list_of_radii_is_what_each_of_them_is():
    model, images = affine(4), scattered(12)
    labels = model(images).argmax(1)
    exact = exact_distance(model, images, labels, "l2")
    radii = (exact.sort().values[[2, 6, 9]] * 1.02).tolist()
    report = evaluate_robustness(model, images, labels, eps=radii, norm="l2", attacks=SHORT, curve=False)
    assert [level.robust_accuracy for level in report.levels] == [(exact > eps).double().mean().item() for eps in radii]
    assert [part.eps for part in report.parts] == [eps for eps in radii for _ in (*SHORT, "random signs")]
    assert report.eps == radii[-1] and report.robust_accuracy == report.levels[-1].robust_accuracy
    shown = [part.tried for part in report.parts[::4]]
    assert shown == [
        12,
        *(int((exact > eps).sum()) for eps in radii[:2]),
    ]  # not what a smaller ball fools


def test_the_curve_is_the_share_of_greater_distances():
    model, images, labels = scene(12)
    report = evaluate_robustness(model, images, labels, eps=0.5, norm="l2", attacks=SHORT)
    radii = [0.0, 0.1, 0.3, 0.5, 1.0]
    assert report.curve(radii) == [(report.distance > eps).double().mean().item() for eps in radii]
    assert report.curve([0.5]) == [report.robust_accuracy]
    without = evaluate_robustness(model, images, labels, eps=0.5, norm="l2", attacks=SHORT, curve=False)
    with refused("distance is None, expected"):
        without.curve([0.1])


def test_the_way_to_what_spent_the_whole_radius_is_bisected():
    """Without a gradient the minimal-norm attacks find nothing, and Square goes as far as it may."""
    network, images, _ = scene(6)
    model = Rounded(network)
    labels = model(images).argmax(1)
    settings = {"eps": 0.2, "attacks": {"Square": partial(attacks.square, queries=300)}}
    report = evaluate_robustness(model, images, labels, **settings)
    fooled = report.fooled
    assert fooled.sum() >= 4 and (length(report.adversarial - images, "linf")[fooled] > 0.19).all()
    assert (report.distance[fooled] < 0.2).all() and (report.distance[fooled] < 0.18).any()
    assert report.curve([0.2]) == [report.robust_accuracy] and report.missed.numel() == 0


def test_what_bisection_finds_at_a_smaller_radius_is_no_miss():
    """The minimal-norm attacks see no gradient: what lies within 0.18 was found on the way to what Square found."""
    network, images, _ = scene(6)
    model = Rounded(network)
    labels = model(images).argmax(1)

    def late(model, images, labels, *, eps, seed, indices):
        found = partial(attacks.square, eps=eps, queries=300, seed=seed, indices=indices)
        return found(model, images, labels) if eps > 0.18 else images.clone()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = evaluate_robustness(model, images, labels, eps=[0.18, 0.2], attacks={"late": late})
    found = [part.fooled for part in report.parts if part.eps in (0.18, None)]
    assert not any(found) and report.missed.numel() == 0
    assert report.levels[0].robust_accuracy < 1 and report.curve([0.18]) == [report.levels[0].robust_accuracy]


def test_what_the_minimal_norm_attack_alone_finds_is_counted_and_said():
    model, images, labels = scene(12)
    nothing = {"nothing": lambda model, images, labels: images.clone()}
    with pytest.warns(UserWarning, match=r"minimal-norm attacks find .* within eps=100 .*: \d+ images, numbers \d"):
        report = evaluate_robustness(model, images, labels, eps=100.0, norm="l2", attacks=nothing)
    assert report.robust_accuracy == 0 and len(report.missed) >= 8 and report.fooled.all()
    assert (model(report.adversarial).argmax(1) != labels).all()
    assert f"{len(report.missed)} images were fooled by minimal-norm attacks alone" in str(report)


def test_the_misclassified_are_lost_before_and_not_attacked():
    model, images, labels = scene(8)
    wrong = labels.clone()
    wrong[:3] = (labels[:3] + 1) % 4
    report = evaluate_robustness(model, images, wrong, eps=1e-4, attacks=SHORT)
    assert report.clean_accuracy == report.robust_accuracy == 5 / 8
    assert report.attacked.tolist() == [False] * 3 + [True] * 5 and not report.fooled.any()
    assert report.distance[:3].tolist() == [0, 0, 0] and report.parts[0].tried == 5
    nobody = evaluate_robustness(model, images, (labels + 1) % 4, eps=0.1, attacks=SHORT)
    assert nobody.clean_accuracy == nobody.robust_accuracy == 0 and nobody.parts[0].tried == 0


def test_no_radius_at_all_is_clean_accuracy():
    model, images, labels = scene(6)
    for version in ("standard", "fast", "plus", "rand"):
        report = evaluate_robustness(model, images, labels, eps=0.0, attacks=version, curve=False)
        assert report.robust_accuracy == 1 and torch.equal(report.adversarial, images)


def test_intervals_are_wilsons():
    model, images, labels = scene(12)
    report = evaluate_robustness(model, images, labels, eps=0.02, attacks=SHORT)
    kept = round(12 * report.robust_accuracy)
    assert 0 < kept < 12
    expected = binomtest(kept, 12).proportion_ci(0.95, method="wilson")
    assert report.interval == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_the_scale_of_the_logits_changes_nothing():
    model, images, labels = scene(8)
    model, images = model.float(), images.float()
    found = [
        evaluate_robustness(lambda x, by=scale: by * model(x), images, labels, eps=0.02, curve=False).robust_accuracy
        for scale in (1.0, 50.0, 1000.0)
    ]
    assert 0 < found[0] < 1 and max(found) - min(found) <= 0.005


def test_batches_order_stops_and_seeds(tmp_path):
    model, images, labels = scene(8)
    settings = {"eps": [0.02, 0.04], "attacks": SHORT}
    whole = evaluate_robustness(model, images, labels, **settings)
    again = evaluate_robustness(model, images, labels, batch_size=3, checkpoint=tmp_path / "run.pt", **settings)
    assert torch.equal(whole.fooled, again.fooled) and whole.levels == again.levels
    torch.testing.assert_close(whole.adversarial, again.adversarial, rtol=0, atol=1e-9)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run-0.pt", "run-1.pt", "run-closest.pt"]

    finished = evaluate_robustness(model, images, labels, batch_size=3, checkpoint=tmp_path / "run.pt", **settings)
    assert finished.levels == whole.levels and [p.forwards for p in finished.parts] == [p.forwards for p in again.parts]
    with refused("checkpoint is of a run with other seed, expected"):
        evaluate_robustness(model, images, labels, checkpoint=tmp_path / "run.pt", seed=1, **settings)


def test_no_trace_is_left_and_the_global_state_is_not_read():
    model, images, labels = scene(6)
    with undrawn(), unchanged(model.train(), images, labels):
        evaluate_robustness(model, images, labels, eps=0.05, attacks=SHORT)
        autoattack(model, images[:2], labels[:2], eps=0.05, version="fast")


def test_autoattack_returns_the_reports_images():
    model, images, labels = scene(3)
    report = evaluate_robustness(model, images, labels, eps=0.5, norm="l2", attacks="fast", curve=False)
    assert torch.equal(autoattack(model, images, labels, eps=0.5, norm="l2", version="fast"), report.adversarial)


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("version", ["standard", "plus"])
def test_few_classes_take_the_margin(classes, version):
    model, images = affine(classes), scattered(4)
    labels = model(images).argmax(1)
    eps = 1.01 * exact_distance(model, images, labels, "linf").max().item()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = evaluate_robustness(model, images, labels, eps=eps, attacks=version, curve=False)
    assert report.robust_accuracy == 0


def test_a_model_that_answers_nan_when_attacked_is_not_robust():
    images = torch.full((3, 1, 4, 4), 0.5, dtype=torch.float64)
    model, labels = Breaks(0.4), torch.ones(3, dtype=torch.int64)
    darker = {"darker": lambda model, images, labels: images - 0.2}
    report = evaluate_robustness(model, images, labels, eps=0.3, attacks=darker, curve=False)
    assert report.clean_accuracy == 1 and report.robust_accuracy == 0

    def anywhere(x):
        moved = (x != images[: len(x)]).flatten(1).any(1, keepdim=True)
        return model(x).masked_fill(moved, torch.nan)

    found = evaluate_robustness(anywhere, images, labels, eps=0.3, attacks=SHORT)  # random signs meet it
    assert found.robust_accuracy == 0 and found.adversarial.isfinite().all()


def test_a_constant_model_is_robust_and_its_gradient_is_said_to_vanish():
    images = torch.full((3, 1, 4, 4), 0.5, dtype=torch.float64)
    report = evaluate_robustness(Constant(), images, torch.zeros(3, dtype=torch.int64), eps=0.3, attacks=SHORT)
    assert report.robust_accuracy == 1 and "the first gradient vanished at 3 images: see diagnose" in str(report)


def test_text_markdown_and_json_hold_the_same():
    model, images, labels = scene(8)
    report = evaluate_robustness(model, images, labels, eps=[0.02, 0.04], attacks=SHORT)
    head, *rows = report.rows()
    assert head == ["attack", "ε", "shown", "fooled", "alone", "passes an image", "seconds"] and len(rows) == 10
    text, markdown = str(report), report.to_markdown()
    for row in rows:
        assert "| " + " | ".join(row) + " |" in markdown
        assert any(line.split() == " ".join(row).split() for line in text.splitlines())
    assert f"robust accuracy {report.robust_accuracy:.1%} at linf 0.04" in text and "seed 0" in markdown
    content = json.loads(report.to_json())
    jsonschema.validate(content, ROBUSTNESS_SCHEMA)
    assert [level["robust_accuracy"] for level in content["levels"]] == [x.robust_accuracy for x in report.levels]
    assert content["fooled"] == report.fooled.nonzero()[:, 0].tolist() and len(content["distance"]) == 8
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content | {"clean_accuracy": 1.5}, ROBUSTNESS_SCHEMA)


class Hidden(torch.nn.Module):
    """Another network, held where nothing describes it."""

    def __init__(self, network):
        super().__init__()
        self._held = [network]

    def forward(self, x):
        return self._held[0](x)


def test_a_checkpoint_is_of_what_the_model_answers(tmp_path):
    model, images, _ = scene(6)
    labels, file = torch.zeros(6, dtype=torch.int64), tmp_path / "run.pt"
    pgd = {"PGD": partial(attacks.pgd, steps=3)}
    evaluate_robustness(Hidden(Constant(4)), images, labels, eps=0.1, attacks=pgd, curve=False, checkpoint=file)
    with refused("checkpoint is of a run with other model"):
        evaluate_robustness(Hidden(model), images, labels, eps=0.1, attacks=pgd, curve=False, checkpoint=file)


def test_attacks_cannot_touch_what_they_are_judged_by():
    model, images, labels = scene(6)
    before = images.clone(), labels.clone()

    def moves_the_images(model, images, labels, *, eps):
        return images.copy_(images.flip(3))

    def moves_the_labels(model, images, labels, *, eps):
        labels.fill_(0)
        return images

    def trains(net, images, labels, *, eps):
        model.train()
        return images

    with refused(r"the attack's result \(a\) is .* from image number"):
        evaluate_robustness(model, images, labels, eps=1e-3, attacks={"a": moves_the_images}, curve=False)
    report = evaluate_robustness(model, images, labels, eps=1e-9, attacks={"b": moves_the_labels}, curve=False)
    assert report.robust_accuracy == 1 and torch.equal(images, before[0]) and torch.equal(labels, before[1])
    modes = []

    def looks(net, images, labels, *, eps):
        modes.append(model.training)
        return images

    evaluate_robustness(model, images, labels, eps=0.03, attacks={"trains": trains, "looks": looks}, curve=False)
    assert modes == [False]


def test_attacks_of_the_caller_that_seek_distance_need_no_ball():
    model, images, labels = scene(6)
    near = {"DDN": partial(attacks.ddn, steps=20), "anything": partial(attacks.fab, norm="l2", steps=5)}
    report = evaluate_robustness(model, images, labels, eps=1e-3, norm="l2", attacks=near, curve=False)
    assert report.robust_accuracy == 1


def test_a_miss_at_a_smaller_radius_is_said_too():
    model, images, labels = scene(6)

    def lazy(model, images, labels, *, eps):
        return attacks.pgd(model, images, labels, eps=eps) if eps > 0.1 else images.clone()

    with pytest.warns(UserWarning, match=r"within eps=0.09, 0.3 \(linf\)"):
        report = evaluate_robustness(model, images, labels, eps=[0.09, 0.3], attacks={"lazy": lazy})
    assert report.levels[0].robust_accuracy < 1
    assert report.parts[2].fooled == 6 and report.missed.numel() == 0  # none at the largest radius
    assert "minimal-norm attacks alone" not in str(report)


def test_one_image_is_said_as_one():
    model, images, labels = scene(1)
    nothing = {"nothing": lambda model, images, labels: images.clone()}
    with pytest.warns(UserWarning, match="found any: image 0. It is counted;"):
        report = evaluate_robustness(model, images, labels, eps=1.0, norm="l2", attacks=nothing)
    said = str(report)
    assert "(1 image)" in said and "1 image was fooled by minimal-norm attacks alone: see diagnose" in said


class Flips(torch.nn.Module):
    """Another network, which answers wrongly in some of the passes."""

    def __init__(self, network, share):
        super().__init__()
        self.network, self.share, self.generator = network, share, torch.Generator().manual_seed(0)

    def forward(self, x):
        logits = self.network(x)
        wrong = torch.rand(len(x), 1, generator=self.generator) < self.share
        return torch.where(wrong, logits.roll(1, 1), logits)


def test_one_unlucky_draw_does_not_save_an_image_and_single_draws_are_said():
    network, images, labels = scene(12)
    report = evaluate_robustness(Flips(network, 0.3), images, labels, eps=0.3, attacks="rand", curve=False)
    assert report.fooled[report.attacked].all()
    with pytest.warns(UserWarning, match='attacks is "fast", whose attacks follow a single draw'):
        report = evaluate_robustness(Flips(network, 0.3), images[:2], labels[:2], eps=0.3, curve=False)
    assert 'take attacks="rand"' in str(report)


def test_the_curve_of_a_random_model_starts_at_its_clean_accuracy_and_meets_its_levels():
    network, images, labels = scene(12)
    pgd = {"PGD": partial(attacks.pgd, steps=3)}
    report = evaluate_robustness(Flips(network, 0.4), images, labels, eps=[0.0, 0.01, 0.3], attacks=pgd)
    assert report.random and 0 < report.clean_accuracy < 0.8
    assert report.curve([0.0]) == [pytest.approx(report.clean_accuracy)]
    levels = [level.robust_accuracy for level in report.levels]
    assert report.curve([0.0, 0.01, 0.3]) == pytest.approx(levels) and levels[0] == pytest.approx(report.clean_accuracy)


def test_radii_may_be_a_tensor_and_inference_mode_is_left():
    model, images, labels = scene(4)
    radii = torch.tensor([0.02, 0.04])
    plain = evaluate_robustness(model, images, labels, eps=radii.tolist(), attacks=SHORT)
    with torch.inference_mode():
        report = evaluate_robustness(model, images, labels, eps=radii, attacks=SHORT)
    assert [level.robust_accuracy for level in report.levels] == [level.robust_accuracy for level in plain.levels]
    with refused("eps is 0.1, expected radii"):
        report.curve(0.1)


def test_the_figure_shows_curve_and_intervals():
    model, images, labels = scene(8)
    report = evaluate_robustness(model, images, labels, eps=[0.02, 0.04], attacks=SHORT)
    ax = plots.robustness_curve(report)
    step = ax.get_lines()[0].get_xydata()
    assert all(y == report.curve([x])[0] for x, y in step)
    assert [t.get_text() for t in ax.get_legend().get_texts()][0] == "from each image's distance"
    assert plots.robustness_curve(evaluate_robustness(model, images, labels, eps=0.02, attacks=SHORT, curve=False))


def work(rank, port, folder):
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", init_method=f"tcp://localhost:{port}", rank=rank, world_size=2)
    model, images, labels = scene(9)
    report = evaluate_robustness(model, images, labels, eps=[0.02, 0.04], attacks=SHORT, checkpoint=f"{folder}/run.pt")
    (folder / f"{rank}.json").write_text(report.to_json())
    torch.save(report.adversarial, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_give_the_report_of_one(tmp_path, free_port):
    torch.multiprocessing.spawn(work, (free_port, tmp_path), nprocs=2)
    model, images, labels = scene(9)
    alone = evaluate_robustness(model, images, labels, eps=[0.02, 0.04], attacks=SHORT)
    one, other = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert one == other
    expected = json.loads(alone.to_json())
    for content in (one, expected):
        content.pop("versions")
        content["parts"] = [
            {key: value for key, value in part.items() if key != "seconds"} for part in content["parts"]
        ]
    assert one.pop("distance") == pytest.approx(expected.pop("distance"), abs=1e-9)
    assert one == expected
    torch.testing.assert_close(torch.load(tmp_path / "0.pt"), alone.adversarial, rtol=0, atol=1e-9)
    files = sorted(file.name for file in tmp_path.glob("run*"))
    assert files == [f"run-{part}-{rank}of2.pt" for part in ("0", "1", "closest") for rank in (0, 1)]


@pytest.mark.parametrize(
    "name, given",
    [
        ("eps", {"eps": -0.1}),
        ("eps", {"eps": math.nan}),
        ("eps", {"eps": []}),
        ("eps", {"eps": [0.2, 0.1]}),
        ("eps", {"eps": [0.1, 0.1]}),
        ("eps", {"eps": "0.1"}),
        ("norm", {"norm": "l0"}),
        ("attacks", {"attacks": "slow"}),
        ("attacks", {"attacks": {}}),
        ("attacks", {"attacks": {"a": 1}}),
        ("attacks", {"attacks": {0: attacks.pgd}}),
        ("attacks", {"attacks": [attacks.pgd]}),
        ("attacks holds 'random signs'", {"attacks": {"random signs": attacks.fgsm}}),
        ("seed", {"seed": -1}),
        ("batch_size", {"batch_size": 0}),
        ("labels", {"labels": torch.tensor([0, 1])}),
        ("model", {"model": "a network"}),
    ],
)
def test_refusals(name, given):
    model, images, labels = scene(4)
    with refused(f"{name}.*expected", given):
        evaluate_robustness(**({"model": model, "images": images, "labels": labels, "eps": 0.1} | given))


def test_refusals_of_autoattack():
    model, images, labels = scene(4)
    for name, bad in {"eps": -1.0, "norm": "l0", "version": "slow", "seed": -1, "batch_size": 0}.items():
        with refused(f"{name}.*expected"):
            autoattack(model, images, labels, **{"eps": 0.1, name: bad})
    with refused("indices.*expected"):
        autoattack(model, images, labels, eps=0.1, indices=torch.arange(3))


@pytest.mark.parametrize("run", ["autoattack", "evaluate_robustness"])
@pytest.mark.parametrize("bad", ["", ".", "folder", "file/run.pt", "file/below/run.pt", 3, "a" * 300])
def test_a_checkpoint_that_cannot_be_written_is_refused_before_any_attack(tmp_path, monkeypatch, run, bad):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    model, images, labels = scene(2)
    calls = []
    named = {} if run == "autoattack" else {"attacks": {"a": lambda m, x, y: calls.append(x) or x}}
    judge = {"autoattack": autoattack, "evaluate_robustness": evaluate_robustness}[run]
    with refused(f"checkpoint is {bad!r}, expected a file that can be written"):
        judge(model, images, labels, eps=0.1, checkpoint=bad, **named)
    assert not calls and sorted(each.name for each in tmp_path.iterdir()) == ["file", "folder"]


class Pairs(torch.nn.Module):
    """Another network, which takes two images or more."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        assert len(x) > 1, "a batch of one"
        return self.network(x)


def test_a_model_that_refuses_one_image_is_judged():
    model, images, labels = scene(4)
    still = {"still": lambda model, images, labels: images}
    report = evaluate_robustness(Pairs(model), images, labels, eps=0.1, attacks=still, curve=False, batch_size=2)
    assert report.parts[0].tried == 4
    assert torch.equal(autoattack(Pairs(model), images, labels, eps=0.0, batch_size=2), images)
