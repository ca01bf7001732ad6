"""Search in LightTrack's space: its paths, costs, shared weights, and the fitness of a path.

``evalkit search`` calls ``prepare.prepare``; its workers call ``prepare.create_evaluator``.
"""
