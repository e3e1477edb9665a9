"""The room that knows the target's interpreter: which one is meant, what it says of itself, and what it compiles."""
