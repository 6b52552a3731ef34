"""The loaders of public layouts and of rendered sets: labels arrive where the files put them, damage is named."""

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("scipy")

from pose_core.errors import ConfigError, DatasetError
from pose_core.lab.datasets.human36m import read_human36m
from pose_core.lab.datasets.images import Picture, crop_matrix, warp
from pose_core.lab.datasets.joint_sets import H36M_32, LSP_14, MPI_INF_3DHP_28, MPII_16
from pose_core.lab.datasets.layout import LABELS_FILE, LOOKS, SPLITS, read_json, read_labels
from pose_core.lab.datasets.lsp import read_lsp
from pose_core.lab.datasets.mpi_inf_3dhp import read_mpi_inf_3dhp
from pose_core.lab.datasets.mpii import read_mpii
from pose_core.lab.datasets.rendered import read_rendered
from pose_core.maths.cameras import project_points
from pose_core.skeletons.h36m import H36M
from tests.lab.train import dataset_files as files

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "rendered_people"
# Labels are stored in float32 and pixels go to some hundred.
EXACT_PX = 2e-3
EXACT_M = 1e-5


def _agree(batch):
    """3D joints project to the 2D ones."""
    for i in range(len(batch)):
        seen = project_points(batch.joints_m[i] + batch.root_m[i], batch.camera_matrix[i].astype(float))
        np.testing.assert_allclose(seen, batch.joints_px[i], atol=0.02)


@pytest.fixture
def sample(tmp_path):
    return Path(shutil.copytree(SAMPLE, tmp_path / "set"))


@pytest.mark.parametrize("places", [H36M_32, MPI_INF_3DHP_28, MPII_16, LSP_14])
def test_no_joint_is_taken_twice_and_all_limbs_are_there(places):
    used = [p for p in places if p >= 0]
    assert len(set(used)) == len(used)
    limbs = [j for j, name in enumerate(H36M.names) if name.startswith(("left", "right"))]
    assert all(places[j] >= 0 for j in limbs)


def test_sample_has_every_split_and_look_and_stays_small():
    assert sum(p.stat().st_size for p in SAMPLE.rglob("*") if p.is_file()) < 2_000_000
    data = read_rendered(SAMPLE, SPLITS)
    assert data.looks == LOOKS and len(data) == 50
    batch = data.read(np.arange(len(data)))
    assert batch.image.shape == (50, 128, 128, 3)
    _agree(batch)
    assert 0.5 < batch.visible.mean() < 0.97
    assert batch.visible.sum(axis=1).min() >= 3
    height = batch.joints_m[:, H36M.index("head_top")] - batch.joints_m[:, H36M.index("left_ankle")]
    assert np.linalg.norm(height, axis=1).max() < 2.1


def test_no_person_and_no_performer_is_in_two_splits():
    splits = read_json(SAMPLE / "splits.json")
    people = {s: set(read_rendered(SAMPLE, (s,)).subjects) for s in SPLITS}
    performers = {s: {str(p) for shard in splits[s] for p in read_labels(SAMPLE / shard)["performer"]} for s in SPLITS}
    for i, a in enumerate(SPLITS):
        for b in SPLITS[i + 1 :]:
            assert not people[a] & people[b], (a, b)
    for a, b in (("train", "validation"), ("train", "test"), ("validation", "test"), ("wild_train", "wild_test")):
        assert not performers[a] & performers[b], (a, b)


def test_pictures_show_the_person_where_the_labels_say():
    """The skin and cloth at a visible wrist differ from shard to shard, but the same joint of a person looks alike."""
    batch = read_rendered(SAMPLE, ("train",)).read(np.arange(5))
    batch_2x = read_rendered(SAMPLE, ("train",), size_px=256).read(np.arange(5))
    np.testing.assert_allclose(batch_2x.joints_px, batch.joints_px * 2, atol=EXACT_PX)
    coarse = batch_2x.image.reshape(5, 128, 2, 128, 2, 3).mean(axis=(2, 4))
    assert np.abs(coarse - batch.image).mean() < 6.0  # grey levels: enlarged, then averaged again


