"""Ask for a box in a browser: a server on this machine's loopback address that shows one image and takes one answer."""

from __future__ import annotations

import json
import math
import secrets
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2

from evalkit.errors import EvalkitError
from evalkit.types import Box, Image

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>evalkit: draw the target</title>
<style>
body {{ font: 16px system-ui, sans-serif; margin: 1rem; background: #14181c; color: #ebf0f5 }}
#stage {{ position: relative; display: inline-block; cursor: crosshair; touch-action: none; user-select: none }}
#stage img {{ display: block; max-width: 100%; max-height: 80vh }}
#box {{ position: absolute; border: 2px solid #ff2828; display: none; pointer-events: none }}
button {{ font: inherit; padding: .4rem 1rem }}
</style>
<p id="text">Draw a box around the target with the mouse or a finger, then press Track.</p>
<p><button id="send" disabled>Track</button> <output id="numbers"></output></p>
<div id="stage"><img id="image" src="image.png" width="{width}" height="{height}" alt="first image" draggable="false">
<div id="box"></div></div>
<script>
const stage = document.getElementById("stage"), image = document.getElementById("image");
const box = document.getElementById("box"), send = document.getElementById("send");
let start = null, target = null;
function place(event) {{
  const area = image.getBoundingClientRect();
  const clamp = (value, most) => Math.min(Math.max(value, 0), most);
  return [clamp(event.clientX - area.left, area.width) * {width} / area.width,
          clamp(event.clientY - area.top, area.height) * {height} / area.height];
}}
function show() {{
  const scale = image.getBoundingClientRect().width / {width};
  const [x, y, w, h] = target;
  Object.assign(box.style, {{display: "block", left: x * scale + "px", top: y * scale + "px",
    width: w * scale + "px", height: h * scale + "px"}});
  document.getElementById("numbers").value = target.map(value => value.toFixed(1)).join(", ");
  send.disabled = !(w >= 1 && h >= 1);
}}
stage.addEventListener("pointerdown", event => {{ start = place(event); stage.setPointerCapture(event.pointerId); }});
stage.addEventListener("pointermove", event => {{
  if (!start) return;
  const end = place(event);
  target = [Math.min(start[0], end[0]), Math.min(start[1], end[1]),
            Math.abs(end[0] - start[0]), Math.abs(end[1] - start[1])];
  show();
}});
stage.addEventListener("pointerup", () => {{ start = null; }});
send.addEventListener("click", async () => {{
  const answer = await fetch("box", {{method: "POST", body: JSON.stringify(target)}});
  document.getElementById("text").textContent = await answer.text();
  if (answer.ok) send.disabled = true;
}});
</script></html>
"""


def ask_in_browser(image: Image, *, tell: Callable[[str], None]) -> Box:
    """Return the box that a person draws in a browser.

    The server listens on 127.0.0.1 only, under an address with a random part, and ends with the first valid answer.

    Args:
        image: The first image.
        tell: Prints a sentence for the person: the address to open.

    Raises:
        EvalkitError: The server cannot be started.
    """
    answers: list[Box] = []
    received = threading.Event()

    def take(box: Box) -> None:
        answers.append(box)
        received.set()

    secret = secrets.token_urlsafe(12)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(image, f"/{secret}/", take))
    except OSError as error:
        raise EvalkitError(
            f"no page can be served to a browser: {error.strerror}", hint="Give the box with --box X,Y,W,H"
        ) from None
    port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    tell(f"Open http://127.0.0.1:{port}/{secret}/ in a browser and draw the target's box")
    tell(f"Over SSH, connect with: ssh -L {port}:127.0.0.1:{port} HOST. Or stop, and give --box X,Y,W,H")
    try:
        while not received.wait(0.2):  # short waits, so that Ctrl-C is heard on every system
            pass
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    return answers[0]


def _handler(image: Image, root: str, take: Callable[[Box], None]) -> type[BaseHTTPRequestHandler]:
    height, width = image.shape[:2]
    page = _PAGE.format(width=width, height=height).encode()
    _, png = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    contents = {root: ("text/html; charset=utf-8", page), f"{root}image.png": ("image/png", png.tobytes())}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = contents.get(self.path, ("text/plain", b""))
            self._answer(200 if body else 404, kind, body)

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            if self.path != f"{root}box" or not 0 < size < 1000:
                self._answer(404, "text/plain", b"")
                return
            box = parse_box(self.rfile.read(size), width, height)
            if box is None:
                self._answer(400, "text/plain; charset=utf-8", b"The box is not inside of the image; draw it again.")
                return
            self._answer(200, "text/plain; charset=utf-8", b"Tracking has begun. This page can be closed.")
            take(box)

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name of the base class
            """Print nothing; requests are of no interest."""

    return Handler


def parse_box(data: bytes, width: int, height: int) -> Box | None:
    """Return the box of a JSON list of four numbers; None where it is no box with an area inside of the image."""
    try:
        x, y, w, h = (float(value) for value in json.loads(data))
    except (ValueError, TypeError):
        return None
    inside = all(map(math.isfinite, (x, y, w, h))) and x >= 0 and y >= 0 and x + w <= width + 1 and y + h <= height + 1
    return Box(x, y, w, h) if inside and w >= 1 and h >= 1 else None
