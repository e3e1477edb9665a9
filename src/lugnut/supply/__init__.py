"""From what is asked for to verified wheels in the store: out of what lies at hand, by a lock, or by a resolver."""
