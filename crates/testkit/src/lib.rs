//! For tests only: fakes, fixtures and conformance suites. Never in the release graph.
