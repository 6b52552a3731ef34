"""What Godot reads beside a file: how it is to be imported.

Left alone, Godot bakes every clip at 30 frames a second and then leaves out keys that it thinks nobody misses: up to
2 cm of a foot that walks. The `.import` file beside ours asks for a rate that meets every key, and for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pose_core.types import FloatArray

MOST_RATE = 120
"""Frames a second that Godot bakes at most."""
_ON_KEY_S = 1e-4
_TEXT = """[remap]

importer="scene"
importer_version=1
type="PackedScene"

[params]

animation/import=true
animation/fps={rate}
_subresources={{
"nodes": {{
"PATH:AnimationPlayer": {{
"optimizer/enabled": false
}}
}}
}}
"""


def bake_rate(clips_s: Sequence[FloatArray]) -> int:
    """The lowest rate that meets every key of all clips, or the highest there is."""
    times = np.concatenate(list(clips_s))
    for rate in range(1, MOST_RATE):
        if np.all(np.abs(times * rate - np.round(times * rate)) < _ON_KEY_S * rate):
            return rate
    return MOST_RATE


def import_settings(clips_s: Sequence[FloatArray]) -> str:
    """The text of the file beside a file with clips at these times."""
    return _TEXT.format(rate=bake_rate(clips_s))