def test_rendered_set_names_what_is_wrong(sample):
    with pytest.raises(DatasetError, match=r"no rendered data set.*no dataset\.json"):
        read_rendered(sample / "nowhere")
    with pytest.raises(DatasetError, match="no split 'trian'"):
        read_rendered(sample, ("trian",))
    data = read_rendered(sample)
    shard = sample / read_json(sample / "splits.json")["train"][0]
    (shard / "000000.jpg").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"000000\.jpg' cannot be decoded"):
        data.read(np.array([0]))
    (shard / "000001.jpg").unlink()
    with pytest.raises(DatasetError, match=r"000001\.jpg' is missing"):
        data.read(np.array([1]))
    labels = shard / LABELS_FILE
    labels.write_bytes(labels.read_bytes()[:900])
    with pytest.raises(DatasetError, match="are damaged"):
        read_rendered(sample)
    labels.unlink()
    with pytest.raises(DatasetError, match="unfinished"):
        read_rendered(sample)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("joints_m", lambda a: np.where(np.arange(17)[:, None] == 3, np.nan, a).astype(a.dtype), "NaN"),
        ("joints_px", lambda a: a + np.float32(3.0), "do not project"),
        ("visible", lambda a: a[:, :5], "must have shape"),
    ],
)
def test_labels_that_cannot_be_are_refused(sample, name, change, message):
    path = sample / "shard_00000" / LABELS_FILE
    with np.load(path) as data:
        arrays = dict(data)
    arrays[name] = change(arrays[name])
    np.savez(path, **arrays)
    with pytest.raises(DatasetError, match=message):
        read_labels(path.parent)


def test_human36m_json(tmp_path):
    points = files.write_human36m_json(tmp_path, (1, 5, 6, 7, 8, 9, 11))
    train = read_human36m(tmp_path, "train", size_px=96)
    test = read_human36m(tmp_path, "test", size_px=96)
    assert train.subjects == ("S1", "S5", "S6", "S7", "S8") and test.subjects == ("S11", "S9")
    assert read_human36m(tmp_path, "test", protocol=2).subjects == ("S11",)
    batch = train.read(np.array([0, 4]))
    np.testing.assert_allclose(batch.joints_m[1] + batch.root_m[1], points, atol=EXACT_M)
    _agree(batch)
    assert train.actions == ("Eating",) and train.has_3d.all()
    with pytest.raises(ConfigError, match="protocol 3"):
        read_human36m(tmp_path, "train", protocol=3)
    (tmp_path / "annotations" / "Human36M_subject9_camera.json").write_text("{", encoding="utf-8")
    with pytest.raises(DatasetError, match="damaged"):
        read_human36m(tmp_path, "test")
    (tmp_path / "annotations" / "Human36M_subject9_camera.json").unlink()
    with pytest.raises(DatasetError, match=r"subject9_camera\.json' is missing"):
        read_human36m(tmp_path, "test")


def test_human36m_arrays_of_32_joints(tmp_path):
    points = np.array([files.person_m(i, 32) for i in range(3)])
    for subject in (9, 11):
        files.write_human36m_arrays(tmp_path, subject, points * 1e3)
    data = read_human36m(tmp_path, "test", size_px=64)
    assert len(data) == 6
    batch = data.read(np.array([2]))
    got = batch.joints_m[0] + batch.root_m[0]
    np.testing.assert_allclose(got[H36M.index("left_wrist")], points[2, 19], atol=EXACT_M)
    np.testing.assert_allclose(got[H36M.index("head_top")], points[2, 15], atol=EXACT_M)
    _agree(batch)
    assert len(read_human36m(tmp_path, "test", every=4)) == 2


def test_human36m_names_what_is_wrong(tmp_path):
    with pytest.raises(DatasetError, match=r"no Human3\.6M in a known layout"):
        read_human36m(tmp_path, "train")
    points = files.person_m(0, 17)[None] * 1e3
    for subject in (9, 11):
        files.write_human36m_arrays(tmp_path, subject, np.where(np.arange(17)[:, None] == 2, np.nan, points))
    with pytest.raises(DatasetError, match="have NaN"):
        read_human36m(tmp_path, "test")
    files.write_human36m_arrays(tmp_path, 9, points, action=np.array([None], dtype=object))
    with pytest.raises(DatasetError, match="plain arrays"):
        read_human36m(tmp_path, "test")


def test_mpi_inf_3dhp(tmp_path):
    points = files.write_3dhp(tmp_path)
    data = read_mpi_inf_3dhp(tmp_path, subjects=(1,), cameras=(0,), size_px=64)
    assert data.subjects == ("S1",) and data.actions == ("Seq1",) and len(data) == 3
    batch = data.read(np.arange(3))
    got = batch.joints_m + batch.root_m[:, None]
    np.testing.assert_allclose(got[:, H36M.index("right_knee")], points[:, 24], atol=EXACT_M)
    np.testing.assert_allclose(got[:, H36M.index("left_elbow")], points[:, 10], atol=EXACT_M)
    _agree(batch)
    # The camera that the labels imply is the one they were made with.
    np.testing.assert_allclose(data.table.camera_matrix[0], files.K, atol=1e-6)
    with pytest.raises(DatasetError, match="no labels for camera 8"):
        read_mpi_inf_3dhp(tmp_path, subjects=(1,), cameras=(8,))
    with pytest.raises(DatasetError, match="no 'S2/Seq1'"):
        read_mpi_inf_3dhp(tmp_path, subjects=(2,))
    (tmp_path / "S1" / "Seq1" / "annot.mat").write_bytes(b"x" * 300)
    with pytest.raises(DatasetError, match="damaged or no MATLAB file"):
        read_mpi_inf_3dhp(tmp_path, subjects=(1,), cameras=(0,))


