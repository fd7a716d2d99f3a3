"""Small sets in the published layouts."""

from pathlib import Path

import numpy as np

from advcourse.data import _sets


def frame(shade: int, size: int = 4) -> bytes:
    return b"P6 %d %d 255\n" % (size, size) + bytes([shade]) * (3 * size * size)


def training_frames(each: int = 1) -> dict[str, bytes]:
    """Frames of traffic signs, ``each`` of every class, by their path in the archive."""
    return {f"GTSRB/Training/{c:05d}/{i:05d}.ppm": frame(5 * c) for c in range(43) for i in range(each)}


def final_frames() -> dict[str, bytes]:
    return {f"GTSRB/Final_Test/Images/{c:05d}.ppm": frame(5 * c) for c in range(43)}


def table(count: int = 43) -> bytes:
    """Which class each test frame shows."""
    head = "Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n"
    return (head + "".join(f"{c:05d}.ppm;4;4;0;0;3;3;{c}\n" for c in range(count))).encode()


def lay_out(root: Path, files: dict[str, bytes]) -> Path:
    for relative, content in files.items():
        (root / relative).parent.mkdir(parents=True, exist_ok=True)
        (root / relative).write_bytes(content)
    return root


def signs(root: Path, each: int = 1) -> Path:
    return lay_out(root / "gtsrb", training_frames(each)) / "GTSRB/Training"


def final(root: Path) -> Path:
    lay_out(root / "gtsrb", {**final_frames(), "GT-final_test.csv": table()})
    return root / "gtsrb/GTSRB/Final_Test/Images"


def arrays(folder: Path, **changed) -> Path:
    """The packed traffic signs, two of every class in each part; ``changed`` arrays are others, or None for none."""
    pixels, labels = np.full((86, 32, 32, 3), 9, np.uint8), np.arange(43).repeat(2)
    whole = {"train_x": pixels, "train_y": labels, "test_x": pixels, "test_y": labels}
    np.savez(folder / "gtsrb32.npz", **{key: value for key, value in {**whole, **changed}.items() if value is not None})
    return folder / "gtsrb32.npz"


def photographs(root: Path, count: int = 155) -> Path:
    return lay_out(root / "imagenet/photos", {f"{i:03d}_thing.jpg": picture() for i in range(count)})


def cues(root: Path, each: int = 10) -> Path:
    names = [f"{shape}{i}-{_sets.CUES[k - 1]}1.jpg" for k, shape in enumerate(_sets.CUES) for i in range(each)]
    return lay_out(root / "cue_conflict", dict.fromkeys(names, picture()))


def picture() -> bytes:
    return frame(77, size=8)  # Pillow goes by the content, not by the name
