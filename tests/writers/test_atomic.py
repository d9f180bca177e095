"""An output is replaced at once: whatever happens, the old one or the new one is complete."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from zarrchive.manifests import ManifestGroup
from zarrchive.writers import atomic
from zarrchive.writers.atomic import replaced_file, replaced_folder
from zarrchive.writers.kerchunk_json import KerchunkJSONWriter
from zarrchive.writers.kerchunk_parquet import KerchunkParquetWriter

if TYPE_CHECKING:
    from collections.abc import Callable

WRITERS = pytest.mark.parametrize(
    "writer", [KerchunkJSONWriter(), KerchunkParquetWriter()], ids=["json", "parquet"]
)
CHILD = textwrap.dedent(
    r"""
    import os
    import sys
    import numpy as np
    from zarrchive.location.identity import SourceFile
    from zarrchive.manifests import ChunkManifest, ManifestArray, ManifestGroup
    from zarrchive.manifests._zarr import array_metadata
    from zarrchive.writers import reference_tables
    from zarrchive.writers.kerchunk_json import KerchunkJSONWriter
    from zarrchive.writers.kerchunk_parquet import KerchunkParquetWriter

    reference_tables.RECORD_SIZE = 100
    writer = {"json": KerchunkJSONWriter, "parquet": KerchunkParquetWriter}[sys.argv[1]]()

    def group(version):
        n = 2000
        path_id = np.full(n, 2, "u4")
        offset = np.full(n, version, "u8")
        file = SourceFile(f"/data/{version}.nc", version)
        manifest = ChunkManifest.from_columns(
            (n,), files=[file], path_id=path_id, offset=offset, length=np.full(n, 8, "u4")
        )
        codecs = [{"name": "bytes", "configuration": {"endian": "little"}}]
        metadata = array_metadata(
            shape=(n,), dtype=np.dtype("<f8"), chunk_shape=(1,), codecs=codecs, fill_value=0.0,
            dimension_names=("x",), attributes={"version": version},
        )
        return ManifestGroup(arrays={"x": ManifestArray(metadata, manifest)})

    def write_for_ever(version):
        while True:
            version += 1
            writer.write(group(version), sys.argv[2])
            os.write(1, f"{version}\n".encode())

    # Importing takes seconds: it is done once, and each round is a fork. Lines are written by
    # one system call each, so that a kill leaves no half line.
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            write_for_ever(int(line))
        os.write(1, f"pid {child}\n".encode())
        os.waitpid(child, 0)
        os.write(1, b"dead\n")
    """
)


def version_of(path: Path) -> int:
    """Return which version is at `path`, having seen that all of it is of that version."""
    if path.is_file():
        refs = json.loads(path.read_text())["refs"]
        attributes = json.loads(refs["x/.zattrs"])
        offsets = {ref[1] for key, ref in refs.items() if key.startswith("x/") and "/.z" not in key}
        assert len(refs) == 2000 + 5
    else:
        import pyarrow.parquet as pq

        attributes = json.loads((path / ".zmetadata").read_text())["metadata"]["x/.zattrs"]
        tables = [pq.read_table(part) for part in (path / "x").iterdir()]
        assert sum(table.num_rows for table in tables) == 2000
        offsets = {offset for table in tables for offset in table["offset"].unique().to_pylist()}
    assert offsets == {attributes["version"]}
    return int(attributes["version"])


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_a_writer_killed_at_any_time_leaves_a_complete_output(kind: str, tmp_path: Path) -> None:
    target = tmp_path / f"out.{kind}"
    chance = random.Random(1)  # noqa: S311 - not a secret
    command = [sys.executable, "-W", "ignore", "-c", CHILD, kind, str(target)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        version = 0
        for _ in range(20):
            parent.stdin.write(f"{version}\n")
            parent.stdin.flush()
            child, seen = 0, [version]
            # The very first version must be complete before the child is killed.
            while not child or max(seen) == 0:
                line = parent.stdout.readline()
                if line.startswith("pid"):
                    child = int(line.split()[1])
                else:
                    seen.append(int(line))
            time.sleep(chance.uniform(0, 0.05))
            os.kill(child, signal.SIGKILL)
            seen += [int(line) for line in iter(parent.stdout.readline, "dead\n")]
            found = version_of(target)
            assert found in {max(seen), max(seen) + 1}
            version = found
        parent.stdin.close()
    with replaced_file(tmp_path / "out.json") if kind == "json" else replaced_folder(target):
        pass
    assert sorted(p.name for p in tmp_path.iterdir()) == [target.name]


@WRITERS
def test_a_cancelled_or_failed_write_leaves_the_old_output(
    writer: Any, make: Callable[..., Any], tmp_path: Path
) -> None:
    target = tmp_path / "out"
    old = ManifestGroup(arrays={"x": make(np.arange(4.0)).array})
    writer.write(old, str(target))
    before = contents(target)
    calls = []

    def cancel(done: int, total: int) -> None:
        calls.append((done, total))
        raise KeyboardInterrupt

    new = ManifestGroup(arrays={"x": make(np.arange(8.0), chunks=(2,)).array})
    with pytest.raises(KeyboardInterrupt):
        writer.write(new, str(target), progress=cancel)
    assert calls == [(4, 4)]
    assert contents(target) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def contents(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return {str(file.relative_to(path.parent)): file.read_bytes() for file in files}


def test_the_old_file_is_seen_until_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with replaced_file(target) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("system", ["with exchange", "without"])
def test_the_old_folder_is_seen_until_the_end(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if system == "without":
        monkeypatch.setattr(atomic, "_exchanged", lambda left, right: False)
    target = tmp_path / "a"
    for number in range(3):
        with replaced_folder(target) as folder:
            (folder / f"{number}").touch()
            assert number == 0 or [p.name for p in target.iterdir()] == [f"{number - 1}"]
    assert [p.name for p in target.iterdir()] == ["2"]
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_kill_between_two_renames_is_made_good_by_the_next_write(tmp_path: Path) -> None:
    target = tmp_path / "a"
    aside = atomic._kept_aside(target)
    aside.mkdir()
    (aside / "old").touch()
    with replaced_folder(target):
        assert [p.name for p in target.iterdir()] == ["old"]
    assert list(target.iterdir()) == []
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_failed_write_puts_the_old_folder_back_all_the_same(tmp_path: Path) -> None:
    target = tmp_path / "a"
    aside = atomic._kept_aside(target)
    aside.mkdir()
    (aside / "old").touch()
    context = replaced_folder(target)
    context.__enter__()
    assert not context.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert [p.name for p in target.iterdir()] == ["old"]


def test_leftovers_are_removed_but_not_those_of_a_live_writer(tmp_path: Path) -> None:
    target = tmp_path / "a"
    other = atomic._temporary(tmp_path / "b")
    other.touch()
    dead = [atomic._temporary(target) for _ in range(2)]
    dead[0].write_bytes(b"half")
    dead[1].mkdir()
    (dead[1] / "x").touch()
    with replaced_file(target) as live:
        live.write(b"first")
        with replaced_file(target) as second:
            second.write(b"second")
        assert Path(live.name).exists()
    assert target.read_bytes() == b"first"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["a", other.name])


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    for number, replaced in zip(itertools.count(), (replaced_file, replaced_folder)):
        real, link = tmp_path / f"real{number}", tmp_path / f"link{number}"
        if replaced is replaced_folder:
            real.mkdir()
        link.symlink_to(real)
        with replaced(link):
            pass
        assert link.is_symlink()
        assert real.exists()


def test_names_may_be_as_long_as_the_system_allows(tmp_path: Path) -> None:
    with replaced_file(tmp_path / ("x" * 255)) as file:
        file.write(b"1")
    assert os.listdir(tmp_path) == ["x" * 255]  # noqa: PTH208 - names, not paths
