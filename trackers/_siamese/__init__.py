"""What LightTrack, Ocean, SiamRPN++ and NanoTrack share: one tracker, whose variants are named rules.

Every update is three steps: *crop* a square around the last position, ask the *network*, *locate* the answer in its
response.
"""
