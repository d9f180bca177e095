"""Combine files into one virtual dataset and write it as references.

No data is copied: the output says for every chunk in which file, where and how long it is.
Dimension coordinates are read and stored in the output.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from zarrchive.cli.arguments import add_source_arguments
from zarrchive.cli.terminal import human_size, print_problems, printable, terminal
from zarrchive.optional import is_installed

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

__all__ = ["add_arguments", "run"]

_FORMAT_OF_SUFFIX: Final = {
    ".json": "json",
    ".parquet": "parquet",
    ".parq": "parquet",
    ".icechunk": "icechunk",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "files", metavar="FILE", nargs="+", help="paths or URLs; a single one may be a pattern"
    )
    parser.add_argument("-o", "--output", metavar="PATH", required=True, help="where to write")
    parser.add_argument(
        "--format",
        choices=("json", "parquet", "icechunk"),
        help="by default the output's suffix decides",
    )
    parser.add_argument(
        "--zarr-format",
        type=int,
        choices=(2, 3),
        help="layout of kerchunk references (default: 2); Icechunk has 3 only",
    )
    parser.add_argument("--group", metavar="PATH", help="group to take (default: the root)")
    parser.add_argument(
        "--tree", action="store_true", help="take all groups below as well, each joined by itself"
    )
    parser.add_argument(
        "--split",
        action="store_true",
        help="where files do not fit, write groups of files that do: part_1, part_2, ...",
    )
    parser.add_argument(
        "--concat-dim",
        metavar="DIM",
        help="join along DIM in the order given; by default coordinates decide",
    )
    parser.add_argument(
        "--load", metavar="NAME", nargs="+", help="store the values of these in the output instead"
    )
    parser.add_argument("--drop", metavar="NAME", nargs="+", help="leave these variables out")
    parser.add_argument(
        "--skip-bad", action="store_true", help="leave out files that cannot be read, and say so"
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="make files fit where no number changes by it, leave out what cannot be read, say so",
    )
    parser.add_argument(
        "--cache", metavar="FOLDER", help="keep there what was read; unchanged files are not reread"
    )
    parser.add_argument(
        "--processes", action="store_true", help="read the files in as many processes as processors"
    )
    add_source_arguments(parser)


def run(options: Namespace) -> int:
    """Open, combine, write, and print what was written."""
    import zarrchive

    output_format = options.format or _FORMAT_OF_SUFFIX.get(PurePath(options.output).suffix.lower())
    if output_format is None:
        options.error(
            f"{options.output} ends in none of .json, .parquet and .icechunk: say --format"
        )
    ordered = {"combine": "nested", "concat_dim": options.concat_dim}
    opener: Any = zarrchive.open_virtual_mfdataset
    if options.split and options.repair:
        options.error("--split and --repair are two ways out: choose one")
    if options.tree:
        opener = zarrchive.open_virtual_mfdatatree
    if options.split:
        opener = zarrchive.open_virtual_split
    data = opener(
        options.files[0] if len(options.files) == 1 else options.files,
        group=options.group,
        reader=options.reader,
        loadable_variables=options.load,
        drop_variables=options.drop,
        on_problem="repair" if options.repair else "skip" if options.skip_bad else "raise",
        executor="processes" if options.processes else None,
        cache=options.cache,
        storage_options=options.storage_options,
        **(ordered if options.concat_dim else {"combine": "by_coords"}),
    )
    print_problems(data.virtual.problems)
    if output_format == "icechunk":
        _quieten_icechunk()
        layout = {"zarr_format": options.zarr_format} if options.zarr_format else {}
        report = data.virtual.to_icechunk(options.output, **layout)
    else:
        report = data.virtual.to_kerchunk(
            options.output, format=output_format, zarr_format=options.zarr_format or 2
        )
    print_problems(report.problems)
    sizes = ", ".join(f"{dim}: {size}" for dim, size in data.sizes.items())
    if options.tree or options.split:
        sizes = f"in {len(data.groups)} groups"
    console = terminal()
    console.print(
        f"{printable(str(report.path))}: {report.narrays} variables ({printable(sizes)}), "
        f"{report.nrefs} references, {human_size(report.size)}",
        soft_wrap=True,
    )
    return 0


def _quieten_icechunk() -> None:
    """Keep it from warning of others that write at the same time: nobody does to a new one."""
    if is_installed("icechunk"):
        import_module("icechunk").set_logs_filter("error")
