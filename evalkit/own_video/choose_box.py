"""Let a person draw the target's box on the first image: in an OpenCV window, or in a browser."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable

import cv2

from evalkit.errors import EvalkitError
from evalkit.own_video.browser_page import ask_in_browser
from evalkit.types import Box, Image

TITLE = "evalkit: draw the target, then press Enter"


def has_screen() -> bool:
    """Return whether windows can be shown: a display on Linux, always on macOS and Windows."""
    if platform.system() in ("Darwin", "Windows"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def choose_box(image: Image, *, browser: bool, tell: Callable[[str], None]) -> Box:
    """Return the box that a person draws.

    Args:
        image: The first image.
        browser: Use the browser also where there is a screen.
        tell: Prints a sentence for the person.

    Raises:
        EvalkitError: No box was drawn.
    """
    if has_screen() and not browser:
        tell("Draw the target's box in the window, then press Enter")
        try:
            return _ask_in_window(image)
        except cv2.error:
            tell("This OpenCV cannot open a window; a browser can be used instead")
    return ask_in_browser(image, tell=tell)


def _ask_in_window(image: Image) -> Box:
    x, y, width, height = cv2.selectROI(TITLE, cv2.cvtColor(image, cv2.COLOR_RGB2BGR), showCrosshair=False)
    cv2.destroyWindow(TITLE)
    if not (width and height):
        raise EvalkitError("no box was drawn", where="the window", hint="Draw it again, or give --box X,Y,W,H")
    return Box(x, y, width, height)
