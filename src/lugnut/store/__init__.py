"""The room of the store: wheels unpacked and verified once, by their hash, for every process and environment."""
