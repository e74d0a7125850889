"""What the tests of the documentation share."""

from tests.peers.postgresql import postgresql, postgresql_server  # noqa: F401  # fixtures
