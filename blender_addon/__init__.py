"""Pose Core: turn a video into clean keyframes on your character."""


def register():
    pass


def unregister():
    pass
