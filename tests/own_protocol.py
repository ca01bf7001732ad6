"""The text of a file with a protocol of the user's own."""

from __future__ import annotations

SHIFTED_START = '''
"""One pass from a box that is shifted to the right, as OTB's spatial robustness evaluation does."""

from evalkit import registry
from evalkit.geometry import shifted
from evalkit.protocols.session import Session, starting_region


@registry.protocol("shifted_start", summary="one pass from a box shifted by 4 pixels", scored_as="one_pass")
def run_shifted_start(tracker, sequence, *, origin, name):
    session = Session(tracker, sequence, origin=origin, name=name)
    for index, image in session.frames():
        if index == 0:
            session.initialize(index, image, shifted(starting_region(sequence, 0), 4, 0))
        else:
            session.update(index, image)
    return [session.trajectory("one_pass", boxes_only=True)]
'''
