"""A tracker on the real TraX library (``vot-trax``): moves its region by 1 pixel per frame.

Usage: python trax_program.py [version=N] [region=rectangle] [image=path] [print] [vot] [fault=NAME]

Faults: killed, silent, garbage, late (answers after 1.5 s), quit, child (leaves a child process whose id it
writes to child.txt).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import trax
from trax import _ctypes, server

options = dict(word.partition("=")[::2] for word in sys.argv[1:])
version = int(options.get("version", "4"))
original = server.trax_server_setup_v
server.trax_server_setup_v = lambda metadata, logger, _: original(metadata, logger, version)


def wait(handle):
    """The next request; below version 4 the library has functions of its own, which its Python class does not call."""
    if version == 4:
        return handle.wait()
    images, region, properties = _ctypes.POINTER(_ctypes.trax_image_list)(), ctypes.c_void_p(), trax.Properties()
    code = _ctypes.trax_server_wait_sot(
        handle._handle.reference, ctypes.byref(images), ctypes.byref(region), properties.reference
    )
    kind = trax.TraxStatus.decode(code)
    return server.Request(
        kind,
        trax.wrap_image_list(images) if images else None,
        [(trax.Region.wrap(region), None)] if region else None,
        properties,
    )


def answer(handle, region, confidence):
    if version == 4:
        handle.status([(region, {"confidence": confidence})])
        return
    properties = trax.Properties({"confidence": confidence})
    _ctypes.trax_server_reply_sot(handle._handle.reference, region.reference, properties.reference)


def moved(region, steps):
    if options.get("region") == "polygon":
        return trax.Polygon.create([(x + steps, y) for x, y in region])
    if options.get("region") == "mask":
        x, y = region.offset()
        return trax.Mask.create(region.array(), x=x + steps, y=y)
    x, y, width, height = region.bounds()
    return trax.Rectangle.create(x + steps, y, width, height)


def pixel(image):
    """The first pixel's red value."""
    if isinstance(image, trax.MemoryImage):
        return int(image.array()[0, 0, 0])
    if isinstance(image, trax.BufferImage):
        return int(cv2.imdecode(np.frombuffer(image.buffer(), np.uint8), cv2.IMREAD_COLOR)[0, 0, 2])
    return int(cv2.imread(image.path())[0, 0, 2])


def fail(name):
    if name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "silent":
        time.sleep(60)
    if name == "late":  # the answer follows, after evalkit's time limit
        time.sleep(1.5)
    if name == "garbage":
        sys.stdout.write('@@TRAX:state "1,2"\n')
        sys.stdout.flush()
    if name == "quit":
        raise RuntimeError("out of memory")


if "print" in options:
    sys.stdout.write("loading the network ...\n")
    sys.stdout.flush()
if "child" in options:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path("child.txt").write_text(str(child.pid))
metadata = {"vot": "python"} if "vot" in options else {}
images = [{"path": "path", "memory": "memory", "buffer": "buffer"}[options.get("image", "path")]]
with trax.Server([options.get("region", "rectangle")], images, metadata=metadata, tracker_name="mover") as handle:
    steps, start = 0, None
    while True:
        request = wait(handle)
        if request.type == "quit" or (request.type == "initialize" and start is not None and "vot" in options):
            break
        if request.type == "initialize":
            start, steps = request.objects[0][0], 0
        else:
            steps += 1
            if steps == 3 and "fault" in options:
                fail(options["fault"])
        confidence = pixel(request.image["color"]) / 100
        answer(handle, moved(start, steps), confidence)
