"""Banks of tiles as files: a ZIP archive of WebP images.

The format is described in ``docs/file-formats.md``.
"""

from __future__ import annotations

import hashlib
import json
import tokenize
import zipfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evalkit.checkpoints import read_state, sha256
from evalkit.errors import EvalkitError
from evalkit.io import atomic
from evalkit.io.image_size import parse_size
from evalkit.io.json import parse_json
from evalkit.results import archives
from evalkit.runtimes.availability import usable_cores
from evalkit.trackers._lighttrack.training import tile_bank
from evalkit.trackers._lighttrack.training.loop import CHECKPOINT
from evalkit.trackers._lighttrack.training.object_tile import HULL_POINTS, OBJECT_SIDE
from evalkit.trackers._lighttrack.training.photographs import BACKGROUND_SIDE
from evalkit.trackers._lighttrack.training.tile_bank import TileBank

QUALITY = 85
"""Quality of the WebP images, 1 to 100."""

_RECORD = "bank.sha256"
_VERSION = 1
_DESCRIPTION = "bank.json"
_OPACITY, _ASPECTS, _HULLS = "opacity.npy", "aspects.npy", "hulls.npy"
_DATE = (1980, 1, 1, 0, 0, 0)  # of all members, so that equal banks are equal files


def load_or_build(folder: Path, seed: int, photographs: list[Path], tiles: Path | None = None) -> TileBank:
    """Return the bank in ``tiles``, or else the bank for a seed and folders of photographs.

    The latter is stored in ``folder``, see ``build``.

    Raises:
        EvalkitError: As ``build`` and ``read_bank``; both photographs and a bank are given; or the training in
            ``folder`` was begun with another bank.
    """
    if tiles is not None and photographs:
        raise EvalkitError(
            "a bank of tiles and photographs to cut tiles from exclude each other", where="--tiles and --photographs",
            hint="Leave out one of the two",
        )  # fmt: skip
    file = build(folder, seed, photographs) if tiles is None else tiles
    bank = read_bank(file)
    atomic.write_text(folder / _RECORD, check_bank(folder, file) + "\n")
    return bank


def check_bank(folder: Path, file: Path) -> str:
    """Check that the training in a folder, if there is one, was begun with a bank, and return the hash of the bank.

    Raises:
        EvalkitError: It was begun with another bank.
    """
    digest, record = sha256(file), folder / _RECORD
    begun = record.read_text(encoding="utf-8").strip() if record.exists() else digest
    if begun != digest and (folder / CHECKPOINT).exists():
        raise EvalkitError(
            "this training was begun with another bank of tiles", where=file, found=f"sha256 {digest[:12]}",
            expected=f"sha256 {begun[:12]}", hint="Pass the same --tiles or --photographs as at first",
        )  # fmt: skip
    return digest


def build(folder: Path, seed: int, photographs: list[Path]) -> Path:
    """Return the file with the bank for a seed and folders of photographs, which is written to ``folder`` if missing.

    A training and its continuation both read the file, so that they have the same tiles. A file of an earlier
    version, which holds tensors, is used if there is one.

    Raises:
        EvalkitError: As ``cut_tiles``; or the file cannot be written.
    """
    names = tuple(one.name for one in fields(TileBank))
    key = (seed, sorted(map(str, photographs)), OBJECT_SIDE, BACKGROUND_SIDE, names)
    path = folder / f"bank-{hashlib.sha256(repr(key).encode()).hexdigest()[:12]}.zip"
    tensors = path.with_suffix(".pt")
    if tensors.exists() and not path.exists():
        return tensors
    if not path.exists():
        banks = [tile_bank.render_tiles(seed)]
        if photographs:
            banks.append(tile_bank.cut_tiles(photographs, seed))
        write_bank(path, tile_bank.join_banks(banks))
    return path


def write_bank(path: Path, bank: TileBank) -> None:
    """Write a bank atomically. Colours are compressed with losses, opacity, aspects and outlines without.

    Raises:
        EvalkitError: The file cannot be written.
    """
    description = {"version": _VERSION, "backgrounds": len(bank.backgrounds), "objects": len(bank.objects)}
    with atomic.replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.writestr(zipfile.ZipInfo(_DESCRIPTION, _DATE), json.dumps(description, indent=2) + "\n")
        for folder, tiles in (("backgrounds", bank.backgrounds), ("objects", bank.objects)):
            for index, data in enumerate(_in_threads(_encode, tiles.numpy())):
                archive.writestr(zipfile.ZipInfo(_member(folder, index), _DATE), data)
        for name, tensor in ((_OPACITY, bank.objects[:, 3]), (_ASPECTS, bank.aspects), (_HULLS, bank.hulls)):
            member = zipfile.ZipInfo(name, _DATE)
            member.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(member, "w") as stream:
                np.lib.format.write_array(stream, tensor.contiguous().numpy(), allow_pickle=False)


