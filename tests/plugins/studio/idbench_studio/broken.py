"""What a package looks like whose dependency is gone."""

raise RuntimeError("the licence server does not answer")
