"""Longer clips from short ones, by copying coded packets, so that a benchmark has something to chew on."""

from __future__ import annotations

from pathlib import Path

import av


def repeat_clip(source: Path, times: int, target: Path) -> None:
    """Write a clip that plays `source` several times over, without coding anything anew.

    Args:
        source: a video file.
        times: how often.
        target: the file to write, same container as the source.
    """
    with av.open(str(target), "w") as out:
        stream_out = None
        offset = 0
        for _ in range(times):
            with av.open(str(source)) as clip:
                stream = clip.streams.video[0]
                if stream_out is None:
                    stream_out = out.add_stream_from_template(stream)
                last = 0
                for packet in clip.demux(stream):
                    if packet.dts is None:
                        continue
                    span = packet.duration or 1
                    last = max(last, packet.pts + span)
                    packet.pts += offset
                    packet.dts += offset
                    packet.stream = stream_out
                    out.mux(packet)
                offset += last
