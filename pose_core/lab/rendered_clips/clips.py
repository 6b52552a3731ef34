"""The clips themselves: performances of people that training never sees."""

from __future__ import annotations

from pose_core.lab.rendered_clips.outfits import Body
from pose_core.lab.rendered_clips.plan import Act, Actor, Camera, Clip

_WOMAN, _MAN = Body(1.64, female=True), Body(1.79)
_SHORT_LEGS, _LONG_LEGS = Body(1.60, 0.94, female=True), Body(2.00, 1.06)
_SMALL, _CHILD = Body(1.52, 1.03, female=True), Body(1.22, 0.95, child=True)

_DRINK = Act("cmu_13", "unscrew bottlecap, drink soda", 1.0, posture="upright")
_DRINK_TOO = Act("cmu_13", "unscrew bottlecap, drink soda", 2.0, take=1, posture="upright")
_SIP = Act("cmu_13", "drink soda", 0.8, posture="upright")
_ARMS_HIGH = Act("cmu_49", "dance - arms held high", 6.0, posture="upright")
_PAUSE = Act("style100_actor", "walk - elated", 3.8, posture="upright")
_HURRY = Act("style100_actor", "walk - rushed", 6.0)
_HAND_OUT = Act("ui_s07", "standing shoulder scaption", 0.0, posture="upright")


def _one(act: Act, outfit: str, body: Body, heading_deg: float = 0.0) -> tuple[Actor, ...]:
    return (Actor(act, outfit, body, heading_deg),)


def _low(body: Body, azimuth_deg: float = 0.0) -> Camera:
    """From below: the person stands on a block."""
    return Camera(30.0, azimuth_deg, 3.9, (0.0, 0.0, 0.52 * body.height_m), 1.65)


def _high(pitch_deg: float, body: Body, azimuth_deg: float = 0.0, focal: float = 1.7) -> Camera:
    return Camera(pitch_deg, azimuth_deg, 4.0, (0.0, 0.0, 0.5 * body.height_m), focal)


