"""Where the candidates of a response lie in the search crop."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from evalkit.trackers._siamese.rules import Layout, Rules


@lru_cache(maxsize=32)
def layout(rules: Rules, size: int) -> Layout:
    """The candidates of a search crop of ``size`` pixels, in the order in which ``rules.decode`` gives them.

    Cells are counted from the middle of the crop, which is cell S // 2: with an even number of cells the grid is one
    cell longer to the left, and the window has four equal maxima. Both are as in the official code.
    """
    cells = rules.cells(size)
    along = (np.arange(cells) - cells // 2) * float(rules.stride)
    copies = max(1, len(rules.anchors))
    window = np.outer(np.hanning(cells), np.hanning(cells)).ravel()
    anchors = np.array(rules.anchors, dtype=np.float64).reshape(-1, 2)
    result = Layout(
        window=np.tile(window, copies),
        x=np.tile(along, cells * copies),
        y=np.tile(np.repeat(along, cells), copies),
        width=np.repeat(anchors[:, 0], cells * cells),
        height=np.repeat(anchors[:, 1], cells * cells),
    )
    for array in vars(result).values():
        array.flags.writeable = False
    return result
