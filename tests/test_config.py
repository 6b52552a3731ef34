import json
from typing import get_args, get_type_hints

import pytest

from pose_core.config import CameraConfig, EstimateRequest, SolveConfig, TrackConfig, VideoConfig, from_mapping
from pose_core.errors import ConfigError


def test_request_survives_json():
    request = EstimateRequest(
        "clip.mp4", "clip.motion.npz", preview="p.mp4", video_config=VideoConfig(start_s=1.0, end_s=2.5),
        track=TrackConfig(people=0), camera=CameraConfig(fov_deg=60.0), solve=SolveConfig(height_m=1.8),
    )  # fmt: skip
    assert EstimateRequest.from_json(request.to_json()) == request
    data = request.to_data()
    assert EstimateRequest.from_data(data) == request and data == request.to_data(), "what was given is left as it is"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": 99}, "version 1 was expected"),
        ({"surprise": 1}, "no setting 'surprise'"),
        ({"video": 3}, "video must be a text, but is 3"),
        ({"solve": {"floor": 1}}, "floor must be true or false, but is 1"),
        ({"preview": 2.5}, "preview must be a text or nothing, but is 2.5"),
        ({"solve": {"height_m": "tall"}}, "height_m"),
        ({"solve": {"height_m": 9}}, "0.3 to 3 metres"),
        ({"track": {"people": True}}, "people"),
        ({"video_config": {"start_s": 5, "end_s": 4}}, "later than"),
        ({"camera": {"focal_px": 100.0, "fov_deg": 50.0}}, "not both"),
        ({"camera": []}, "object"),
    ],
)
def test_bad_requests_are_refused_with_a_reason(change, says):
    data = json.loads(EstimateRequest("a", "b").to_json()) | change
    with pytest.raises(ConfigError, match=says):
        EstimateRequest.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "[1]", "{", "null"])
def test_what_is_no_request_is_refused(text):
    with pytest.raises(ConfigError):
        EstimateRequest.from_json(text)


def test_whole_numbers_serve_where_a_float_is_wanted():
    data = json.loads(EstimateRequest("a", "b").to_json()) | {"solve": {"height_m": 2}}
    assert EstimateRequest.from_json(json.dumps(data)).solve.height_m == 2.0


NUMBERS = [
    (kind, name) for kind in (VideoConfig, TrackConfig, CameraConfig, SolveConfig)
    for name, hint in get_type_hints(kind).items() if {int, float} & {hint, *get_args(hint)}
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), NUMBERS)
def test_every_number_is_finite_and_bounded(kind, name):
    for value in (float("inf"), float("-inf"), float("nan"), 99_999_999_999, -99_999_999_999):
        with pytest.raises(ConfigError, match=name):
            kind(**{name: value})


def test_messages_stay_short():
    with pytest.raises(ConfigError) as caught:
        from_mapping(TrackConfig, {"device": "x" * 10**7})
    assert len(str(caught.value)) < 4100 and "device" in str(caught.value)
    assert len(str(ConfigError("m" * 10**7, "h" * 10**7))) < 4100
