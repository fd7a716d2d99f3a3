"""`python -m advcourse`: what is at hand (info), fetch a data set (data NAME), train a shipped network (train NAME),
optimise a shipped perturbation (craft NAME), repeat a shipped comparison (study NAME)."""

import argparse
import datetime
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path

import torch

from advcourse import __version__, attacks, crafted, data, evaluate, models, runtime, studies, training
from advcourse.recipes import RECIPES, Recipe
from advcourse.validation import check_count

ROBUST_STEPS, ROBUST_STEP_SIZE = 40, 0.01


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m advcourse", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="versions, device, and which data and weights are at hand")
    fetch = commands.add_parser("data", help="locate or download a data set and say what is in it")
    fetch.add_argument("name", help=", ".join(data.NAMES))
    train = commands.add_parser("train", help="train a shipped network by its recipe")
    train.add_argument("name", help=", ".join(RECIPES))
    train.add_argument("--epochs", type=int, help="default: the recipe's")
    train.add_argument("--device", choices=("cpu", "cuda", "mps"), help="default: the best at hand")
    train.add_argument("--out", type=Path, default=models.WEIGHTS, help="folder of the weights and model card")
    train.add_argument("--checkpoint", type=Path, help="default: in the cache folder")
    train.add_argument("--resume", action=argparse.BooleanOptionalAction, default=True,
                       help="go on from the checkpoint of a run that was stopped (default)")  # fmt: skip
    make = commands.add_parser("craft", help="optimise a shipped perturbation again and measure it")
    make.add_argument("name", help=", ".join(crafted.CRAFTS))
    make.add_argument("--device", choices=("cpu", "cuda", "mps"), help="default: the best at hand")
    make.add_argument("--out", type=Path, default=crafted.FOLDER, help="folder of the file and its card")
    study = commands.add_parser("study", help="train the networks of a shipped comparison again")
    study.add_argument("name", choices=("augmentation",))
    study.add_argument(
        "--arms",
        nargs="+",
        default=studies.ARMS[:3],
        choices=studies.ARMS + studies.CONTROLS,
        metavar="ARM",
        help=f"of {', '.join(studies.ARMS + studies.CONTROLS)}; default: the first three",
    )
    study.add_argument("--seeds", type=int, default=5, help="how many, from 0 (%(default)s)")
    for field in fields(studies.Settings):
        study.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default,
                           help="(%(default)s)")  # fmt: skip
    study.add_argument("--workers", type=int, default=1, help="processes that find eigenbases (%(default)s)")
    study.add_argument("--device", choices=("cpu", "cuda", "mps"), help="default: the best at hand")
    study.add_argument("--out", type=Path, default=studies.FOLDER, help="folder of the table")
    args = parser.parse_args(arguments)
    try:
        if args.command == "info":
            info()
        elif args.command == "data":
            describe_data(args.name)
        elif args.command == "craft":
            device = torch.device(args.device) if args.device else runtime.device()
            show_card(crafted.craft(args.name, device, args.out))
        elif args.command == "study":
            settings = studies.Settings(**{field.name: getattr(args, field.name) for field in fields(studies.Settings)})
            device = torch.device(args.device) if args.device else runtime.device()
            made = studies.augmentation(args.arms, args.seeds, settings, device, folder=args.out, workers=args.workers)
            print(studies.summary(made).round(4).to_string())
        else:
            train_recipe(args.name, args.epochs, args.device, args.out, args.checkpoint, args.resume)
    except (ValueError, RuntimeError, OSError, FloatingPointError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        resumes = args.command == "study" or (args.command == "train" and args.resume)
        print("\nstopped" + "; the same command goes on where it stopped" * resumes, file=sys.stderr)
        return 130
    return 0


def info() -> None:
    """Print versions and device, where each data set is, and which weights are at hand."""
    for name, value in runtime.describe().items():
        print(f"{name:18} {value}")
    print(f"\ndata (ADVCOURSE_DATA is {os.environ.get('ADVCOURSE_DATA') or 'not set'}, cache {data.cache_folder()})")
    for name, place in data.available().items():
        print(f"{name:18} {place or 'not here'}")
    print("\nweights")
    for name in models.ARCHITECTURES:
        print(f"{name:34} {_shipped(name)}")
    for name in crafted.CRAFTS:
        print(f"{name:34} {crafted.card(name)['measured'] if crafted.file(name).is_file() else 'not here'}")
    for name in models.REFERENCES:
        root = os.environ.get("ADVCOURSE_DATA")
        file = Path(Path(root or "").expanduser(), "weights", name.removeprefix("reference/") + ".safetensors")
        print(f"{name:34} {file if root and file.is_file() else 'not here'}")


def _shipped(name: str) -> str:
    if not models.weight_file(name).is_file():
        return f"not here; make it with python -m advcourse train {name}"
    card = models.card(name)
    robust = card.get("robust_accuracy")
    return f"test accuracy {card['accuracy']:.2%}" + (f", {robust:.2%} under {card['attack']}" if robust else "")


def describe_data(name: str) -> None:
    """Load a data set, downloading it where need be, and print its place, shapes, classes and pixel statistics."""
    for split in ("train", "test"):
        try:
            images, labels, classes = data.load(name, split)
        except ValueError:
            if name in data.NAMES and split == "train":  # photographs have no training part
                continue
            raise
        spread = ", ".join(f"{m:.4f} ± {s:.4f}" for m, s in zip(images.mean((0, 2, 3)), images.std((0, 2, 3)),
                                                                strict=True))  # fmt: skip
        print(f"{name} {split}: images {tuple(images.shape)}, labels {tuple(labels.shape)}, {len(classes)} classes")
        print(f"  pixels in [{images.min():.3g}, {images.max():.3g}], mean ± standard deviation {spread}")
    print(f"  classes: {', '.join(classes[:10])}{' …' if len(classes) > 10 else ''}")
    print(f"  from: {data.available()[name] or 'a stand-in'}")


def train_recipe(
    name: str, epochs: int | None, device: str | None, out: Path, checkpoint: Path | None, resume: bool
) -> None:
    """Train a shipped network by its recipe, measure it on the test set, write its weights and model card.

    Raises:
        ValueError: unknown name, or a device that is not there.
        FileNotFoundError: the data set is not at hand (a stand-in would make other weights under this name).
    """
    if name not in RECIPES:
        raise ValueError(f"unknown network {name!r}; there is a recipe for {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    epochs = recipe.epochs if epochs is None else epochs
    check_count(epochs=epochs)
    state = training.accelerator_state(device)
    images, labels, _ = data.load(recipe.data, "train", stand_in=False)
    test_images, test_labels, _ = data.load(recipe.data, "test", stand_in=False)

    torch.manual_seed(recipe.seed)
    model = models.build(name).to(state.device)
    optimizer = recipe.optimizer(model.parameters(), lr=recipe.lr)
    steps = epochs * training.steps_per_epoch(len(labels), recipe.batch_size)
    sample = data.load(recipe.data, "test", n=1000)[:2]
    clock = time.perf_counter()

    def report(model: torch.nn.Module, record: dict) -> dict:
        nonlocal clock
        minutes, clock = (time.perf_counter() - clock) / 60, time.perf_counter()
        shown = training.accuracy(model, *sample)
        print(f"\nepoch {record['epoch']}: loss {record['loss']:.4f}, {shown:.1%} of 1000 test images, "
              f"{minutes:.1f} min", flush=True)  # fmt: skip
        return {"minutes": minutes}

    history = training.fit(
        model, (images, labels), recipe.loss(steps), epochs=epochs, optimizer=optimizer,
        scheduler=recipe.schedule(optimizer, steps), batch_size=recipe.batch_size, augment=recipe.augment,
        seed=recipe.seed, checkpoint=checkpoint or data.cache_folder() / "checkpoints" / f"{name.replace('/', '-')}.pt",
        resume=resume, mixed_precision=recipe.mixed_precision, on_epoch_end=report,
    )  # fmt: skip
    if state.is_main_process:
        facts = _facts(name, recipe, epochs, state, history)
        card = models.save(name, model, facts | measure(model, recipe, test_images, test_labels), out)
        show_card(card)


def show_card(card: dict) -> None:
    """Print a card, a line for each entry."""
    print("\n".join(f"{key:16} {value}" for key, value in card.items()))


def measure(model: torch.nn.Module, recipe: Recipe, images: torch.Tensor, labels: torch.Tensor) -> dict:
    """Accuracy on the test images and, for a robust recipe, under PGD from a random start."""
    facts = {"test_images": len(labels), "accuracy": training.accuracy(model, images, labels)}
    if recipe.eps is None:
        return facts
    device = next(model.parameters()).device
    options = {"eps": recipe.eps, "steps": ROBUST_STEPS, "step_size": ROBUST_STEP_SIZE, "random_start": True}
    attack = partial(attacks.pgd, **options, generator=torch.Generator(device).manual_seed(recipe.seed))
    report = evaluate.evaluate(model, attack, images.to(device), labels.to(device))
    text = f"pgd({', '.join(f'{key}={value}' for key, value in options.items())})"
    return facts | {"robust_accuracy": report.robust_accuracy, "attack": text}


def _facts(name: str, recipe: Recipe, epochs: int, state: object, history: list[dict]) -> dict:
    default = "" if epochs == recipe.epochs else f" --epochs {epochs}"
    described = runtime.describe()
    return {
        "data": f"{recipe.data}, train",
        "command": f"python -m advcourse train {name}{default}",
        "seed": recipe.seed,
        "epochs": epochs,
        "batch_size": recipe.batch_size,
        "peak_learning_rate": recipe.lr,
        "mixed_precision": recipe.mixed_precision,
        "device": f"{state.device.type}, {state.num_processes} process(es) of {torch.get_num_threads()} threads",
        "minutes": round(sum(record["minutes"] for record in history), 1),
        "final_loss": round(history[-1]["loss"], 5),
        "date": datetime.date.today().isoformat(),
        "versions": {"advcourse": __version__, **{key: described[key] for key in ("python", "torch", "accelerate")}},
    }


if __name__ == "__main__":
    sys.exit(main())
