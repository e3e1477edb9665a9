"""One process of the store's tests: does what its arguments say, and talks to the test in lines, never by time."""

import os
import select
import sys

from lugnut.store import entries as store
from lugnut.store.place import usual_patience
from lugnut.system import files


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def await_line():
    if not sys.stdin.readline():
        os._exit(3)  # the test is gone


def admit(place, wheel):
    events = []
    say("ready")
    await_line()
    manifest = store.admit(place, wheel, events.append)
    say("unpacked" if not events[0].cached else "found", len(manifest.files))


def admit_slowly(place, wheel):
    """Stop at the first border between directories, until told to go on."""
    borders = []

    def cancelled():
        borders.append(1)
        if len(borders) == 2:
            say("unpacking")
            await_line()

    say("ready")
    await_line()
    store.admit(place, wheel, patience=usual_patience()._replace(cancelled=cancelled))
    say("done")


def hold(place, wheel):
    manifest = store.admit(place, wheel)
    held = store.hold_entry(place, manifest.wheel, usual_patience())
    say("holding", manifest.wheel)
    await_line()
    held.close()
    say("released")
    await_line()


def use(place, wheel):
    """Admit, hold and look at every file, again and again, while others clean and until they have met."""
    say("ready")
    await_line()
    gone = bad = rounds = 0
    unpacked = []
    while rounds < 40 or (gone + sum(unpacked) < 3 and rounds < 10_000):
        rounds += 1
        manifest = store.admit(place, wheel, lambda event: unpacked.append(not event.cached))
        held = store.hold_entry(place, manifest.wheel, usual_patience())
        if held is None:
            gone += 1
            continue
        bad += not all(_intact(place, manifest, file) for file in manifest.files)
        held.close()
    say("used", gone, bad)


def _intact(place, manifest, file):
    above, _, name = file.archive.rpartition("/")
    with files.open_root(os.path.join(place.root, manifest.wheel, "tree", above)) as directory:
        return files.digest(directory, name)[0] == file.digest and store.intact(directory, name, file)


def clean(place, _wheel):
    """Clean until the test says no more."""
    say("ready")
    await_line()
    cleaned = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        cleaned += store.clean(place) > 0
    say("cleaned", cleaned)


if __name__ == "__main__":
    globals()[sys.argv[1]](store.open_store(sys.argv[2]), sys.argv[3])
