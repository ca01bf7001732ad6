"""Image files for programs that read them: those of the benchmark, else temporary ones."""

from __future__ import annotations

import contextlib
import weakref
from pathlib import Path

import cv2

from evalkit.errors import EvalkitError
from evalkit.io.temporary import temporary_folder
from evalkit.types import Image


class ImageFiles:
    """Files of the frames that a program is given; temporary ones are deleted with the object."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._count = 0

    def file_for(self, image: Image, file: Path | None) -> Path:
        """Return the benchmark's file of a frame; without one, write the image as a PNG and return that file.

        Only the last two temporary files are kept.
        """
        if file is not None:
            return file
        self._count += 1
        path = self.write(image, self._count)
        self._path(self._count - 2).unlink(missing_ok=True)
        return path

    def write(self, image: Image, number: int) -> Path:
        """Write an image as a PNG of that number, which keeps all pixels, and return the file.

        Raises:
            EvalkitError: The file cannot be written.
        """
        path = self._path(number)
        if not cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1]):
            raise EvalkitError(
                "a frame cannot be written for the program", where=path, exit_code=1,
                hint="Is the disk full? $TMPDIR names another folder for temporary files",
            )  # fmt: skip
        return path

    def _path(self, number: int) -> Path:
        if self._folder is None:
            stack = contextlib.ExitStack()
            self._folder = stack.enter_context(temporary_folder())
            weakref.finalize(self, stack.close)
        return self._folder / f"{number:08d}.png"
