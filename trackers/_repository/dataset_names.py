"""Names of benchmarks in the repositories of the STARK/OSTrack family."""

from __future__ import annotations

NAMES = {
    "otb100": "otb",
    "otb50": "otb",
    "otb2013": "otb",
    "nfs30": "nfs",
    "uav123": "uav",
    "tcolor128": "tc128",
    "avist": "avist",
    "itb": "itb",
    "tnl2k": "tnl2k",
    "tnl2k-lang": "tnl2k",
    "otb99-lang": "otb99_lang",
    "lasot": "lasot",
    "lasot-lang": "lasot_lang",
    "lasot-ext": "lasot_extension_subset",
    "got10k-val": "got10k_val",
    "got10k-test": "got10k_test",
    "trackingnet-test": "trackingnet",
    "vot2018": "vot18",
    "vot2018-lt": "vot18lt",
    "vot2019": "vot19",
    "vot2019-lt": "vot19lt",
    "vot2020": "vot20",
    "vot2020-lt": "vot20lt",
    "vot2021": "vot21",
    "vot2021-lt": "vot21lt",
    "vot2022": "vot22",
    "vot2022-lt": "vot22lt",
    "vot2022-stb": "vot22stb",
}
"""evalkit's name: the name that ``tracking/test.py --dataset_name`` and ``lib/test/vot`` use.

Trackers of the family look up settings under this name in upper case, e.g. ``cfg.TEST.UPDATE_INTERVALS.VOT22STB``
(MixFormerV2, SUTrack, MCITrack). Source: ``lib/test/evaluation/datasets.py`` of OSTrack 33b5e12 and SUTrack d65052d,
``lib/config/mixformer2_vit/config.py`` of MixFormerV2 1041438.
"""


def family_name(benchmark: str) -> str:
    """Return the family's name of a benchmark; for others, evalkit's name with ``_`` instead of ``-``.

    >>> family_name("lasot-ext"), family_name("my-videos")
    ('lasot_extension_subset', 'my_videos')
    """
    return NAMES.get(benchmark, benchmark.replace("-", "_"))
