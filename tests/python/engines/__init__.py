"""What the tests of other engines need: servers, golden feeds and the comparison."""
