"""JSON and TOML of others: bounded, and every fault one kind of error."""

import os
from pathlib import Path

import pytest

from pose_core.config import EstimateRequest
from pose_core.errors import ConfigError, ModelError, PoseCoreError, RigError
from pose_core.retarget import read_bone_map
from pose_core.retarget.mapping.vrm import read_humanoid
from pose_core.runtime.description import read_description
from pose_core.untrusted.text import TextBounds, parse_json, read_json, read_toml, shortened

SMALL = TextBounds(most_bytes=1000, most_depth=4, most_values=20, most_key=50)
BAD_JSON = [
    b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"[[[[[1]]]]]", b"[" + b"1," * 30 + b"1]", b"1" * 5000,
    b'[{"' + b"k" * 60 + b'": 1}]', b" " * 2000, b'"\\ud800', b"nul", b"[1" + b"0" * 400 + b"]",
]  # fmt: skip


@pytest.mark.parametrize("content", BAD_JSON, ids=range(len(BAD_JSON)))
def test_bad_json_is_one_kind_of_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(RigError, match="the map") as caught:
        read_json(tmp_path / "x.json", "the map", RigError, bounds=SMALL)
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize("content", [b"a = ", b"\xff", b"a = " + b"[" * 50_000, b"a." * 300 + b"b = 1", b"x = 1\n" * 2])
def test_bad_toml_is_one_kind_of_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.toml").write_bytes(content)
    with pytest.raises(ConfigError, match="the manifest"):
        read_toml(tmp_path / "x.toml", "the manifest", ConfigError)


def test_good_text_is_read_with_a_byte_order_mark_too(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b'\xef\xbb\xbf{"a": [1, {"b": null}]}')
    assert read_json(tmp_path / "x.json", "it", RigError, bounds=SMALL) == {"a": [1, {"b": None}]}
    assert parse_json("NaN", "it", RigError) != parse_json("NaN", "it", RigError)
    with pytest.raises(RigError):
        parse_json("NaN", "it", RigError, allow_nan=False)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ModelError, match="no file"):
            read_json(path, "it", ModelError)


@pytest.mark.parametrize("content", [*BAD_JSON, b"[]", b'{"format": "pose_core.bone_map", "bones": 5}'])
def test_readers_of_the_product_raise_their_own_errors(tmp_path: Path, content: bytes) -> None:
    for name in ("x.json", "x.onnx", "x.vrm"):
        (tmp_path / name).write_bytes(content)
    size = len(content).to_bytes(4, "little")
    (tmp_path / "y.vrm").write_bytes(b"glTF" + b"\2\0\0\0" + size + size + b"JSON" + content)
    with pytest.raises(RigError):
        read_bone_map(tmp_path / "x.json")
    with pytest.raises(RigError):
        read_humanoid(tmp_path / "x.vrm")
    for read in (lambda: read_humanoid(tmp_path / "y.vrm"), lambda: read_description(tmp_path / "x.onnx"),
                 lambda: EstimateRequest.from_json(content.decode("latin-1"))):  # fmt: skip
        try:
            read()
        except PoseCoreError as error:
            assert len(str(error)) < 4100


def test_what_a_message_quotes_is_one_line_that_no_terminal_obeys() -> None:
    said = str(ConfigError("It is 'a\n  b\x1b[2J\udcff\u202egpm'.", "Try\r\nagain."))
    assert said == r"It is 'a b\x1b[2J\udcff\u202egpm'. Try again."
    assert (
        shortened("caf\u00e9 \u4f60\u597d \U0001f469\u200d\U0001f4bb")
        == "caf\u00e9 \u4f60\u597d \U0001f469\u200d\U0001f4bb"
    )
    assert shortened([1, "a\nb"]) == r"[1, 'a\nb']"
