import errno
import hashlib
import os
from pathlib import Path

import jsonschema
import pytest

from search_spaces.errors import UserError
from search_spaces.files import (
    atomic_path,
    check_new_folder,
    check_writable,
    new_folder,
    read_json,
    refuse_foreign_folder,
    refuse_full_folder,
    refuse_input,
    sha256_file,
    sha256_json,
    sha256_text,
    write_json,
)

SCHEMA = {
    "type": "object",
    "properties": {"clips": {"type": "integer", "minimum": 1}},
    "required": ["clips"],
    "additionalProperties": False,
}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "new" / "a.json"
    write_json(path, {"clips": 3}, SCHEMA)
    assert read_json(path, SCHEMA) == {"clips": 3}
    assert names(path.parent) == ["a.json"]


def test_a_value_that_breaks_its_schema_is_not_written(tmp_path):
    with pytest.raises(jsonschema.ValidationError):
        write_json(tmp_path / "a.json", {"clips": 0}, SCHEMA)
    assert names(tmp_path) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_not_a_number_is_never_written_as_json(tmp_path, value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"latency": value})
    assert names(tmp_path) == []


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_and_die() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half of the n")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_and_die()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_names_the_file_that_was_wanted(tmp_path):
    path = tmp_path / "a.txt"
    with pytest.raises(OSError, match="No space left") as caught, atomic_path(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(path)


def test_what_a_link_leads_to_is_replaced_and_a_device_never(tmp_path):
    (tmp_path / "link").symlink_to("file")
    with atomic_path(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"
    os.mkfifo(tmp_path / "pipe")
    with (
        pytest.raises(UserError, match=r"pipe: is a folder or a device"),
        atomic_path(tmp_path / "pipe"),
    ):
        pass
    (tmp_path / "loop").symlink_to("loop")
    with atomic_path(tmp_path / "loop") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "loop").read_text() == "new"


def test_a_folder_that_takes_no_file_is_named_by_the_file_that_was_wanted():
    path = Path("/proc/a.txt")  # where nobody may make files, not even root
    with pytest.raises(OSError, match=r"'/proc/a\.txt'"), atomic_path(path):
        pass


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("there", r"--out: .*/there is a folder or a device; name a file"),
        ("pipe", r"--out: .*/pipe is a folder or a device; name a file"),
        ("a.txt/new/b.txt", r"--out: .*b\.txt cannot be written \(Not a directory\); make room"),
        ("/proc/new/b.txt", r"--out: /proc/new/b\.txt cannot be written \(No such file"),
        ("b" * 300, r"--out: .*/b{300} cannot be written \(File name too long\)"),
    ],
)
def test_what_cannot_be_written_is_found_out_before_the_work(tmp_path, name, message):
    (tmp_path / "there").mkdir()
    (tmp_path / "a.txt").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match=message):
        check_writable(tmp_path / name, "--out")
    assert names(tmp_path) == ["a.txt", "pipe", "there"]


