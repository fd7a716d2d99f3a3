"""The table of techniques in README.md, made from the code: ``make docs``.

    python -m docs.techniques

Where a technique is defined and which papers it follows is read from the code, the papers from the ``Source:`` of its
docstring. What code cannot say stands in ``LINES``. Every public name of the rooms is a technique, with a line, or a
part of one; a test fails for a name that is neither.
"""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any, NamedTuple

from docs import architecture

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN, END = "<!-- techniques: written by make docs -->", "<!-- end of techniques -->"
ROOMS = "attacks attacks.physical blackbox certify defenses explain gan geometry keras structured wrappers".split()
"""Those that are there already are looked at."""


class Line(NamedTuple):
    """What is said of a technique beside what its code says.

    Attributes:
        title: its name in the field.
        knows: what the attacker knows or has.
        small: the norm, or what else is bounded or kept small.
        lecture: number of the lecture that teaches it; empty where none does yet.
    """

    title: str
    knows: str
    small: str
    lecture: str


NETWORK = "the network"
TRANSFORMS = "a defense: it transforms"
TRAINS = "a defense: it trains"
GENERATES = "no attack: a pair of losses for a generator and a critic"
LINES = {
    "attacks.fgsm": Line("FGSM, FGM", NETWORK, "linf, l2 or l1", "03"),
    "attacks.ifgsm": Line("I-FGSM", NETWORK, "linf, if at all", "03"),
    "attacks.pgd": Line("PGD", NETWORK, "linf, l2 or l1", "03"),
    "attacks.apgd": Line("Auto-PGD (APGD)", NETWORK, "linf, l2 or l1", "03"),
    "attacks.deepfool": Line("DeepFool", NETWORK, "l2 or linf, minimal", "04"),
    "attacks.carlini_wagner": Line("Carlini & Wagner", NETWORK, "l2, minimal", "04"),
    "attacks.ddn": Line("DDN", NETWORK, "l2, minimal", "04"),
    "attacks.fab": Line("Fast Adaptive Boundary (FAB, FAB-T)", NETWORK, "linf, l2 or l1, minimal", "03"),
    "attacks.square": Line("Square Attack", "the network's scores", "linf, l2 or l1", "07"),
    "attacks.super_deepfool": Line("SuperDeepFool", NETWORK, "l2, minimal", ""),
    "attacks.fmn": Line("FMN", NETWORK, "l0, l1, l2 or linf, minimal", "04"),
    "attacks.pdpgd": Line("PDPGD", NETWORK, "l1, l2 or linf, minimal", ""),
    "attacks.alma": Line("ALMA", NETWORK, "l2, minimal", "04"),
    "attacks.sigma_zero": Line("σ-zero", NETWORK, "l0, minimal", ""),
    "attacks.ead": Line("EAD (elastic net)", NETWORK, "l1, or l1 and l2, minimal", ""),
    "attacks.universal_deepfool": Line(
        "universal perturbation, by DeepFool", "the network, images", "linf or l2", "05"
    ),
    "attacks.universal_sgd": Line("universal perturbation, by ascent", "the network, images", "linf or l2", "05"),
    "attacks.spatial": Line(
        "rotation and translation", "the network's logits; gradients if asked", "shift, angle", "05"
    ),
    "attacks.stadv": Line("spatially transformed (stAdv)", NETWORK, "roughness of the flow, minimal", "05"),
    "wrappers.eot": Line("expectation over transformation", "the network, the transforms", "as in the attack", "05"),
    "attacks.physical.patch": Line("adversarial patch", "the network, images", "area", "05"),
    "attacks.physical.sticker": Line("sticker (RP2)", "the network, pictures of the object", "a mask", "05"),
    "attacks.physical.texture": Line(
        "textured 3-D object", "the network, the object", "linf of the texture, if at all", "05"
    ),
    "attacks.mifgsm": Line("momentum (MI-FGSM)", "the network, or another", "linf", "05"),
    "attacks.difgsm": Line("diverse inputs (DI²-FGSM)", "the network, or another", "linf", "05"),
    "wrappers.bpda": Line(
        "backward pass differentiable approximation (BPDA)", "the network, the defense", "as in the attack", "08"
    ),
    "wrappers.ensemble": Line("ensemble of networks", "other networks", "as in the attack", "05"),
    "defenses.Blur": Line("Gaussian blur", TRANSFORMS, "", "08"),
    "defenses.BitDepth": Line("bit-depth reduction", TRANSFORMS, "", "08"),
    "defenses.JPEG": Line("JPEG compression", TRANSFORMS, "", "08"),
    "defenses.SoftJPEG": Line("differentiable JPEG", TRANSFORMS, "", ""),
    "defenses.DenoisingAutoencoder": Line("denoising autoencoder", TRANSFORMS, "", "08"),
    "defenses.CropResize": Line("random crop and rescale", TRANSFORMS, "", "08"),
    "defenses.ResizePad": Line("random resizing and padding", TRANSFORMS, "", ""),
    "defenses.TotalVariation": Line("pixel drop and total-variation minimisation", TRANSFORMS, "", "08"),
    "defenses.Quilting": Line("image quilting", TRANSFORMS, "", "08"),
    "defenses.adversarial": Line("adversarial training", TRAINS, "as in the attack", "09"),
    "defenses.organic_and_perturbed": Line(
        "adversarial training beside clean images", TRAINS, "as in the attack", "09"
    ),
    "defenses.fast": Line("fast adversarial training (FGSM-RS)", TRAINS, "linf, l2 or l1", "09"),
    "defenses.free": Line("free adversarial training", TRAINS, "linf", "09"),
    "defenses.trades": Line("TRADES", TRAINS, "linf, l2 or l1", "09"),
    "defenses.mart": Line("MART", TRAINS, "as in the attack", "09"),
    "defenses.awp": Line("adversarial weight perturbation", TRAINS, "as in the attack; weights", "09"),
    "defenses.cure": Line("curvature regularisation (CURE)", TRAINS, "the turn of the gradient", "09"),
    "defenses.llr": Line("local linearity regularisation", TRAINS, "linf, l2 or l1", "09"),
    "defenses.advprop": Line("AdvProp", TRAINS, "as in the attack", "09"),
    "defenses.noisy_student": Line("noisy student", TRAINS, "", "09"),
    "defenses.smooth": Line("smooth activations", TRAINS, "", "09"),
    "gan.standard_gan": Line("GAN, saturating or not", GENERATES, "", "12"),
    "gan.lsgan": Line("LSGAN", GENERATES, "", "12"),
    "gan.wgan": Line("WGAN", GENERATES, "the critic's weights", "12"),
    "gan.wgan_gp": Line("WGAN-GP", GENERATES, "the critic's slope", "12"),
    "gan.r3gan": Line("R3GAN", GENERATES, "the critic's slopes at real and made images", "12"),
    "blackbox.transfer_attack": Line("transfer", "other networks; answers", "linf, l2 or l1", "07"),
    "blackbox.substitute": Line("substitute network", "the label", "no attack: a network to attack", "07"),
    "blackbox.nes": Line("NES", "scores", "linf or l2", "07"),
    "blackbox.nes_partial": Line(
        "NES, partial information", "the likeliest classes, their probabilities", "linf", "07"
    ),
    "blackbox.nes_label_only": Line("NES, label only", "the label", "linf", "07"),
    "blackbox.bandits": Line("bandits", "scores", "linf or l2", "07"),
    "blackbox.hop_skip_jump": Line("HopSkipJump", "the label", "l2 or linf, minimal", "07"),
    "structured.flow": Line("smooth motion field", NETWORK, "displacement, roughness", "06"),
    "structured.recolor": Line("recolouring", NETWORK, "linf of the colours; contours stay", "06"),
    "structured.augmented": Line("structured augmentation", TRAINS, "as in the step", "06"),
    "keras.AdversarialRegularization": Line("adversarial regularisation (Keras)", TRAINS, "linf, l2 or l1", "09"),
    "keras.GraphRegularization": Line("graph regularisation (Keras)", TRAINS, "", ""),
    "keras.train_adversarially": Line("adversarial training (Keras)", TRAINS, "as in the attack", ""),
    "keras.fgsm": Line("FGSM, FGM (Keras)", NETWORK, "linf or l2", ""),
    "keras.pgd": Line("PGD (Keras)", NETWORK, "linf or l2", ""),
}
PARTS = {
    "attacks.difgsm": "diversify",
    "attacks.stadv": "flow_loss",
    "attacks.physical.patch": "Patch patch_mask",
    "attacks.physical.sticker": "Sticker bars covered_brightness non_printability printable_colours total_variation",
    "blackbox": "Answers Asked HttpOracle Oracle OracleError QueryBudgetExceeded TopK application serve",
    "blackbox.nes": "nes_gradient",
    "blackbox.nes_label_only": "label_score",
    "blackbox.substitute": "Substitute jacobian_augmentation",
    "defenses": "Defended",
    "defenses.SoftJPEG": "cubic_round",
    "defenses.advprop": "SplitBatchNorm main_batchnorm split_batchnorm",
    "defenses.cure": "curvature_penalty",
    "defenses.noisy_student": "PseudoLabels pseudo_labels soft_loss",
    "defenses.smooth": "SMOOTH_ACTIVATIONS Smooth",
    "defenses.DenoisingAutoencoder": "denoising_loss",
    "defenses.TotalVariation": "smoothed",
    "defenses.Quilting": "sample_patches SoftQuilting",
    "gan": "RING_METHODS RingMethod RingRun RingSnapshot Variant critic_gradients fit generate play_ring slerp",
    "gan.wgan_gp": "gradient_penalty",
    "keras": "build from_torch load",
    "keras.GraphRegularization": "with_neighbors",
    "structured.flow": "derivatives eigenvectors flow_field flow_with_field warp",
    "structured.recolor": "Photometric edge_correlation edge_strength factor pcg photometric_operator recolor_operator "
    "Basis BasisCache basis_operator cache_eigenbases eigenbases eigenbasis learned_basis",
    "structured.augmented": "flow_step recolor_step random_flow_step random_recolor_step",
    "wrappers.ensemble": "Ensemble",
    "wrappers.eot": "Transform compose draw random_lighting random_noise random_rigid",
    "wrappers": "logits_from",
}
"""Public names beside a technique, in its room: what it is made of or returns. Under a room's name: what serves all."""


