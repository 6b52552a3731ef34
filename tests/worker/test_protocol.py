"""Every message survives the wire, and whatever else comes is refused by name."""

import dataclasses
import json
from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pose_core.worker import protocol
from pose_core.worker.protocol import MAX_LINE_BYTES, MESSAGE_TYPES, ProtocolError, decode, encode, plain

finite = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(-(2**62), 2**62)
json_values = st.recursive(
    st.none() | st.booleans() | whole | finite | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
BY_HINT = {
    str: st.text(),
    int: whole,
    float: finite,
    str | None: st.none() | st.text(),
    float | None: st.none() | finite,
    list[str]: st.lists(st.text(), max_size=4),
    dict[str, object]: st.dictionaries(st.text(), json_values, max_size=4),
}


def strategy_of(hint):
    return BY_HINT.get(hint, BY_HINT[dict[str, object]])


@st.composite
def messages(draw):
    kind = draw(st.sampled_from(list(MESSAGE_TYPES.values())))
    hints = get_type_hints(kind)
    return kind(**{field.name: draw(strategy_of(hints[field.name])) for field in dataclasses.fields(kind)})


@given(messages())
def test_every_message_survives_the_wire(message):
    line = encode(message)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert decode(line) == message


@given(st.binary(max_size=300))
def test_bytes_that_are_no_message_are_refused_and_nothing_else_happens(line):
    with pytest.raises(ProtocolError):
        decode(line)


@given(st.dictionaries(st.sampled_from(["v", "type", "id", "request", "version"]), json_values))
def test_objects_of_our_names_with_any_content_are_read_or_refused(data):
    try:
        message = decode(json.dumps(data).encode())
    except ProtocolError:
        return
    assert encode(message)


GOOD = {"v": 1, "type": "estimate", "id": "a", "request": {}}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"v": 2}, "version"),
        ({"v": True}, "version"),
        ({"v": None}, "version"),
        ({"type": "explode"}, "explode"),
        ({"type": ["estimate"]}, "unknown"),
        ({"id": 3}, "'id'"),
        ({"id": None}, "'id'"),
        ({"request": []}, "'request'"),
        ({"extra": 1}, "'extra'"),
    ],
)
def test_a_wrong_field_is_named(change, named):
    assert isinstance(decode(json.dumps(GOOD).encode()), protocol.Estimate)
    with pytest.raises(ProtocolError, match=named):
        decode(json.dumps({**GOOD, **change}).encode())


def test_a_missing_field_is_named():
    with pytest.raises(ProtocolError, match="'request'"):
        decode(json.dumps({key: GOOD[key] for key in ("v", "type", "id")}).encode())


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", str(10**400), "true"])
def test_a_number_that_is_none_is_refused(value):
    line = encode(protocol.ProgressUpdate("a", "track", 1, 1, 0.5))
    assert decode(line.replace(b"0.5", b"2.5")).frames_per_s == 2.5
    with pytest.raises(ProtocolError):
        decode(line.replace(b"0.5", value.encode()))


@pytest.mark.parametrize("line", [b"", b"\n", b"[1]", b"3", b'{"v": 1', b"\xff\xfe", b"[" * 100_000])
def test_lines_that_are_no_object_are_refused(line):
    with pytest.raises(ProtocolError):
        decode(line)


def test_an_overlong_line_is_refused_on_both_sides():
    message = protocol.Hello("x" * MAX_LINE_BYTES)
    with pytest.raises(ProtocolError, match="bytes"):
        encode(message)
    with pytest.raises(ProtocolError, match="bytes"):
        decode(b" " * (MAX_LINE_BYTES + 1))


def test_nan_cannot_be_sent_unnoticed():
    with pytest.raises(ProtocolError):
        encode(protocol.Result("a", {"error": float("nan")}))


def test_plain_turns_numpy_into_json():
    report = {
        "n": np.int64(3),
        "mean": np.float32(0.5),
        "bad": np.nan,
        "list": np.array([1.0, np.inf]),
        "flag": np.bool_(True),
        "nested": ({"t": (1, 2)},),
        3: None,
    }
    expected = {
        "n": 3,
        "mean": 0.5,
        "bad": None,
        "list": [1.0, None],
        "flag": True,
        "nested": [{"t": [1, 2]}],
        "3": None,
    }
    assert plain(report) == expected
    assert decode(encode(protocol.Result("a", plain(report)))).report == expected
