import pytest
import torch

from search_spaces.architecture import largest
from search_spaces.errors import UserError
from search_spaces.spaces import get_space
from search_spaces.supernet import Supernet, build_supernet
from search_spaces.supernet_file import read_supernet, write_supernet
from search_spaces.task_classes import ClassesTask

NANO = get_space("sam-nano")


@pytest.fixture(scope="module")
def supernet() -> Supernet:
    return build_supernet(NANO, num_outputs=4, seed=5)


@pytest.fixture
def path(tmp_path, supernet):
    path = tmp_path / "supernet.pt"
    training = {"seed": 5, "labelled_clips": 40, "config": {"lr": 0.1}}
    write_supernet(path, supernet, training, ClassesTask(("dog", "door", "rain", "wind")))
    return path


def rewrite(path, **changes) -> None:
    torch.save(torch.load(path, weights_only=True) | changes, path)


def test_round_trip(path, supernet):
    loaded = read_supernet(path, NANO)
    assert loaded.training == {"seed": 5, "labelled_clips": 40, "config": {"lr": 0.1}}
    assert not loaded.supernet.training
    assert loaded.supernet.num_outputs == 4
    assert loaded.supernet.active == largest(NANO)
    for name, value in supernet.state_dict().items():
        assert torch.equal(loaded.supernet.state_dict()[name], value), name


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"none\.pt: no such file; `fit` writes it"):
        read_supernet(tmp_path / "none.pt")


def test_a_folder(tmp_path):
    with pytest.raises(UserError, match=r"is a folder, expected a supernet\.pt"):
        read_supernet(tmp_path)


@pytest.mark.parametrize("kept", [0, 2000, 30_000])
def test_a_truncated_file(path, kept):
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"supernet\.pt: not a supernet file, or damaged"):
        read_supernet(path)


@pytest.mark.parametrize("text", ["hi", "clip,use,protocol\n"])
def test_any_other_file(path, text):
    path.write_text(text)
    with pytest.raises(UserError, match=r"supernet\.pt: not a supernet file, or damaged"):
        read_supernet(path)


def test_code_in_a_pickle_is_not_run(path):
    torch.save({"format": print}, path)
    with pytest.raises(UserError, match=r"supernet\.pt: not a supernet file, or damaged"):
        read_supernet(path)


def test_a_lightning_checkpoint_is_told_apart(path):
    torch.save({"pytorch-lightning_version": "2.6.6", "state_dict": {}}, path)
    with pytest.raises(UserError, match=r"Lightning checkpoint.*give the supernet\.pt that `fit`"):
        read_supernet(path)


@pytest.mark.parametrize("value", [{"weights": 1}, [1, 2]])
def test_another_torch_file(path, value):
    torch.save(value, path)
    with pytest.raises(UserError, match=r"not a supernet file; give the supernet\.pt that `fit`"):
        read_supernet(path)


def test_another_space(path):
    message = r"is of space sam-nano version 1, expected sam version 1; train a supernet of that"
    with pytest.raises(UserError, match=message):
        read_supernet(path, get_space("sam"))


def test_another_version_of_the_space(path):
    rewrite(path, space={"name": "sam-nano", "version": 99})
    with pytest.raises(UserError, match=r"version 99, expected sam-nano version 1"):
        read_supernet(path)


def test_an_unknown_space(path):
    rewrite(path, space={"name": "sam-huge", "version": 1})
    with pytest.raises(UserError, match=r"supernet\.pt: space 'sam-huge' is unknown"):
        read_supernet(path)


def test_a_later_format(path):
    rewrite(path, schema_version=2)
    with pytest.raises(UserError, match=r"format version 2, this kit reads 1"):
        read_supernet(path)


def test_weights_that_do_not_fit(path):
    rewrite(path, num_outputs=11, task={"kind": "counts"})
    with pytest.raises(UserError, match=r"its weights do not fit space sam-nano: .*size mismatch"):
        read_supernet(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"space": "sam-nano"}, r"field \$\.space: 'sam-nano' is not of type 'object'"),
        ({"space": None}, r"field \$\.space: None is not of type 'object'"),
        ({"space": {"name": "sam-nano"}}, r"field \$\.space: 'version' is a required property"),
        ({"num_outputs": "11"}, r"field \$\.num_outputs: '11' is not of type 'integer'"),
        (
            {"num_outputs": 7},
            r"field \$\.num_outputs: got 7, but its task, classes, has 4; train it",
        ),
        ({"state_dict": None}, r"field \$\.state_dict: None is not of type 'object'"),
        ({"state_dict": {1: 2}}, "its weights do not fit space sam-nano: .* Train it anew"),
        ({"training": [1]}, r"field \$\.training: \[1\] is not of type 'object'"),
        ({"task": "counts"}, r"field \$\.task: 'counts' is not of type 'object'"),
        ({"task": {"kind": ["counts"]}}, r"task: got \['counts'\], this kit knows .*; train it "),
        ({"task": {"kind": "smells"}}, "task: got 'smells', this kit knows .*; train it anew"),
        (
            {"task": {"kind": "classes"}},
            r"field \$\.task: 'names' is a required property",
        ),
        (
            {"task": {"kind": "classes", "names": ["a", "b", "c", 4], "several": False}},
            r"field \$\.task\.names\[3\]: 4 is not of type 'string'",
        ),
        (
            {"task": {"kind": "classes", "names": ["a", "b"], "several": False}},
            r"field \$\.num_outputs: got 4, but its task, classes, has 2",
        ),
    ],
)
def test_a_field_of_another_kind(path, changes, message):
    rewrite(path, **changes)
    with pytest.raises(UserError, match=message) as refused:
        read_supernet(path)
    assert str(refused.value).startswith(str(path))
