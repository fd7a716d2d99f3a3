"""``python -m advcourse``: what is at hand (info), fetch a data set (data NAME), train a shipped network (train NAME),
optimise a shipped perturbation (craft NAME), repeat a shipped comparison (study NAME), measure how robust a network is
(evaluate NAME), let it be asked over HTTP (serve NAME)."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import torch

from advcourse import blackbox, data, evaluation, runtime
from advcourse.core.balls import NORMS
from advcourse.zoo import crafted, defended, games, inventory, seven_steps, shifted, studies, trusted, weights


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m advcourse", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="versions, device, and which data and weights are at hand")
    fetch = commands.add_parser("data", help="locate or download a data set and say what is in it")
    fetch.add_argument("name", help=", ".join(data.NAMES))
    train = commands.add_parser("train", help="train a shipped network by its recipe")
    train.add_argument("name", help=", ".join(weights.ARCHITECTURES))
    train.add_argument("--epochs", type=int, help="default: the recipe's")
    train.add_argument("--device", choices=("cpu", "cuda", "mps"), help="default: the best at hand")
    train.add_argument("--out", type=Path, default=weights.FOLDER, help="folder of the weights and model card")
    train.add_argument("--checkpoint", type=Path, help="default: in the cache folder")
    train.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on from the checkpoint of a run that was stopped (default)",
    )
    make = commands.add_parser("craft", help="optimise a shipped perturbation again and measure it")
    make.add_argument("name", help=", ".join(crafted.names()))
    make.add_argument("--device", choices=("cpu", "cuda", "mps"), help="default: the best at hand")
    make.add_argument("--out", type=Path, default=crafted.FOLDER, help="folder of the file and its card")
    study = commands.add_parser(
        "study",
        help="train the networks of a shipped comparison again; the settings are those of augmentation",
    )
    study.add_argument("name", choices=(*studies.names(), "defenses", "games", "seven-steps", "shifts"))
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
        study.add_argument(
            f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default, help="(%(default)s)"
        )
    study.add_argument("--workers", type=int, default=1, help="processes that find eigenbases (%(default)s)")
    study.add_argument("--device", choices=("cpu", "cuda", "mps"), help="default: the best at hand")
    study.add_argument("--out", type=Path, default=studies.FOLDER, help="folder of the table")
    judge = commands.add_parser("evaluate", help="robust accuracy of a network: the worst case over several attacks")
    judge.add_argument("name", help="of a network: mnist/cnn-robust, reference/robust_cifar10_resnet2b, …")
    judge.add_argument("--norm", default="linf", choices=NORMS, help="(%(default)s)")
    judge.add_argument(
        "--eps", type=float, nargs="+", required=True, help="radius in pixel units of [0, 1], or several"
    )
    judge.add_argument("--images", type=int, default=200, help="the first so many test images (%(default)s)")
    judge.add_argument("--attacks", default="fast", choices=evaluation.VERSIONS, help="(%(default)s)")
    judge.add_argument("--seed", type=int, default=0, help="(%(default)s)")
    judge.add_argument("--batch-size", type=int, help="images attacked at a time")
    judge.add_argument("--device", choices=("cpu", "cuda", "mps"), help="default: the best at hand")
    judge.add_argument("--checkpoint", type=Path, help="file from which a run that was stopped goes on")
    judge.add_argument("--json", type=Path, help="file for the report as JSON")
    judge.add_argument("--card", action="store_true", help="write the numbers on the network's card")
    ask = commands.add_parser("serve", help="answer questions about images over HTTP, for blackbox.HttpOracle")
    ask.add_argument("name", help="of a network: mnist/cnn, …")
    ask.add_argument("--reveals", default="logits", help="logits, probabilities, top_k or label (%(default)s)")
    ask.add_argument("--k", type=int, help="classes in the list of top_k")
    ask.add_argument("--budget", type=int, help="queries that each image has; default: no limit")
    ask.add_argument("--rate", type=float, help="images per second that may be asked about; default: no limit")
    ask.add_argument("--shape", type=int, nargs=3, metavar=("C", "H", "W"), help="of the images; others are refused")
    ask.add_argument("--host", default="127.0.0.1", help="(%(default)s)")
    ask.add_argument("--port", type=int, default=8000, help="0 for any that is free (%(default)s)")
    ask.add_argument("--key", help="who knows it may ask; default: drawn and printed")
    ask.add_argument("--state", type=Path, help="file of accounts and answers; default: one that is deleted at the end")
    ask.add_argument("--device", choices=("cpu", "cuda", "mps"), help="default: the best at hand")
    args = parser.parse_args(arguments)
    try:
        if args.command == "info":
            inventory.info()
        elif args.command == "data":
            inventory.describe_data(args.name)
        elif args.command == "evaluate":
            report = trusted.robustness(
                args.name,
                norm=args.norm,
                eps=args.eps,
                images=args.images,
                attacks=args.attacks,
                seed=args.seed,
                device=args.device or runtime.device(),
                batch_size=args.batch_size,
                checkpoint=args.checkpoint,
                progress=True,
            )
            print(report)
            if args.json:
                args.json.write_text(report.to_json() + "\n", encoding="utf-8")
            if args.card:
                trusted.on_card(args.name, report)
        elif args.command == "serve":
            blackbox.serve(
                weights.load(args.name, args.device or runtime.device()),
                key=args.key,
                host=args.host,
                port=args.port,
                state=args.state,
                reveals=args.reveals,
                k=args.k,
                budget=args.budget,
                rate=args.rate,
                shape=args.shape and tuple(args.shape),
            )
        elif args.command == "craft":
            device = torch.device(args.device) if args.device else runtime.device()
            inventory.show_card(crafted.make(args.name, device, folder=args.out))
        elif args.command == "study" and args.name == "games":
            inventory.show_card(games.make(device=args.device or runtime.device(), file=args.out / games.FILE.name))
        elif args.command == "study" and args.name == "defenses":
            device = args.device or runtime.device()
            file = args.out / defended.FILE.name
            print(defended.tabulated(defended.make(seeds=args.seeds, device=device, file=file)).round(3).to_string())
        elif args.command == "study" and args.name == "seven-steps":
            device = args.device or runtime.device()
            taken = seven_steps.make(seeds=args.seeds, device=device, file=args.out / seven_steps.FILE.name)
            print(seven_steps.ledger(taken).round(3).to_string())
        elif args.command == "study" and args.name == "shifts":
            device = args.device or runtime.device()
            made = shifted.make(seeds=args.seeds, device=device, file=args.out / shifted.FILE.name)
            print(shifted.gains(made).round(3).to_string())
        elif args.command == "study":
            settings = studies.Settings(**{field.name: getattr(args, field.name) for field in fields(studies.Settings)})
            device = torch.device(args.device) if args.device else runtime.device()
            made = studies.make(
                args.name, args.arms, args.seeds, settings, device, folder=args.out, workers=args.workers
            )
            print(studies.summary(made).round(4).to_string())
        else:
            card = weights.make(
                args.name,
                epochs=args.epochs,
                device=args.device,
                folder=args.out,
                checkpoint=args.checkpoint,
                resume=args.resume,
            )
            if card:
                inventory.show_card(card)
    except (ValueError, RuntimeError, OSError, FloatingPointError, ImportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        resumes = args.command == "study" or (args.command == "train" and args.resume)
        resumes |= args.command == "evaluate" and args.checkpoint is not None
        print("\nstopped" + "; the same command goes on where it stopped" * resumes, file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
