"""The door to the operating system: disk, locks and worker processes. Nothing above this room names an OS."""
