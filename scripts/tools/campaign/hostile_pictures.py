"""Ways to break a sequence of images: some of its pictures, their sizes, their numbers, or the folder."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from .hostile_bytes import ANY

PICTURE_CHANGES = (
    "bytes", "bytes", "bytes", "bytes", "empty", "other size", "other kind", "gaps", "huge number", "one", "none",
    "folder among them", "not theirs", "grey and deep", "link in a circle", "claims to be huge",
)  # fmt: skip


def change_pictures(change: str, folder: Path, rng: np.random.Generator) -> Path:
    """Break a folder of images `shot_0000.png` and on.

    Returns:
        What to hand to the product: the folder, or a pattern.
    """
    pictures = sorted(folder.iterdir())
    one = pictures[int(rng.integers(len(pictures)))]
    if change == "bytes":
        for path in rng.choice(np.array(pictures, dtype=object), int(rng.integers(1, 6)), replace=False):
            path.write_bytes(ANY[int(rng.integers(len(ANY)))](path.read_bytes(), rng))
    elif change == "empty":
        one.write_bytes(b"")
    elif change == "other size":
        cv2.imwrite(str(one), np.zeros((int(rng.integers(1, 400)), int(rng.integers(1, 400)), 3), np.uint8))
    elif change == "other kind":
        one.rename(one.with_suffix(str(rng.choice([".bmp", ".txt", ".PNG", ".tiff", ""]))))
    elif change == "gaps":
        for path in pictures[2 :: int(rng.integers(2, 5))]:
            path.unlink()
    elif change == "huge number":
        one.rename(one.with_name("shot_" + "9" * int(rng.integers(5, 60)) + one.suffix))
    elif change in ("one", "none"):
        for path in pictures[1:] if change == "one" else pictures:
            path.unlink()
    else:
        _odd_neighbours(change, folder, one)
    if rng.uniform() < 0.5:
        return folder
    return folder / f"{rng.choice(['shot_####', 'shot_%04d', 'shot_%d', 'shot_#', '####'])}{one.suffix}"


def _odd_neighbours(change: str, folder: Path, one: Path) -> None:
    if change == "folder among them":
        one.unlink()
        one.mkdir()
    elif change == "not theirs":
        (folder / "notes.txt").write_text("not a picture", encoding="utf-8")
        (folder / ".DS_Store").write_bytes(b"\0" * 100)
    elif change == "grey and deep":
        grey = cv2.imread(str(one), cv2.IMREAD_GRAYSCALE)
        assert grey is not None
        cv2.imwrite(str(one), grey.astype(np.uint16) * 257 if one.suffix == ".png" else grey)
    elif change == "link in a circle":
        one.unlink()
        one.symlink_to(one.name)
    else:
        data = bytearray(one.read_bytes())
        if one.suffix == ".png":
            data[16:24] = (30_000).to_bytes(4, "big") * 2
        else:
            at = data.find(b"\xff\xc0") + 5
            data[at : at + 4] = b"\xff\xff\xff\xff"
        one.write_bytes(bytes(data))
