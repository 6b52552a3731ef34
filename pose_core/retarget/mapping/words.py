"""What a bone's name says by the words in it: which part of the body, which side, or that it is a helper.

Families of rigs differ in spelling, yet share a small stock of words. The words say what a bone may be; hierarchy and
geometry decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

_TOKEN = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_A-Za-z]+")
_SIDES = {
    "l": "left", "left": "left", "lft": "left", "lf": "left", "左": "left",
    "r": "right", "right": "right", "rgt": "right", "rt": "right", "右": "right",
}  # fmt: skip
_SIDE_WORDS = ("left", "right")

# Words that a rigger or a program puts before or after every name, or that only say how a bone works.
_NOISE = frozenset({
    "cc", "base", "bip", "biped", "valvebiped", "j", "jnt", "joint", "b", "bn", "bone", "c", "m", "x", "rig", "skel",
    "armature", "mixamorig", "character", "human", "def", "fk", "bend", "stretch", "main", "ctrl", "con",
})  # fmt: skip

# Words of bones that never play a part of the body themselves.
_HELPERS = frozenset({
    "ik", "twist", "roll", "pole", "target", "helper", "slot", "end", "nub", "tip", "leaf", "site", "dummy", "hair",
    "skirt", "bust", "breast", "boob", "jiggle", "sec", "adj", "cape", "cloth", "tail", "eye", "eyes", "jaw", "ear",
    "teeth", "tongue", "brow", "lip", "cheek", "nose", "face", "facial", "prop", "weapon", "attach", "socket", "wing",
    "heel", "carpal", "metacarpal", "butt", "glute", "pec", "nipple", "belt", "sleeve", "collider", "dyn", "share",
    "control", "org", "mch", "vis", "tweak", "corrective", "muscle", "chin", "mouth", "lid", "eyelid", "eyebrow",
    "forehead", "temple", "hat", "gun", "interaction", "mass", "parent", "rot", "widget", "camera", "blade", "sword",
    "knuckle", "paw", "hoof", "fin", "beak", "snout", "feather",
})  # fmt: skip

_PHRASES: dict[str, dict[str, float]] = {
    "pelvis": {"hips": 1, "hip": 0.9, "pelvis": 1, "hara": 0.7, "torso": 0.3, "root": 0.2, "cog": 0.4},
    "spine": {
        "spine": 1, "chest": 1, "upperchest": 1, "lowerchest": 1, "chestupper": 1, "chestlower": 1, "abdomen": 1,
        "abdomenlower": 1, "abdomenupper": 1, "waist": 1, "belly": 0.8, "stomach": 0.9, "back": 0.9, "lowerback": 1,
        "upperback": 1, "thorax": 1, "ribcage": 1, "ribs": 0.8, "trunk": 0.8, "torso": 0.8, "lumbar": 1, "thoracic": 1,
        "spinelower": 1, "spineupper": 1, "spinemiddle": 1, "spinemid": 1, "uppertorso": 0.9, "lowertorso": 0.7,
        "bust": 0.4,
    },
    "neck": {"neck": 1, "necklower": 1, "neckupper": 1, "necktwist": 1, "cervical": 1},
    "head": {"head": 1, "skull": 0.9, "cranium": 0.9},
    "clavicle": {"clavicle": 1, "clav": 1, "collar": 1, "collarbone": 1, "shoulder": 0.7, "scapula": 0.5},
    "upper_arm": {
        "upperarm": 1, "uparm": 1, "armupper": 1, "armup": 1, "arm": 0.8, "shldr": 1, "bicep": 0.8, "humerus": 1,
        "shoulder": 0.4,
    },
    "forearm": {
        "forearm": 1, "lowerarm": 1, "lowarm": 1, "armlower": 1, "armlow": 1, "elbow": 0.9, "radius": 0.8, "ulna": 0.8,
        "forarm": 1,
    },
    "hand": {"hand": 1, "wrist": 0.8, "palm": 0.4},
    "thigh": {
        "thigh": 1, "upleg": 1, "upperleg": 1, "legupper": 1, "legup": 1, "femur": 1, "hip": 0.6, "leg": 0.5,
        "uppleg": 1,
    },
    "shin": {
        "shin": 1, "calf": 1, "lowerleg": 1, "lowleg": 1, "leglower": 1, "leglow": 1, "knee": 0.9, "leg": 0.6,
        "tibia": 1, "crus": 1,
    },
    "foot": {"foot": 1, "ankle": 0.9, "feet": 0.8},
    "toe": {"toe": 1, "toes": 1, "toebase": 1, "ball": 1, "toesbase": 1},
}  # fmt: skip
_SIDED_ONLY = frozenset({"thigh", "shin", "foot", "toe", "clavicle", "upper_arm", "forearm", "hand"})
_CENTRAL_ONLY = frozenset({"pelvis", "spine", "neck", "head"})

FINGER_WORDS: dict[str, tuple[str, ...]] = {
    "thumb": ("thumb",),
    "index": ("index", "pointer"),
    "middle": ("middle", "mid"),
    "ring": ("ring",),
    "pinky": ("pinky", "pinkie", "little"),
}
"""Finger to the words it goes by."""


def _by_phrase() -> dict[str, dict[str, float]]:
    out: dict[str, dict[str, float]] = {}
    for part, phrases in _PHRASES.items():
        for phrase, weight in phrases.items():
            out.setdefault(phrase, {})[part] = float(weight)
    return out


_KNOWN = _by_phrase()
_LONGEST = max(map(len, _KNOWN))


@dataclass(frozen=True)
class NameEvidence:
    """What a bone's name says."""

    parts: Mapping[str, float] = field(default_factory=dict)
    """Part without its side to how clearly the name says so, 0 to 1; empty = the name says nothing of the body."""
    side: str = ""
    """`left`, `right` or empty."""
    helper: bool = False
    """Whether the name is that of a bone that only helps."""
    finger: str = ""
    """`thumb`, `index`, ... or empty."""
    phrase: str = ""
    """The words that count, to tell bones of one name and other numbers."""


