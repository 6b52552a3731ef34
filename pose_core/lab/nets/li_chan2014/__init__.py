"""Li & Chan 2014, and Li, Liu & Chan 2014: pose regression and part detection in one network, in 2D and in 3D."""

from pose_core.lab.nets.li_chan2014.config import PAPER, SMALL, TINY, LiChanConfig, with_strategy
from pose_core.lab.nets.li_chan2014.loss import regression_target, window_labels
from pose_core.lab.nets.li_chan2014.model import LiChanNetwork

__all__ = [
    "PAPER",
    "SMALL",
    "TINY",
    "LiChanConfig",
    "LiChanNetwork",
    "regression_target",
    "window_labels",
    "with_strategy",
]
