"""Ways to break files whose form is sound: odd values in JSON, TOML and arrays."""

from __future__ import annotations

import copy
import io
import json
import re
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 1e308, -1e-320, float("nan"), float("inf"), 2**63, 2**63 - 1, -(2**70), "", " ",
    "x", "..", "/", "../../x", "\0", "a\nb", "\ud800", "x" * 100_000, "C:\\x", [], {}, [[]], [None], {"": None},
    [1, "a"], "1", "nan", "LeftFoot", ["Hips", "Hips"], 0.5, "a" * 300, "\u202egnp.exe", "e\u0301" * 20,
)  # fmt: skip
"""What stands in the place of a value."""
_TOML_ODD = (
    "0", "-1", "1e400", "nan", "-inf", "true", '""', '"../../x"', '"\\u0000"', '"a\\nb"', "[]", "{}", "[[1], [2]]",
    "1979-05-27T07:32:00Z", "9223372036854775808", "'" + "x" * 5000 + "'", '"/"', '"CON"', '"x:y"', "[1, 'a']", "0x7f",
    '"mixamo"', '"fbx,"', '"subframes"', "99999999999999999999999999", "{ a = { b = { c = 1 } } }", "'''x'''", "07",
)  # fmt: skip
_DEEP = 2000


def odd_json(text: bytes, rng: np.random.Generator) -> bytes:
    """Exchange, leave out, add or repeat values of a JSON document."""
    data = json.loads(text)
    for _ in range(_few(rng)):
        places = list(_containers(data))
        place = places[int(rng.integers(len(places)))]
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        way = int(rng.integers(5))
        if not keys or way == 0:
            _add(place, rng)
            continue
        key = keys[int(rng.integers(len(keys)))]
        if way == 1:
            del place[key]
        elif way == 2:
            other = places[int(rng.integers(len(places)))]
            place[key] = json.loads(json.dumps(other))
        else:
            place[key] = _odd(rng)
    out = json.dumps(data)
    if rng.uniform() < 0.08:
        deep = "[" * _DEEP + "]" * _DEEP
        out = deep if rng.uniform() < 0.5 else out.replace("null", deep, 1).replace('"', f'"x": {deep}, "', 1)
    if rng.uniform() < 0.05:
        out = out.replace(":", ":" + "9" * 5000 + ', "y":', 1)
    return out.encode("utf-8", "surrogatepass")


def odd_toml(text: bytes, rng: np.random.Generator) -> bytes:
    """Exchange, leave out or repeat lines of a TOML document."""
    lines = text.decode().splitlines()
    for _ in range(_few(rng)):
        k = int(rng.integers(len(lines)))
        way = int(rng.integers(6))
        if way == 0:
            lines.insert(k, lines[int(rng.integers(len(lines)))])
        elif way == 1:
            del lines[k]
        elif way == 2:
            lines[k] = re.sub(r"^(\w+)", lambda m: str(rng.choice(["x", "cast", "person", "out", m[1] * 2])), lines[k])
        else:
            odd = _TOML_ODD[int(rng.integers(len(_TOML_ODD)))]
            lines[k] = re.sub(r"=.*$", lambda _m, odd=odd: f"= {odd}", lines[k])  # type: ignore[misc]
        if not lines:
            lines = [""]
    if rng.uniform() < 0.05:
        lines.append("deep = " + "[" * _DEEP + "]" * _DEEP)
    return "\n".join(lines).encode()


