"""Draws the README's picture, docs/picture.png: ``python docs/picture.py``.

Two photographs that scikit-image brings, the ImageNet network at hand, signed noise and a PGD perturbation of
the same size. Titles are what the network says, measured in this run.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import torch

from advcourse import attacks, data, models, plots

EPS = 2 / 255


def main() -> None:
    images, labels, classes = data.load("photos")
    model = models.load("imagenet")
    with torch.no_grad():
        right = (model(images).argmax(1) == labels).nonzero()[:2, 0]
    images, labels = images[right], labels[right]
    random = torch.Generator().manual_seed(0)
    noise = EPS * torch.randint(0, 2, images.shape, generator=random).mul(2).sub(1)
    adversarial = attacks.pgd(model, images, labels, eps=EPS, steps=10)

    def says(inputs):
        with torch.no_grad():
            confidence, guess = model(inputs).softmax(1).max(1)
        return [f"{classes[k]}, {p:.0%}" for k, p in zip(guess, confidence, strict=True)]

    magnified, factor = plots.magnify(adversarial - images)
    columns = [
        (images, says(images)),
        ((images + noise).clamp(0, 1), says((images + noise).clamp(0, 1))),
        (magnified, [f"perturbation × {factor}"] * 2),
        (adversarial, says(adversarial)),
    ]
    heads = ("photograph", "+ random signs, ±2/255", "what PGD adds", "+ PGD, at most 2/255")
    figure, axes = plt.subplots(2, 4, figsize=(9.2, 5.0), constrained_layout=True)
    for column, (head, (pictures, titles)) in enumerate(zip(heads, columns, strict=True)):
        for row in range(2):
            plots.draw_image(axes[row, column], pictures[row], titles[row])
        axes[0, column].set_title(f"{head}\n\n{titles[0]}", fontsize=9)
    target = Path(__file__).with_name("picture.png")
    figure.savefig(target, dpi=80)
    print(target.name, *(f"{head}: {titles}" for head, (_, titles) in zip(heads, columns, strict=True)), sep="\n")


if __name__ == "__main__":
    main()
