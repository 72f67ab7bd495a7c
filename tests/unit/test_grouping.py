"""Tests that share a running platform stay together on one worker."""

import pytest


@pytest.mark.xdist_group("grouping")
def test_a_group_is_not_torn_apart(request: pytest.FixtureRequest) -> None:
    """pytest-xdist groups by a suffix of the node id; where it cannot set it, it says nothing and spreads the tests."""
    if getattr(request.config.option, "loadgroup", False):
        assert request.node.nodeid.endswith("@grouping")
