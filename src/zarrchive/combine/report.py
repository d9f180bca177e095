"""Whether files fit together: what was compared, what differs, what follows, what can be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Final

from zarrchive.combine.checks import CHECKS, check_of, consequence_of
from zarrchive.combine.remedies import files_named

if TYPE_CHECKING:
    import pandas as pd

    from zarrchive.combine.plan import Finding, Plan
    from zarrchive.errors import Problem

__all__ = ["CompatibilityReport"]

_MOST_FILES: Final = 5
_MOST_GROUPS: Final = 10
"""Groups of files that agree, which text and HTML name one by one; JSON has all."""
_MARKS: Final = {"error": "does not fit", "warning": "differs"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CompatibilityReport:
    """What `zarrchive.check` found; print it, or show it in a notebook."""

    files: tuple[str, ...]
    """Every file that was to be checked, in the order given."""
    unreadable: tuple[Problem, ...]
    """Why files cannot be read."""
    plan: Plan | None
    """How the files would be combined; None where none can be read."""
    findings: tuple[Finding, ...] = field(default=())
    """What differs, the gravest first; each with both values, the files, and the ways out."""
    groups: tuple[tuple[str, ...], ...] = ()
    """The readable files in groups that fit together, as far as their order allows it."""

    @property
    def fits(self) -> bool:
        """Whether all files can be read and combined as they are."""
        return not self.unreadable and not self.errors

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What stands in the way."""
        return tuple(f.problem for f in self.findings if f.problem.severity == "error")

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that was found, as problems."""
        return (*self.unreadable, *(finding.problem for finding in self.findings))

    def to_pandas(self) -> pd.DataFrame:
        """Return a table: one row a variable, one column a check, empty where all files agree."""
        import pandas as pd  # noqa: PLC0415 - only for this

        rows = [] if self.plan is None else [row.path for row in self.plan.variables]
        rows += [v for v in dict.fromkeys(p.variable for p in self.problems) if v not in rows]
        columns = [check for check in CHECKS if check != "readable"]
        table = pd.DataFrame("", index=pd.Index(rows, name="variable"), columns=columns)
        for finding in reversed(self.findings):  # the gravest is written last, and stays
            check = check_of(finding.problem)
            if check in columns:
                table.loc[finding.problem.variable, check] = _MARKS[finding.problem.severity]
        return table

    def to_json(self) -> str:
        """Return the report as JSON; `json_schema` describes it."""
        from zarrchive.combine.document import document_of  # noqa: PLC0415 - imports pydantic

        return document_of(self).model_dump_json(indent=2)

    @staticmethod
    def json_schema() -> dict[str, Any]:
        """Return the JSON Schema of `to_json`."""
        from zarrchive.combine.document import ReportDocument  # noqa: PLC0415 - imports pydantic

        return ReportDocument.model_json_schema()

    def __bool__(self) -> bool:
        """Tell whether the files fit."""
        return self.fits

    def __str__(self) -> str:
        lines = [self.verdict, *([self.plan.sentence] if self.plan and self.plan.sentence else [])]
        lines += [_problem_text(problem) for problem in self.unreadable]
        lines += [_finding_text(*alike) for alike in self._alike()]
        return "\n\n".join(lines)

    __repr__ = __str__

    def _alike(self) -> list[list[Finding]]:
        """Return the findings, those of one kind about the same files together."""
        groups: dict[tuple[str, str, tuple[str, ...]], list[Finding]] = {}
        for finding in self.findings:
            problem = finding.problem
            key = problem.code, problem.severity, finding.files or (problem.where,)
            groups.setdefault(key, []).append(finding)
        return list(groups.values())

    def _repr_html_(self) -> str:
        body = "".join(_finding_html(finding) for finding in self.findings)
        unread = "".join(f"<li>{escape(str(problem))}</li>" for problem in self.unreadable)
        sentence = escape(self.plan.sentence) if self.plan else ""
        return (
            f"<div><p><b>{escape(self.verdict)}</b></p><p>{sentence}</p>"
            f"{f'<ul>{unread}</ul>' if unread else ''}{body}</div>"
        )

    @property
    def verdict(self) -> str:
        """One sentence: whether the files fit."""
        count = f"{len(self.files)} file{'' if len(self.files) == 1 else 's'}"
        warnings = len(self.findings) - len(self.errors)
        if self.fits:
            more = f", {warnings} thing{'' if warnings == 1 else 's'} to know" if warnings else ""
            return f"{count}: they fit{more}."
        reasons = []
        if self.unreadable:
            reasons.append(f"{len(self.unreadable)} cannot be read")
        if self.errors:
            reasons.append(f"{len(self.errors)} reason{'' if len(self.errors) == 1 else 's'}")
        return f"{count}: they do not fit ({', '.join(reasons)})."


def _problem_text(problem: Problem) -> str:
    return f"cannot be read: {problem}"


def _finding_text(finding: Finding, *others: Finding) -> str:
    """Describe a finding, and name the variables of which there are others of its kind."""
    problem = finding.problem
    lines = [f"{problem.severity}: {problem}"]
    if consequence := consequence_of(problem):
        lines.append(f"  so: {consequence}")
    shown = finding.groups[:_MOST_GROUPS]
    lines += [f"  {len(g.files)} x {g.value}: {_listed(g.files)}" for g in shown]
    if others_left := len(finding.groups) - len(shown):
        lines.append(f"  and {others_left} more values")
    lines += [f"  can do: {remedy.label}" for remedy in finding.remedies]
    if others:
        lines.append(f"  the like: {', '.join(other.problem.variable for other in others)}")
    return "\n".join(lines)


def _listed(files: tuple[str, ...]) -> str:
    if len(files) <= _MOST_FILES:
        return ", ".join(files_named([file]) for file in files)
    return files_named(files)


def _finding_html(finding: Finding) -> str:
    problem = finding.problem
    title = f"{problem.severity}: {problem.variable or files_named([problem.where])}"
    groups = "".join(
        f"<li>{len(group.files)} × {escape(group.value)}: {escape(_listed(group.files))}</li>"
        for group in finding.groups[:_MOST_GROUPS]
    )
    if others := len(finding.groups) - _MOST_GROUPS:
        groups += f"<li>and {others} more values</li>" if others > 0 else ""
    remedies = "".join(f"<li>{escape(remedy.label)}</li>" for remedy in finding.remedies)
    return (
        f"<details><summary>{escape(title)}: {escape(problem.what)} "
        f"<code>{escape(problem.code)}</code></summary>"
        f"<p>{escape(consequence_of(problem))}</p><ul>{groups}</ul>"
        f"<p>What can be done:</p><ul>{remedies}</ul></details>"
    )