def test_mpi_inf_3dhp_video(tmp_path):
    cv2 = pytest.importorskip("cv2")
    files.write_3dhp(tmp_path)
    folder = tmp_path / "S1" / "Seq1" / "imageSequence"
    shutil.rmtree(folder / "video_0")
    writer = cv2.VideoWriter(str(folder / "video_0.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (200, 200))
    for grey in (40, 120, 200):
        writer.write(np.full((200, 200, 3), grey, dtype=np.uint8))
    writer.release()
    data = read_mpi_inf_3dhp(tmp_path, subjects=(1,), cameras=(0,), size_px=32)
    shown = data.read(np.array([2, 0])).image[:, 12:20, 12:20].mean(axis=(1, 2, 3))
    np.testing.assert_allclose(shown, [200, 40], atol=12)


def _in_picture(data, batch, index):
    to_crop = crop_matrix(data.table.centre_px[index], float(data.table.side_px[index]), data.size_px)
    return (batch.joints_px[0] - to_crop[:2, 2]) / to_crop[0, 0]


@pytest.mark.parametrize("matlab", [False, True])
def test_mpii(tmp_path, matlab):
    joints = files.write_mpii_matlab(tmp_path) if matlab else files.write_mpii_json(tmp_path)
    data = read_mpii(tmp_path, size_px=100)
    assert len(data) == 1 and not data.has_3d.any()
    batch = data.read(np.array([0]))
    got = _in_picture(data, batch, 0)
    np.testing.assert_allclose(got[H36M.index("right_wrist")], joints[10] - 0.5, atol=EXACT_PX)
    np.testing.assert_allclose(got[H36M.index("left_knee")], joints[4] - 0.5, atol=EXACT_PX)
    assert np.isnan(got[H36M.index("spine")]).all() and np.isnan(batch.joints_m).all()
    head, ankle = H36M.index("head_top"), H36M.index("right_ankle")
    if matlab:
        assert np.isfinite(got[ankle]).all() and not batch.visible[0, ankle]
    else:
        assert np.isnan(got[head]).all() and not batch.visible[0, head]


@pytest.mark.parametrize("extended", [False, True])
def test_lsp(tmp_path, extended):
    joints = files.write_lsp(tmp_path, extended)
    data = read_lsp(tmp_path, size_px=100)
    batch = data.read(np.array([0]))
    got = _in_picture(data, batch, 0)
    np.testing.assert_allclose(got[H36M.index("left_shoulder")], joints[0, 9] - 0.5, atol=EXACT_PX)
    np.testing.assert_allclose(got[0], joints[0, [2, 3]].mean(axis=0) - 0.5, atol=EXACT_PX)
    ankle = H36M.index("right_ankle")
    assert not batch.visible[0, ankle]
    assert np.isnan(got[ankle]).all() == extended


def test_wrong_layouts_are_named(tmp_path):
    from scipy.io import savemat

    with pytest.raises(DatasetError, match="no MPII in a known layout"):
        read_mpii(tmp_path)
    with pytest.raises(DatasetError, match=r"joints\.mat' is missing"):
        read_lsp(tmp_path)
    savemat(str(tmp_path / "joints.mat"), {"joints": np.zeros((5, 4, 3))})
    with pytest.raises(DatasetError, match=r"must be \(3, 14, N\)"):
        read_lsp(tmp_path)


def test_warp_counts_from_the_outer_corner():
    """Twice the size: every pixel becomes a block of two by two, without a shift."""
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    image[2:6, 2:6] = 200
    large = warp(image, np.diag([2.0, 2.0, 1.0]), 16)
    centre = np.argwhere(large[..., 0] > 100).mean(axis=0) + 0.5
    np.testing.assert_allclose(centre, [8.0, 8.0], atol=1e-6)
    small = warp(np.kron(image, np.ones((8, 8, 1), dtype=np.uint8)), np.diag([0.125, 0.125, 1.0]), 8)
    assert np.abs(small.astype(int) - image).max() < 40


def test_a_picture_is_read_as_red_green_blue(tmp_path):
    cv2 = pytest.importorskip("cv2")
    from pose_core.lab.datasets.images import read_picture

    cv2.imwrite(str(tmp_path / "a.png"), np.full((4, 4, 3), (255, 0, 10), dtype=np.uint8))
    assert read_picture(Picture(tmp_path / "a.png"))[0, 0].tolist() == [10, 0, 255]
