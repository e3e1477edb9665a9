"""The room that reads a wheel: a zip archive in, a Manifest and verified content out, or all its problems."""