def odd_arrays(data: bytes, rng: np.random.Generator) -> bytes:
    """Change arrays of a `.npz` file: values, shapes, types, names; or a lone `.npy`."""
    if not data.startswith(b"PK"):
        return _npy(_odd_array(np.load(io.BytesIO(data), allow_pickle=False), rng))
    with np.load(io.BytesIO(data), allow_pickle=False) as loaded:
        arrays = {name: loaded[name] for name in loaded.files}
    names = list(arrays)
    for _ in range(_few(rng)):
        name = names[int(rng.integers(len(names)))]
        way = int(rng.integers(8))
        if name not in arrays:
            continue
        if way == 0:
            del arrays[name]
        elif way == 1:
            arrays[name] = arrays.get(names[int(rng.integers(len(names)))], np.zeros(0))
        elif way == 2:
            arrays = {key: value[: int(rng.integers(0, 3))] if value.ndim else value for key, value in arrays.items()}
        else:
            arrays[name] = _odd_array(arrays[name], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = _npy(array)
            if rng.uniform() < 0.03:
                content = _odd_header(content, rng)
            archive.writestr(f"{name}.npy", content)
    return out.getvalue()


def _odd_array(array: Array, rng: np.random.Generator) -> Array:
    out = np.array(array)
    way = int(rng.integers(9))
    if way == 0:
        return np.zeros((0, *out.shape[1:]), out.dtype)
    if way == 1:
        return out.reshape(-1) if rng.uniform() < 0.5 else out[None]
    if way == 2:
        kind = rng.choice(["f2", "c16", "i1", "u8", "?", "U3", "S2", ">f8", "f4"])
        try:
            with np.errstate(all="ignore"):
                return out.astype(str(kind))
        except (TypeError, ValueError):
            return np.array("x")
    if way == 3:
        return np.array(rng.choice([0, -1, 1e300, np.nan, np.inf]))
    if out.dtype.kind not in "fiu" or out.size == 0:
        return np.array(["", "a" * 5000, "\U0010ffff", "{}", "[" * 5000][int(rng.integers(5))])
    if way == 4 and out.ndim:
        return out[::-1].copy() if rng.uniform() < 0.5 else np.repeat(out, 2, axis=0)
    scale = float(rng.choice([0.0, -1.0, 1e-300, 1e9, 1e18, 1e150]))
    odd = float(rng.choice([np.nan, np.inf, -np.inf, 0.0, 1e308, -1e308, 1e9, 1e-12]))
    with np.errstate(all="ignore"):
        if way == 5:
            return np.asarray(out * scale, out.dtype) if out.dtype.kind == "f" else np.full_like(out, 127)
        flat = out.reshape(-1)
        at = rng.integers(0, out.size, int(rng.integers(1, max(2, out.size // 10))))
        flat[at] = odd if out.dtype.kind == "f" else int(rng.integers(-100, 100) % 127)
        return flat.reshape(out.shape)


def _odd_header(content: bytes, rng: np.random.Generator) -> bytes:
    swaps = (
        (b"'<f8'", b"'|O'"), (b"(", b"(-"), (b"(", b"(9999999999999,"), (b"False", b"True "), (b"{", b"(" * 200),
        (b"descr", b"xescr"), (b"NUMPY\x01", b"NUMPY\x09"), (b"'<f8'", b"'<f999999999'"), (b"}", b"} + 1"),
    )  # fmt: skip
    old, new = swaps[int(rng.integers(len(swaps)))]
    return content.replace(old, new, 1)


def _npy(array: Array) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def _few(rng: np.random.Generator) -> int:
    return 1 if rng.uniform() < 0.6 else int(rng.integers(2, 4))


def _odd(rng: np.random.Generator) -> Any:
    return copy.deepcopy(ODD[int(rng.integers(len(ODD)))])


def _add(place: dict[str, Any] | list[Any], rng: np.random.Generator) -> None:
    odd = _odd(rng)
    if isinstance(place, dict):
        place[str(rng.choice(["", "x", "version", "files", "a" * 500, "../x", "own", "kind", "CON"]))] = odd
    else:
        place.append(odd)


def _containers(data: Any) -> list[Any]:
    found = [data]
    for one in found:
        found += [v for v in (one.values() if isinstance(one, dict) else one) if isinstance(v, (dict, list))]
    return found
