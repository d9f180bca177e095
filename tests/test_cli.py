"""The command line, run in this process; its answers are judged by netCDF4, xarray and fsspec."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import warnings

import fsspec
import h5py
import netCDF4
import numpy as np
import pytest
import requests
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from zarrchive.cli import main
from zarrchive.cli.terminal import human_size, printable
from zarrchive.demo import demo_files

MONTHS = [name for name in demo_files() if name.startswith("reanalysis/")]
VOLUME = "radar/volume_20230420T080000Z.nc"


@pytest.fixture
def run(capsys):
    """Run a command; returns its status, standard output and standard error."""

    def run(*words) -> tuple[int, str, str]:
        status = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return status, out, err

    return run


@given(st.text())
def test_nothing_printed_can_steer_a_terminal(text) -> None:
    shown = printable(text)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)
    assert not any("\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069" for char in shown)
    shown.encode("utf-8")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_ordinary_text_is_printed_as_it_is(text) -> None:
    assert printable(text) == text


@given(st.integers(0, 10**15))
def test_a_size_is_short_and_right(nbytes) -> None:
    number, unit = human_size(nbytes).split(" ")
    factor = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}[unit]
    assert float(number) * factor == pytest.approx(nbytes, rel=0.05, abs=0.5)
    assert len(number) <= 4


def test_version(capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("zarrchive 0.")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["inspect"],
        ["unheard-of"],
        ["combine", "a.nc"],
        ["combine", "a.nc", "-o", "out.txt"],
        ["explore", "--port", "70000"],
        ["demo", "--port", "-1"],
        ["inspect", "--storage-options", "[1]", "a.nc"],
        ["inspect", "--storage-options", "{", "a.nc"],
    ],
)
def test_a_wrong_command_line_is_status_2(words, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_inspect_shows_a_file(run, demo_folder) -> None:
    status, out, err = run("inspect", demo_folder / MONTHS[0])
    assert (status, err) == (0, "")
    (line,) = (line for line in out.splitlines() if " t2m " in line)
    assert "(time: 31, latitude: 61, longitude: 120)" in line
    assert "int16" in line
    assert "31 chunks of 1x61x120" in line
    assert "shuffle" in line
    assert "zlib" in line
    assert "Total precipitation" not in out


def test_inspect_shows_attributes_on_request(run, demo_folder) -> None:
    _, out, _ = run("inspect", "--attributes", demo_folder / MONTHS[0])
    assert "Total precipitation" in out
    assert "Daily means of a made-up reanalysis" in out


def test_inspect_shows_a_hierarchy(run, demo_folder) -> None:
    _, out, _ = run("inspect", demo_folder / VOLUME)
    assert out.index("sweep_group_name") < out.index("sweep_0/") < out.index("radar_parameters/")


def test_inspect_of_one_group(run, demo_folder) -> None:
    status, out, _ = run("inspect", "--json", "--group", "sweep_1", demo_folder / VOLUME)
    (group,) = json.loads(out)["files"][0]["groups"]
    assert status == 0
    assert group["path"] == "/sweep_1"
    assert {array["path"] for array in group["arrays"]} >= {"/sweep_1/DBZH", "/sweep_1/time"}


@pytest.mark.parametrize("name", [MONTHS[1], VOLUME])
def test_inspect_json_agrees_with_netcdf4(run, demo_folder, name) -> None:
    status, out, _ = run("inspect", "--json", demo_folder / name)
    document = json.loads(out)["files"][0]
    groups = {group["path"]: group for group in document["groups"]}
    assert status == 0
    assert document["size"] == (demo_folder / name).stat().st_size
    assert document["problems"] == []
    with netCDF4.Dataset(demo_folder / name) as file, h5py.File(demo_folder / name) as hdf:
        assert set(groups) == {"/", *(group.path for group in file.groups.values())}
        for group in [file, *file.groups.values()]:
            arrays = {array["name"]: array for array in groups[group.path]["arrays"]}
            assert set(arrays) == set(group.variables)
            for variable in group.variables.values():
                array, dataset = arrays[variable.name], hdf[group.path][variable.name]
                assert tuple(array["dimensions"]) == variable.dimensions
                assert tuple(array["shape"]) == variable.shape
                if variable.dtype is not str:
                    assert np.dtype(array["dtype"]) == variable.dtype
                if dataset.chunks is not None:
                    assert tuple(array["chunks"]) == dataset.chunks
                    assert array["bytes_stored"] == dataset.id.get_storage_size()
                names = set(variable.ncattrs())
                assert names == set(array["attributes"])


def test_several_files_some_of_which_cannot_be_read(run, demo_folder) -> None:
    odd = demo_folder / "odd"
    names = ["not-a-file.nc", "reanalysis_2023-11_truncated.nc", "reanalysis_2023-12_other-grid.nc"]
    status, out, err = run("inspect", *(odd / name for name in names), odd / "absent.nc")
    assert status == 1
    assert "Traceback" not in err
    assert all(err.count(name) for name in (*names[:2], "absent.nc"))
    assert err.count("hint: ") == 3
    assert names[2] in out

    status, out, err = run("inspect", "--json", *(odd / name for name in names), odd / "absent.nc")
    files = json.loads(out)["files"]
    assert (status, err) == (1, "")
    assert [file["groups"] is None for file in files] == [True, True, False, True]
    for file in files[:2]:
        assert {"code", "where", "what", "hint", "severity", "variable"} == set(file["problems"][0])


@pytest.mark.parametrize("kind", ["folder", "empty", "fifo", "text"])
def test_what_is_no_file_to_read_is_said(run, tmp_path, kind) -> None:
    path = tmp_path / "thing.nc"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.write_text({"empty": "", "text": "a,b\n1,2\n"}[kind])
    status, _, err = run("inspect", path)
    assert status == 1
    assert err.startswith("error: ")
    assert str(path) in err
    assert err.count("hint: ") == 1


def test_text_from_files_does_not_reach_the_terminal_raw(run, tmp_path) -> None:
    path = tmp_path / "evil.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("ev\x1b[31mil", data=np.zeros(3))
        file["ok"] = 1.0
        file["ok"].attrs["note"] = "title\x1b]0;owned\x07 \u202e back"
        file["ok"].attrs["[bold]markup[/bold]"] = "[link=x]y"
    status, out, err = run("inspect", "--attributes", path)
    assert status == 0
    assert "\x1b" not in out + err
    assert "\u202e" not in out
    assert "ev\\x1b[31mil" in out
    assert "[bold]markup[/bold]" in out
    assert "[link=x]y" in out


def test_numbers_that_json_lacks(run, tmp_path) -> None:
    path = tmp_path / "odd.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("v", data=np.zeros(3), fillvalue=np.nan, chunks=(2,))
        data.attrs["limits"] = [-np.inf, np.inf, np.nan]
        data.attrs["raw"] = np.void(b"\x00\xff")
        data.attrs["name"] = np.bytes_(b"caf\xe9")
    _, out, _ = run("inspect", "--json", path)
    (array,) = json.loads(out, parse_constant=pytest.fail)["files"][0]["groups"][0]["arrays"]
    assert array["attributes"]["limits"] == ["-Infinity", "Infinity", "NaN"]
    assert array["fill_value"] == "NaN"


def test_deep_and_wide_files_are_printed(run, tmp_path) -> None:
    path = tmp_path / "deep.h5"
    with h5py.File(path, "w") as file:
        file.create_group("/".join(["g"] * 200))["last"] = np.arange(3)
        for number in range(500):
            file[f"v{number}"] = 1.0
    status, out, _ = run("inspect", path)
    assert status == 0
    assert "last" in out
    assert "v499" in out


def test_combined_year_opens_with_other_software(run, demo_folder, tmp_path) -> None:
    out = tmp_path / "year.json"
    files = [demo_folder / name for name in MONTHS]
    status, said, err = run("combine", *files, "-o", out)
    assert (status, err) == (0, "")
    assert "time: 365" in said
    with (
        _through_fsspec(out) as ours,
        xr.open_mfdataset(files, engine="netcdf4", combine="by_coords") as theirs,
    ):
        xr.testing.assert_equal(ours.load(), theirs.load())


def test_combine_a_group_in_the_order_given(run, demo_folder, tmp_path) -> None:
    out = tmp_path / "sweep.parquet"
    files = [demo_folder / name for name in demo_files() if name.startswith("radar/")]
    words = ["--group", "sweep_0", "--concat-dim", "time", "--drop", "sweep_fixed_angle"]
    status, _, err = run("combine", *files, "-o", out, *words)
    assert (status, err) == (0, "")
    parts = [xr.open_dataset(name, group="sweep_0", engine="netcdf4")["DBZH"] for name in files]
    with _through_fsspec(out) as ours:
        # JSON does not say that the scale factor is a float32, so xarray decodes to float64.
        xr.testing.assert_equal(ours["DBZH"].astype("f4"), xr.concat(parts, "time"))


def test_check_says_whether_files_fit(run, demo_folder, tmp_path) -> None:
    files = [demo_folder / name for name in MONTHS]
    status, out, err = run("check", *files)
    assert (status, err) == (0, "")
    assert out.startswith("12 files: they fit.")
    odd = demo_folder / "odd" / "reanalysis_2023-12_other-packing.nc"
    status, out, _ = run("check", files[0], odd, "--json")
    assert status == 1
    document = json.loads(out)
    assert document["fits"] is False
    assert {one["code"] for one in document["findings"]} >= {"combine-packing"}
    status, out, _ = run("check", files[0], demo_folder / "odd" / "not-a-file.nc")
    assert status == 1
    assert "1 cannot be read" in out
    status, out, _ = run("check", "--schema")
    assert json.loads(out)["title"] == "ReportDocument"
    assert run("check", tmp_path / "nothing-*.nc")[0] == 1


def test_combine_hierarchies_with_a_cache(run, demo_folder, tmp_path) -> None:
    files = [demo_folder / name for name in demo_files() if name.startswith("radar/")]
    words = ["--tree", "--cache", tmp_path / "cache", "--processes"]
    for name in ("volumes.json", "again.json"):
        status, said, err = run("combine", *files, "-o", tmp_path / name, *words)
        assert status == 0
        assert "in 4 groups" in said
        assert "sweep_fixed_angle" in err
    assert (tmp_path / "volumes.json").read_bytes() == (tmp_path / "again.json").read_bytes()
    storage = {"fo": str(tmp_path / "again.json")}
    parts = [xr.open_dataset(name, group="sweep_1", engine="netcdf4")["DBZH"] for name in files]
    with xr.open_datatree("reference://", engine="zarr", storage_options=storage) as ours:
        xr.testing.assert_equal(ours["sweep_1/DBZH"].astype("f4"), xr.concat(parts, "time"))


@pytest.mark.skipif(
    sys.version_info < (3, 12),
    reason="icechunk 2 needs it; the newer Python of the same run has it",
)
def test_combine_to_a_repository(run, demo_folder, tmp_path) -> None:
    import icechunk

    files = [demo_folder / name for name in MONTHS[:3]]
    path = tmp_path / "months.icechunk"
    status, said, _ = run("combine", *files, "-o", path)
    assert status == 0
    assert "references" in said
    storage = icechunk.local_filesystem_storage(str(path))
    places = icechunk.Repository.open(storage).config.virtual_chunk_containers
    leave = dict.fromkeys(places, icechunk.credentials.LocalFileSystemAccess)
    repository = icechunk.Repository.open(storage, authorize_virtual_chunk_access=leave)
    store = repository.readonly_session("main").store
    with (
        xr.open_zarr(store, consolidated=False) as ours,
        xr.open_mfdataset(files, engine="netcdf4", combine="by_coords") as theirs,
    ):
        xr.testing.assert_allclose(ours, theirs)
    assert run("combine", *files, "-o", path, "--zarr-format", "2")[0] == 1


def test_combine_splits_what_does_not_fit(run, demo_folder, tmp_path) -> None:
    odd = demo_folder / "odd" / "reanalysis_2023-12_other-packing.nc"
    files = [demo_folder / MONTHS[9], demo_folder / MONTHS[10], odd]
    status, said, err = run("combine", *files, "-o", tmp_path / "eras.json", "--split")
    assert status == 0
    assert "in 3 groups" in said
    assert "the group part_2 holds" in err
    storage = {"fo": str(tmp_path / "eras.json")}
    with xr.open_datatree("reference://", engine="zarr", storage_options=storage) as ours:
        for name, part in (("part_1", files[:2]), ("part_2", files[2:])):
            with xr.open_mfdataset(part, engine="netcdf4", combine="by_coords") as theirs:
                xr.testing.assert_allclose(ours[name].to_dataset(), theirs)
    with pytest.raises(SystemExit):
        run("combine", *files, "-o", tmp_path / "eras.json", "--split", "--repair")


@pytest.mark.parametrize("odd", ["not-a-file.nc", "reanalysis_2023-11_truncated.nc"])
def test_combine_says_which_file_cannot_be_read(run, demo_folder, tmp_path, odd) -> None:
    out = tmp_path / "year.json"
    files = [demo_folder / MONTHS[0], demo_folder / "odd" / odd]
    status, _, err = run("combine", *files, "-o", out)
    assert status == 1
    assert odd in err
    assert "hint: " in err
    assert not out.exists()
    status, said, err = run("combine", "--skip-bad", *files, "-o", out)
    assert status == 0
    assert "time: 31" in said
    assert odd in err


@pytest.mark.parametrize("odd", ["other-grid", "other-packing"])
def test_combine_refuses_what_does_not_fit(run, demo_folder, tmp_path, odd) -> None:
    out = tmp_path / "year.json"
    files = [demo_folder / MONTHS[10], demo_folder / "odd" / f"reanalysis_2023-12_{odd}.nc"]
    status, _, err = run("combine", *files, "-o", out)
    assert status == 1
    assert "Traceback" not in err
    assert "hint: " in err
    assert not out.exists()


def test_an_output_that_cannot_be_written(run, demo_folder, tmp_path) -> None:
    status, _, err = run("combine", demo_folder / MONTHS[0], "-o", tmp_path / "no" / "where.json")
    assert status == 1
    assert "where.json" in err
    assert "hint: " in err
    assert "unexpected" not in err


def test_demo_makes_the_files_and_serves_them(run, tmp_path, monkeypatch) -> None:
    calls = []
    monkeypatch.setattr("zarrchive.app.server.serve", lambda *a, **k: calls.append((a, k)))
    status, out, _ = run("demo", "--folder", tmp_path, "--no-browser", "--port", "5017")
    assert status == 0
    assert str(tmp_path) in out
    ((place, options),) = calls
    assert place == (str(tmp_path),)
    assert (options["port"], options["open_browser"]) == (5017, False)
    assert all((tmp_path / name).exists() for name in demo_files())


def test_explore_serves_a_place(run, monkeypatch) -> None:
    calls = []
    monkeypatch.setattr("zarrchive.app.server.serve", lambda *a, **k: calls.append((a, k)))
    assert run("explore", "some/where")[0] == 0
    ((place, options),) = calls
    assert place == ("some/where",)
    assert (options["port"], options["open_browser"]) == (0, True)


def test_demo_ends_with_the_explorer_at_the_address_it_prints(demo_folder) -> None:
    words = ["demo", "--folder", str(demo_folder), "--no-browser"]
    command = [sys.executable, "-m", "zarrchive", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = next(line for line in process.stdout if line.startswith("Explorer: "))
            url = line.split()[1]
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\S{20,}", url)
            page = requests.get(url, timeout=60)
            assert page.status_code == 200
            assert "<title>Zarrchive" in page.text
            without_secret = requests.get(re.sub(r"(:\d+/).*", r"\1", url), timeout=60)
            assert without_secret.status_code in {403, 404}
        finally:
            process.send_signal(signal.SIGINT)
    assert process.returncode == 0


def test_a_failure_nobody_foresaw_is_one_problem(run, monkeypatch) -> None:
    def fail(*_, **__) -> None:
        raise RuntimeError("surprise\x1b[31m")

    monkeypatch.setattr("zarrchive.app.server.serve", fail)
    status, _, err = run("explore")
    assert status == 1
    assert "stopped by RuntimeError: surprise\\x1b[31m" in err
    assert "Traceback" not in err
    monkeypatch.setenv("ZARRCHIVE_DEBUG", "1")
    with pytest.raises(RuntimeError):
        run("explore")


def test_ctrl_c_is_no_error(run, monkeypatch) -> None:
    def interrupt(*_, **__) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zarrchive.app.server.serve", interrupt)
    assert run("explore")[0] == 130


def test_as_a_module_in_a_pipe_without_a_terminal(demo_folder) -> None:
    command = [sys.executable, "-m", "zarrchive", "inspect", str(demo_folder / MONTHS[0])]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "error"}
    answer = subprocess.run(command, capture_output=True, env=environment, check=True)
    assert b"longitude" in answer.stdout
    assert answer.stderr == b""


def test_a_reader_of_the_pipe_may_stop(demo_folder) -> None:
    inspect = f"'{sys.executable}' -m zarrchive inspect --json '{demo_folder / VOLUME}'"
    command = ["bash", "-c", f"{inspect} | head -c 10"]
    answer = subprocess.run(command, capture_output=True, check=True)
    assert answer.stderr == b""


def _through_fsspec(path):
    """Open references without any code of this project."""
    filesystem = fsspec.filesystem("reference", fo=str(path), asynchronous=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return xr.open_dataset(
            filesystem.get_mapper(), engine="zarr", consolidated=False, zarr_format=2
        )