CLIPS: tuple[Clip, ...] = (
    Clip("stand_coat", "standing", _one(_DRINK, "long coat", _WOMAN, 10), _high(-8, _WOMAN), seed=1),
    Clip("stand_cardigan_above", "standing", _one(_DRINK_TOO, "cardigan", _WOMAN, 150), _high(-45, _WOMAN),
         rate="30000/1001", seed=2),
    Clip("stand_coat_above", "standing", _one(_SIP, "knee coat", _SHORT_LEGS, 30), _high(-30, _SHORT_LEGS), seed=3),
    Clip("stand_skirt_below", "standing", _one(_DRINK, "long skirt", _SMALL, -20), _low(_SMALL), ground_m=-1.7, seed=4),
    Clip("stand_bag_below", "standing", _one(_ARMS_HIGH, "coat and bag", _MAN, 200), _low(_MAN, 20), ground_m=-1.7,
         seed=5),
    Clip("stand_child", "standing", _one(_DRINK_TOO, "loose shirt", _CHILD, -30),
         Camera(-20, 0, 3.2, (0, 0, 0.6), 1.75),
         rate="30", seed=6),
    Clip("stand_wide_side", "standing", _one(_PAUSE, "wide all over", _LONG_LEGS, 80),
         Camera(-5, 0, 5.0, (0, 0, 1.0), 1.8),
         seconds=2.6, rate="30", seed=7),
    Clip("stand_fitted", "standing", _one(_SIP, "fitted", _MAN, 15), _high(-6, _MAN), seed=8),
    Clip("stand_fitted_above", "standing", _one(_ARMS_HIGH, "fitted", _SHORT_LEGS, 45),
         _high(-40, _SHORT_LEGS), seed=9),
    Clip("raise_arm_dress", "standing", _one(_HAND_OUT, "dress", _WOMAN, 0),
         _high(-15, _WOMAN), seconds=1.45, rate="60", seed=10),
    Clip("walk_to_camera", "walking", _one(Act("cmu_35", "walk", 0.1, take=2), "long coat", _MAN, 5),
         Camera(-8, 0, 6.0, (0, 0, 0.9), 1.25), seconds=3.2, rate="30000/1001", seed=11),
    Clip("walk_away", "walking", _one(Act("cmu_35", "walk", 0.1, take=4), "coat and backpack", _SMALL, 176),
         Camera(-18, 0, 6.0, (0, 0, 0.8), 1.3), seconds=3.4, seed=12),
    Clip("walk_below", "walking", _one(Act("cmu_49", "walk", 0.8), "dress", _WOMAN, -60),
         Camera(9, 0, 4.8, (0, 0, 0.9), 1.05), seconds=3.0, rate="30", seed=13),
    Clip("walk_moving_camera", "walking", _one(_HURRY, "knee coat", _LONG_LEGS, 70),
         Camera(-12, 0, 5.6, (0, 0, 1.0), 0.8, orbit_deg_s=9.0, dolly_m_s=0.25), size_px=(768, 432),
         seconds=3.6, rate="30", seed=14),
    Clip("sit_coat", "sitting", _one(Act("cmu_13", "drink soda", 1.0, posture="sitting"), "coat and bag", _WOMAN, 35),
         _high(-15, _WOMAN), seat=True, seed=15),
    Clip("stool_get_up", "sitting", _one(Act("cmu_13", "sit on high stool, stand up", 5.4), "loose shirt", _MAN, 60),
         Camera(-10, 0, 4.4, (0, 0, 0.85), 1.6), seconds=3.0, rate="variable", seat=True, seed=16),
    Clip("lie", "lying", _one(Act("cmu_13", "drink soda", 1.0, posture="lying"), "wide all over", _WOMAN, 70),
         Camera(-32, 0, 3.6, (0, 0, 0.1), 1.4), seed=17),
    Clip("kneel_skirt", "kneeling", _one(Act("cmu_13", "unscrew", 3.0, posture="kneeling"), "long skirt", _WOMAN, 40),
         Camera(-18, 0, 3.6, (0, 0, 0.6), 1.6), seed=18),
    Clip("jump", "jumping", _one(Act("cmu_13", "jump", 0.3, take=1), "fitted", _MAN, 25),
         Camera(-5, 0, 4.8, (0, 0, 1.1), 1.5),
         seconds=2.0, rate="60", seed=19),
    Clip("kick", "kicking", _one(Act("cmu_135", "martial arts - Bassai", 3.3), "wide trousers", _MAN, 20),
         Camera(-8, 0, 4.8, (0, 0, 0.9)), seconds=3.3, rate="variable", seed=20),
    Clip("turn", "turning", _one(Act("cmu_13", "unscrew", 4.1, posture="turning"), "short skirt", _WOMAN, 0),
         _high(-12, _WOMAN), seconds=3.6, seed=21),
    Clip("half_upper", "half body", _one(_DRINK, "knee coat", _WOMAN, 12),
         Camera(-4, 0, 2.3, (0, 0, 1.28), 1.5), seed=22),
    Clip("half_from_knees", "half body", _one(_SIP, "dress", _SMALL, -25),
         Camera(-14, 0, 2.6, (0, 0, 1.05), 1.9), seed=23),
    Clip("behind_table", "occluded", _one(_DRINK_TOO, "loose shirt", _MAN, 8), _high(-12, _MAN),
         boxes=(((-0.8, -0.95, 0.0), (0.8, -0.45, 0.78)),), seed=24),
    Clip("squat", "squatting", _one(Act("ui_s07", "deep squat", 0.0), "wide trousers", _SHORT_LEGS, 30),
         Camera(-8, 0, 4.2, (0, 0, 0.75), 1.6), seconds=2.2, seed=25),
    Clip("two_cross", "two people", (
        Actor(Act("cmu_35", "walk", 0.1, take=12), "long coat", _WOMAN, 85, (0.0, -0.45)),
        Actor(Act("cmu_35", "walk", 0.1, take=16), "wide all over", _MAN, -95, (0.0, 0.45))),
        Camera(-10, 0, 5.6, (0, 0, 0.9), 1.0), size_px=(768, 432), seconds=3.2, rate="30", seed=26),
    Clip("two_embrace", "two people", (
        Actor(Act("cmu_13", "unscrew", 1.1, posture="embracing"), "knee coat", _WOMAN, 90, (-0.17, 0.0)),
        Actor(Act("cmu_13", "unscrew", 2.0, take=1, posture="embracing"), "loose shirt", _MAN, -90, (0.17, 0.0))),
        Camera(-8, 0, 4.4, (0, 0, 0.9), 1.5), seconds=2.6, seed=27),
    Clip("three_dance", "three people", (
        Actor(Act("cmu_49", "dance - lean forward", 1.0), "dress", _WOMAN, 20, (-1.2, 0.2)),
        Actor(Act("fair_actor", "dab", 1.7), "wide all over", _MAN, -10, (0.1, 0.7)),
        Actor(Act("cmu_13", "jumping jacks, side twists, squats", 6.0), "fitted", _SHORT_LEGS, -20, (1.3, -0.2))),
        Camera(-9, 0, 5.6, (0, 0, 0.9), 0.95), size_px=(768, 432), seconds=3.2, rate="30", seed=28),
)  # fmt: skip
"""In the order in which they are rendered."""


def clips_by_name() -> dict[str, Clip]:
    """All clips by their names."""
    return {clip.name: clip for clip in CLIPS}
