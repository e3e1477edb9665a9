"""The room that reads a wheel: a zip archive in, a Manifest and verified content out, or one error with all that is wrong."""