def test_looking_whether_something_can_be_written_leaves_nothing(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    for name in ("a.txt", "new/b.txt"):
        check_writable(tmp_path / name, "--out")
    for name in ("", "new/folder"):
        check_writable(tmp_path / name, "--out", folder=True)
    with pytest.raises(UserError, match=r"--out: .*a\.txt is a file; name a folder"):
        check_writable(tmp_path / "a.txt", "--out", folder=True)
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_an_input_is_not_written_over_whatever_it_is_called(tmp_path):
    (tmp_path / "a.txt").touch()
    (tmp_path / "link").symlink_to("a.txt")
    inputs = [tmp_path / ("b" * 300), tmp_path / "lost", tmp_path / "a.txt"]
    with pytest.raises(UserError, match=r"--out: .*/link is one of the clips; name another file"):
        refuse_input(tmp_path / "link", inputs, "clips", "--out")
    refuse_input(tmp_path / "lost", inputs, "clips", "--out")


def test_a_full_disk_is_named_by_the_new_folder(tmp_path):
    with pytest.raises(OSError, match="No space left") as caught, new_folder(tmp_path / "out"):
        raise OSError(errno.ENOSPC, "No space left on device")  # as a write says it
    assert caught.value.filename == str(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_new_folder_appears_whole_or_not_at_all(tmp_path):
    with new_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("a")
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / "a").read_text() == "a"
    with pytest.raises(FileNotFoundError), new_folder(tmp_path / "other") as folder:
        (folder / "none" / "a").write_text("a")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_new_folder_that_was_interrupted_goes_on_with_the_same_settings_alone(tmp_path):
    found = []

    def stopped(settings, error):
        with new_folder(tmp_path / "out", settings) as folder:
            found.append(names(folder))
            (folder / "a").touch()
            raise error

    for settings in ({"seed": 1}, {"seed": 1}, {"seed": 2}, None):
        with pytest.raises(KeyboardInterrupt):
            stopped(settings, KeyboardInterrupt())
    assert found == [[], ["a"], [], []]
    assert names(tmp_path) == []
    with pytest.raises(UserError, match="no"):
        stopped({"seed": 1}, UserError("no"))
    assert names(tmp_path) == []


def test_two_processes_do_not_write_one_folder(tmp_path):
    with new_folder(tmp_path / "out") as growing:
        (growing / "a.txt").touch()
        with (
            pytest.raises(UserError, match=r"out: another process is writing it; wait for that"),
            new_folder(tmp_path / "out"),
        ):
            pass
    assert names(tmp_path / "out") == ["a.txt"]
    assert names(tmp_path) == ["out"]


def test_the_folder_that_a_link_leads_to_is_written(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("empty")
    with new_folder(tmp_path / "link") as growing:
        (growing / "a.txt").touch()
    assert names(tmp_path / "empty") == ["a.txt"]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with new_folder(Path()) as growing:
        (growing / "b.txt").touch()
    assert names(tmp_path / "here") == ["b.txt"]


def test_a_folder_that_holds_something_is_refused(tmp_path):
    refuse_full_folder(tmp_path, "--out")
    refuse_full_folder(tmp_path / "new", "--out")
    (tmp_path / "a").touch()
    with pytest.raises(UserError, match=r"--out: .* exists and is not empty; name another"):
        refuse_full_folder(tmp_path, "--out")
    with pytest.raises(UserError, match=r"--out: .*a is a file; name a folder"):
        refuse_full_folder(tmp_path / "a", "--out")


def test_a_folder_to_come_is_refused_before_the_work_where_it_cannot_take_its_name(tmp_path):
    check_new_folder(tmp_path / "new" / "clips", "--out")
    (tmp_path / "a").touch()
    assert names(tmp_path) == ["a"]
    with pytest.raises(UserError, match=r"--out: .*/a is a file; name a folder"):
        check_new_folder(tmp_path / "a" / "clips", "--out")
    with pytest.raises(UserError, match=r"--out: .* exists and is not empty"):
        check_new_folder(tmp_path, "--out")
    with pytest.raises(UserError, match=r"--out: /proc cannot be written \("):
        check_new_folder(Path("/proc/clips"), "--out")


def test_a_folder_to_come_cannot_be_where_a_disk_is_mounted(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "is_mount", lambda path: path == tmp_path)
    with pytest.raises(UserError, match=r"--out: .* is where a disk is mounted; name a folder in"):
        check_new_folder(tmp_path, "--out")


def test_a_folder_of_other_things_is_refused_and_an_own_one_is_not(tmp_path):
    for name in ("weights", "marker"):
        refuse_foreign_folder(tmp_path, "--out", ["weights", "marker"], ["marker"])
        (tmp_path / name).touch()
    (tmp_path / "notes.txt").touch()
    refuse_foreign_folder(tmp_path, "--out", ["weights", "marker"], ["marker"])
    (tmp_path / "marker").unlink()
    with pytest.raises(UserError, match=r"--out: .* holds other things \(notes.txt\); name anot"):
        refuse_foreign_folder(tmp_path, "--out", ["weights", "marker"], ["marker"])


def test_permissions_are_those_of_the_file_or_of_a_new_one(tmp_path):
    path, new = tmp_path / "labels.csv", tmp_path / "new.csv"
    path.write_text("old")
    path.chmod(0o640)
    for each in (path, new):
        with atomic_path(each) as temporary:
            temporary.write_text("new")
    (tmp_path / "plain").write_text("as any program makes one")
    assert [oct(each.stat().st_mode & 0o777) for each in (path, new)] == [
        "0o640",
        oct((tmp_path / "plain").stat().st_mode & 0o777),
    ]


def test_the_temporary_keeps_the_suffix(tmp_path):
    with atomic_path(tmp_path / "plot.png") as temporary:
        assert temporary.suffix == ".png"
        assert temporary.parent == tmp_path
        temporary.write_bytes(b"png")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"a\.json: not valid JSON"),
        ("\udcff", r"a\.json: not valid JSON"),
        ("{}", r"a\.json: field \$: 'clips' is a required property"),
        ('{"clips": 0}', r"a\.json: field \$\.clips: 0 is less than the minimum of 1"),
        ('{"clips": 1, "clip": 1}', r"'clip' was unexpected"),
    ],
)
def test_a_damaged_file_is_refused_by_name_and_field(tmp_path, content, message):
    path = tmp_path / "a.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=message):
        read_json(path, SCHEMA)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_json(tmp_path / "a.json", SCHEMA)
    with pytest.raises(UserError, match="is a folder, expected a JSON file"):
        read_json(tmp_path, SCHEMA)


def test_sha256_of_known_bytes(tmp_path):
    path = tmp_path / "abc"
    path.write_bytes(b"abc")
    assert sha256_file(path).startswith("ba7816bf8f01cfea")


def test_a_digest_depends_on_values_and_not_on_their_order():
    assert (
        sha256_json({"a": 1, "b": 2})
        == sha256_json({"b": 2, "a": 1})
        != sha256_json({"a": 1, "b": 3})
    )


def test_a_text_has_the_digest_of_its_bytes_also_where_these_are_no_utf8():
    name = b"caf\xe9"  # Latin-1, as an old disk has it
    assert sha256_text(os.fsdecode(name)) == hashlib.sha256(name).hexdigest()
