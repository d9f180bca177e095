"""The report as a document for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from zarrchive.combine.checks import check_of, consequence_of

if TYPE_CHECKING:
    from zarrchive.combine.plan import Finding
    from zarrchive.combine.report import CompatibilityReport
    from zarrchive.errors import Problem

__all__ = ["ReportDocument", "document_of"]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProblemDocument(_Document):
    """One thing that is wrong."""

    code: str = Field(description="Stable identifier.")
    severity: Literal["error", "warning"]
    where: str = Field(description="File that it is about.")
    variable: str = Field(description="Absolute path of the variable; empty: the whole file.")
    what: str = Field(description="What was found and what was expected.")
    hint: str = Field(description="What to do.")


class GroupDocument(_Document):
    """Files that agree among themselves."""

    value: str
    files: list[str]


class FindingDocument(ProblemDocument):
    """One disagreement between files."""

    check: str = Field(description="What was compared.")
    consequence: str = Field(description="What follows where nothing is done.")
    files: list[str] = Field(description="The files that differ from the others.")
    groups: list[GroupDocument]
    remedies: list[str] = Field(description="What can be done, with its cost.")


class ReportDocument(_Document):
    """Whether files fit together."""

    version: Literal[1] = 1
    fits: bool
    verdict: str
    plan: str = Field(description="How the files would be combined, in one sentence.")
    files: list[str]
    unreadable: list[ProblemDocument]
    findings: list[FindingDocument]


def document_of(report: CompatibilityReport) -> ReportDocument:
    """Return the document of a report."""
    return ReportDocument(
        fits=report.fits,
        verdict=report.verdict,
        plan="" if report.plan is None else report.plan.sentence,
        files=list(report.files),
        unreadable=[ProblemDocument(**_problem(problem)) for problem in report.unreadable],
        findings=[_finding(finding) for finding in report.findings],
    )


def _problem(problem: Problem) -> dict[str, Any]:
    names = ("code", "severity", "where", "variable", "what", "hint")
    return {name: getattr(problem, name) for name in names}


def _finding(finding: Finding) -> FindingDocument:
    return FindingDocument(
        **_problem(finding.problem),
        check=check_of(finding.problem),
        consequence=consequence_of(finding.problem),
        files=list(finding.files),
        groups=[GroupDocument(value=g.value, files=list(g.files)) for g in finding.groups],
        remedies=[remedy.label for remedy in finding.remedies],
    )
