"""Shared code of the Siamese trackers LightTrack, Ocean, SiamRPN++ and NanoTrack.

There is one tracker class; the families differ in the values of ``Rules``. An update has three steps: *crop* a square
around the last position, run the *network*, *locate* the target in its response. ``evalkit.trackers.siamese`` exports
what other packages may use.
"""
