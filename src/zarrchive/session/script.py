"""The session as a Python script: the public API only, every string through `repr`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zarrchive.combine.plan import Plan
    from zarrchive.session.state import Export, SessionState

__all__ = ["script_of"]

_WIDTH: Final = 88


def script_of(
    state: SessionState, *, has_options: bool = False, most_files: int | None = None
) -> str:
    """Return a script that runs as it is and gives the same dataset and the same export.

    Parameters
    ----------
    has_options
        Whether the location needs storage options: the script then has a place for them, never
        their values.
    most_files
        Shorten the list of files for display; the script then says that it is shortened.
    """
    plan = state.combine.plan
    if plan is None:
        return _before_planning(state, has_options=has_options)
    files = plan.files
    shown = files if most_files is None else files[:most_files]
    lines = [*_imports(plan), "", *_files(shown, len(files)), *_options(has_options)]
    if plan.errors:
        lines.append(f"# {len(plan.errors)} problems keep these files from fitting together yet.")
    lines += _dataset(plan, has_options=has_options)
    lines += ["", f"print({_name(plan)})", *_export(plan, state.export)]
    return re.sub(r"\n{3,}", "\n\n\n", "\n".join(lines)) + "\n"


def _before_planning(state: SessionState, *, has_options: bool) -> str:
    """Before there is a plan, the script opens what is being looked at."""
    options = ", storage_options=storage_options" if has_options else ""
    look = state.look
    if look.file is not None and look.status == "ready":
        lines = ["import zarrchive", *_options(has_options), ""]
        lines.append(f"tree = zarrchive.open_virtual_datatree({_quoted(look.file)}{options})")
        lines.append("print(tree)")
    else:
        lines = ["import zarrchive", *_options(has_options), ""]
        extra = ", **storage_options" if has_options else ""
        url = _quoted(state.location.url) if state.location.url else ""
        lines.append(f"zarrchive.explore({url}{extra})")
    return "\n".join(lines) + "\n"


def _imports(plan: Plan) -> list[str]:
    lines = []
    if plan.is_new_dim and plan.labels_are_times:
        lines.append("import numpy as np")
    if plan.how in {"merge", "split"}:
        lines.append("import xarray as xr")
    return [*lines, "import zarrchive"] if lines else ["import zarrchive"]


def _files(files: Sequence[str], total: int) -> list[str]:
    lines = _list("files", files)
    if len(files) < total:
        lines.insert(-1, f"    # ... and {total - len(files)} more: this is shortened for display")
    return lines


def _options(has_options: bool) -> list[str]:  # noqa: FBT001 - a fact about the session
    if not has_options:
        return []
    return ["storage_options = {}  # what the location needs; never written by zarrchive"]


def _dataset(plan: Plan, *, has_options: bool) -> list[str]:
    lines = _list("drop", plan.drop) if plan.drop else []
    if plan.load and plan.how not in {"merge", "split"}:
        lines += _list("load", plan.parts[0].load)
    options = _open_options(plan, has_options=has_options)
    name = _name(plan)
    if plan.how == "single":
        return [*lines, f"{name} = {_opener(plan)}(files[0]{options})"]
    if plan.how in {"merge", "split"}:
        lines += _parts(plan)
    if plan.how == "split":
        return [*lines, *_groups(plan, options)]
    if plan.how == "concat":
        lines += _nesting(plan)
        lines += _joined(name, "grid" if plan.grid else "files", plan, options)
    elif plan.kind == "datatree":
        lines += _merged_trees(plan, options)
    else:
        lines += _merged(plan, options)
    return [*lines, *_labels(name, plan)]


def _opener(plan: Plan) -> str:
    kind = "datatree" if plan.kind == "datatree" else "dataset"
    return f"zarrchive.open_virtual_{kind}"


def _open_options(plan: Plan, *, has_options: bool) -> str:
    options = ""
    if plan.load:
        options += ", loadable_variables=load"
    if plan.drop:
        options += ", drop_variables=drop"
    if has_options:
        options += ", storage_options=storage_options"
    return options


def _joined(name: str, files: str, plan: Plan, options: str) -> list[str]:
    """Open and join the files of one part."""
    return [
        f"{name} = zarrchive.open_virtual_mf{plan.kind}(",
        f"    {files}{options},",
        f'    combine="nested", concat_dim={_concat_dim(plan)}, data_vars={_data_vars(plan)},',
        '    coords="minimal", compat="override", join="exact", combine_attrs="override",',
        *(['    on_problem="repair",'] if plan.repair else []),
        ")",
    ]


def _concat_dim(plan: Plan) -> str:
    return _in_line(plan.along) if plan.grid else _quoted(plan.dim)


def _nesting(plan: Plan) -> list[str]:
    """Put the files of a grid into lists of lists."""
    lines = ["grid = files"] if plan.grid else []
    for dim, count in reversed(plan.grid[1:]):
        lines.append(
            f"grid = [grid[i:i + {count}] for i in range(0, len(grid), {count})]  # along {dim!r}"
        )
    return lines


def _data_vars(plan: Plan) -> str:
    return '"all"' if plan.is_new_dim else '"minimal"'


def _labels(name: str, plan: Plan) -> list[str]:
    if plan.labels is None:
        return []
    return [
        *_list("labels", plan.labels),
        f"{name}.coords[{_quoted(plan.dim)}] = {_label_values(plan)}",
    ]


def _label_values(plan: Plan) -> str:
    return 'np.array(labels, dtype="datetime64[ns]")' if plan.labels_are_times else "labels"


def _parts(plan: Plan) -> list[str]:
    """List the parts: slices of the files, and what is loaded of each where that is chosen."""
    lines = ["parts = ["]
    end = 0
    for part in plan.parts:
        first, end = end, end + len(part.files)
        files = f"files[{first}:{end}]"
        lines.append(f"    ({files}, {_in_line(part.load)})," if plan.load else f"    {files},")
    return [*lines, "]"]


def _each_part(plan: Plan) -> str:
    return "for part, load in parts:" if plan.load else "for part in parts:"


def _merged(plan: Plan, options: str) -> list[str]:
    lines = ["joined = []", _each_part(plan)]
    if plan.dim:
        lines += [f"    {line}" for line in _joined("ds", "part", plan, options)]
    else:
        lines.append(f"    ds = {_opener(plan)}(part[0]{options})")
    lines.append("    joined.append(ds)")
    merge = 'ds = xr.merge(joined, compat="override", join="exact", combine_attrs="override")'
    return [*lines, merge]


def _groups(plan: Plan, options: str) -> list[str]:
    """Join the files of each part, and make it a group of a tree."""
    name = "part_tree" if plan.kind == "datatree" else "ds"
    return [
        "groups = {}",
        f"for number, {'(part, load)' if plan.load else 'part'} in enumerate(parts, start=1):",
        *(f"    {line}" for line in _joined(name, "part", plan, options)),
        f'    groups[f"/part_{{number}}"] = {name}',
        "tree = xr.DataTree.from_dict(groups)",
    ]


def _merged_trees(plan: Plan, options: str) -> list[str]:
    """Join the trees of each part, and merge them node by node."""
    lines = [*_MERGE_FUNCTION, "trees = []", _each_part(plan)]
    if plan.dim:
        lines += [f"    {line}" for line in _joined("tree", "part", plan, options)]
    else:
        lines.append(f"    tree = {_opener(plan)}(part[0]{options})")
    return [*lines, "    trees.append(tree)", "tree = merge(trees)"]


_MERGE_FUNCTION: Final = [
    "",
    "",
    "def merge(trees):",
    '    """Merge trees node by node."""',
    "    merged = {}",
    "    for path in dict.fromkeys(path for tree in trees for path in tree.groups):",
    "        nodes = [t[path].to_dataset(inherit=False) for t in trees if path in t.groups]",
    "        merged[path] = xr.merge(",
    '            nodes, compat="override", join="exact", combine_attrs="override"',
    "        )",
    "    return xr.DataTree.from_dict(merged)",
    "",
    "",
]


def _export(plan: Plan, export: Export) -> list[str]:
    """Write the export if it was made, as it was made."""
    if export.report is None:
        return []
    if export.format == "icechunk":
        return ["", f"{_name(plan)}.virtual.to_icechunk({_quoted(export.report.path)})"]
    kind = export.format.removeprefix("kerchunk-")
    return [
        "",
        f"{_name(plan)}.virtual.to_kerchunk(",
        f'    {_quoted(export.report.path)}, format="{kind}", zarr_format={export.zarr_format}',
        ")",
    ]


def _name(plan: Plan) -> str:
    return "tree" if plan.kind == "datatree" or plan.split else "ds"


def _quoted(text: str) -> str:
    """Return a string as Python source: `repr`, in double quotes where that changes nothing."""
    source = repr(text)
    plain = source[0] == "'" and '"' not in source and "\\" not in source
    return f'"{source[1:-1]}"' if plain else source


def _in_line(items: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, items))}]"


def _list(name: str, items: Sequence[str]) -> list[str]:
    one_line = f"{name} = {_in_line(items)}"
    if len(one_line) <= _WIDTH and len(items) < 4:
        return [one_line]
    return [f"{name} = [", *(f"    {_quoted(item)}," for item in items), "]"]