def read_bank(path: Path) -> TileBank:
    """Return the bank in a file.

    Args:
        path: Written by ``write_bank``; or tensors, ``.pt``, of an earlier version of evalkit.

    Raises:
        EvalkitError: The file cannot be read, is not a bank of tiles, is damaged, or unpacks to too many bytes.
    """
    try:
        if path.suffix == ".pt":
            return TileBank(**read_state(path))
        with zipfile.ZipFile(path) as archive:
            archives.check_size(path, (info.file_size for info in archive.infolist()))
            return _read_archive(archive)
    except _DamageError as error:
        raise _unreadable(path, found=error.found, expected=error.expected) from error
    except KeyError as error:
        raise _unreadable(path, found=str(error.args[0]), expected="all members of a bank of tiles") from error
    except (*archives.READING_ERRORS, MemoryError, TypeError, tokenize.TokenError) as error:  # NumPy tokenizes headers
        raise _unreadable(path, found=str(error), expected="a bank of tiles") from error


class _DamageError(Exception):
    """Part of a bank is not as expected."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found)
        self.found, self.expected = found, expected


def _unreadable(path: Path, *, found: str, expected: str) -> EvalkitError:
    return EvalkitError(
        "this bank of tiles cannot be read", where=path, found=found, expected=expected,
        hint="Copy the file again, or delete it: a training without it builds its tiles from --photographs",
    )  # fmt: skip


def _read_archive(archive: zipfile.ZipFile) -> TileBank:
    description = parse_json(archive.read(_DESCRIPTION))
    backgrounds, objects = _counts(description)
    colours = _read_tiles(archive, "objects", objects, OBJECT_SIDE)
    opacity = _read_array(archive, _OPACITY, np.uint8, (objects, OBJECT_SIDE, OBJECT_SIDE))
    return TileBank(
        _read_tiles(archive, "backgrounds", backgrounds, BACKGROUND_SIDE),
        torch.cat([colours, opacity[:, None]], 1),
        _read_array(archive, _ASPECTS, np.float32, (objects,)),
        _read_array(archive, _HULLS, np.float32, (objects, HULL_POINTS, 2)),
    )


def _counts(description: Any) -> tuple[int, int]:
    """Return the numbers of backgrounds and objects in the description of a bank."""
    version = description.get("version") if isinstance(description, dict) else None
    if version != _VERSION:
        raise _DamageError(f"version {version} in {_DESCRIPTION}", f"version {_VERSION}")
    counts = description.get("backgrounds"), description.get("objects")
    for count in counts:
        if type(count) is not int or count < 1:
            raise _DamageError(f"{count} tiles in {_DESCRIPTION}", "a positive number of backgrounds and of objects")
    return counts


def _member(folder: str, index: int) -> str:
    return f"{folder}/{index:05}.webp"


def _encode(tile: NDArray[np.uint8]) -> bytes:
    """Return the colours of a tile, shape (3 or 4, S, S), as a WebP image."""
    picture = np.ascontiguousarray(tile[2::-1].transpose(1, 2, 0))
    return cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])[1].tobytes()


def _decode(data: bytes, side: int) -> NDArray[np.uint8] | None:
    """Return the tile, shape (3, side, side), in a WebP image; None if it is damaged or has another size."""
    if parse_size(data) != (side, side):
        return None
    picture = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR)
    return None if picture is None else np.asarray(picture[..., ::-1].transpose(2, 0, 1), dtype=np.uint8)


def _in_threads(function: Callable[[Any], Any], values: Iterable[Any]) -> Iterable[Any]:
    """Return the results for the values in order; OpenCV releases Python's lock while it works."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        yield from pool.map(function, values)


def _read_tiles(archive: zipfile.ZipFile, folder: str, count: int, side: int) -> Tensor:
    names = [archive.getinfo(_member(folder, index)).filename for index in range(count)]
    tiles = np.empty((count, 3, side, side), dtype=np.uint8)
    for index, tile in enumerate(_in_threads(partial(_decode, side=side), map(archive.read, names))):
        if tile is None:
            width, height = parse_size(archive.read(names[index])) or (side, side)
            is_damaged = (width, height) == (side, side)
            found = "a damaged image" if is_damaged else f"an image of {width} x {height} pixels"
            raise _DamageError(f"{found}, {names[index]}", f"a WebP image of {side} x {side} pixels")
        tiles[index] = tile
    return torch.from_numpy(tiles)


def _read_array(archive: zipfile.ZipFile, name: str, kind: type[np.generic], shape: tuple[int, ...]) -> Tensor:
    with archive.open(name) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
    if array.dtype != kind or array.shape != shape:
        raise _DamageError(f"{array.dtype} {array.shape}, {name}", f"{np.dtype(kind)} {shape}")
    return torch.from_numpy(array)
