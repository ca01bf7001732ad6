"""Measure the CPU time of a tracker relative to the code that the baseline was made with.

A time that was recorded on another day, or on another machine, tells little. So the commit that last wrote the
baseline is checked out into a temporary folder (``previous_code``), and two processes, one per version of the code,
track the same frames alternately on one core (``timed_process`` starts ``timed_program``; ``paired_processes`` lets
two of them alternate). ``measure`` repeats that with fresh pairs of processes. ``evalkit.regression.checks.latency``
judges the ratios.

To turn all of it off, write ``latency = false`` under ``[gates]`` in the suite; no process is started then and the
baseline holds no times. Without a repository, its history, or a committed baseline, CPU time is compared as a multiple
of a bundled reference workload, with wider margins. The measurements behind the constants are in
``docs/decisions/0100-latency-gate-against-the-baseline-code.md``.
"""