@lru_cache(maxsize=8192)
def read_name(name: str) -> NameEvidence:
    """Read a bone's name."""
    tokens = [token.casefold() for token in _TOKEN.findall(re.split(r"[:|]", name)[-1])]
    side = ""
    words: list[str] = []
    for token in tokens:
        found, rest = _split_side(token)
        if found:
            side = side or found
        words += [rest] if rest and not rest.isdecimal() else []
    helper = any(word in _HELPERS or _ends_like_helper(word) for word in words)
    finger = next((f for f, own in FINGER_WORDS.items() if any(word in own or word[:-6] in own for word in words)), "")
    content = [word for word in words if word not in _NOISE]
    parts = {} if finger or "finger" in content else _parts_of(content, side)
    if "neck" in parts and not (set(content) - {"neck", "twist"}):
        helper = False  # Character Creator calls the neck itself a twist bone
    return NameEvidence(parts, side, helper, finger, "".join(content))


def _split_side(token: str) -> tuple[str, str]:
    """Side and what is left of a token: `left`, `leftarm`, `lhand` and `handl` all carry one."""
    if token in _SIDES:
        return _SIDES[token], ""
    if token[0] in "左右":
        return _SIDES[token[0]], token[1:]
    if token in _KNOWN:
        return "", token
    for word in _SIDE_WORDS:
        if token.startswith(word):
            return word, token[len(word) :]
        if token.endswith(word):
            return word, token[: -len(word)]
    for at, rest in ((token[0], token[1:]), (token[-1], token[:-1])):
        if at in ("l", "r") and rest in _KNOWN and set(_KNOWN[rest]) & _SIDED_ONLY:
            return _SIDES[at], rest
    return "", token


def _ends_like_helper(word: str) -> bool:
    return any(word.endswith(end) and len(word) > len(end) for end in ("slot", "twist", "roll", "ik", "nub"))


def _parts_of(words: list[str], side: str) -> dict[str, float]:
    """The longest run of words that is known; side words make a hip a thigh and not the pelvis."""
    for count in range(len(words), 0, -1):
        for start in range(len(words) - count, -1, -1):
            phrase = "".join(words[start : start + count])
            if len(phrase) <= _LONGEST and phrase in _KNOWN:
                barred = _CENTRAL_ONLY if side else _SIDED_ONLY if phrase == "hip" else frozenset()
                return {part: weight for part, weight in _KNOWN[phrase].items() if part not in barred}
    return {}
