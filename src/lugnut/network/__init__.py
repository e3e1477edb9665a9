"""Files and pages from afar, by a route: fetched once for all who want them, whole and checked, or one error."""