def room(name: str) -> Any:
    """The package of that room."""
    return importlib.import_module(f"advcourse.{name}")


def public() -> set[str]:
    """All names of the rooms' faces, each with its room."""
    return {f"{name}.{each}" for name in architecture.page_order() if name in ROOMS for each in room(name).__all__}


def listed() -> list[str]:
    """All names that stand in ``LINES`` or ``PARTS``; a name in both stands here twice."""
    parts = [
        (name if name in ROOMS else name.rpartition(".")[0], part) for name in PARTS for part in PARTS[name].split()
    ]
    return [*LINES, *(f"{place}.{part}" for place, part in parts)]


def technique(name: str) -> Any:
    """The function of that name."""
    place, _, function = name.rpartition(".")
    return getattr(room(place), function)


def defined(name: str) -> tuple[Path, str]:
    """File and docstring of a technique, read without importing it: Keras need not be there."""
    place, _, own = name.rpartition(".")
    for file in sorted((ROOT / "advcourse" / place.replace(".", "/")).glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == own:
                return file, ast.get_docstring(node) or ""
    raise ValueError(f"name is {name!r}, expected a function or class defined in a module of its room")


def papers(name: str) -> list[str]:
    """The arXiv ids in the ``Source:`` paragraph of a technique's docstring, in its order."""
    source = re.search(r"^Source: (.+?)(?:\n\n|\Z)", defined(name)[1], flags=re.M | re.S)
    return re.findall(r"arXiv:(\d{4}\.\d{4,5})", source[1]) if source else []


def lecture(number: str) -> Path:
    """The lecture with that number."""
    (file,) = (ROOT / "lectures").glob(f"{number}_*.ipynb")
    return file


def row(name: str) -> str:
    """A technique's line of the table."""
    line = LINES[name]
    file = defined(name)[0].relative_to(ROOT).as_posix()
    taught = f"[{line.lecture}]({lecture(line.lecture).relative_to(ROOT).as_posix()})" if line.lecture else ""
    sources = ", ".join(f"[{each}](https://arxiv.org/abs/{each})" for each in papers(name)) or "see the docstring"
    return f"| {line.title} | [`{name}`]({file}) | {line.knows} | {line.small} | {taught} | {sources} |"


def table() -> str:
    """All techniques, in Markdown."""
    head = "| technique | function | the attacker has | kept small | lecture | arXiv |\n|---|---|---|---|---|---|"
    return "\n".join([head, *(row(name) for name in LINES)])


def written(text: str) -> str:
    """A text with the table of today between its two markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(
            f"the text has no {BEGIN!r} with {END!r} after it, expected both: the table stands between them"
        )
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def main() -> None:
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote the table of {len(LINES)} techniques into {README.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
