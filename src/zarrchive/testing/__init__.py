"""Test helpers that plug-in authors may import: strategies, sources, conformance suites."""
