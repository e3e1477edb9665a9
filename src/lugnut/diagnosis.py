"""The part of the library that examines: apart from the rest, so that nothing else loads what it takes."""

from __future__ import annotations

from lugnut.answers import IMPOSSIBLE, Diagnosis, Examined
from lugnut.errors import ExternallyManaged
from lugnut.examination.examining import examine
from lugnut.interpreter.asking import find_environment
from lugnut.keywords import Choices, in_words, make_settings, make_target, make_watch
from lugnut.typed import Unpack


def doctor(**choices: Unpack[Choices]) -> Diagnosis:
    """Examine an environment and the cache where they lie: what works there, what does not, and what will be used.

    Both are left as they are, byte for byte. The answer's `safe` is False where lugnut would refuse to work, or would
    not be safe.
    """
    with in_words():
        place = make_target(choices)._replace(cache_dir=None)  # what is learnt of an interpreter would be kept there
        managed: list[Examined] = []
        try:
            environment = find_environment(place)
        except ExternallyManaged as error:
            environment = find_environment(place._replace(reading=True))
            text = " ".join(str(error).split())
            managed.append(Examined("environment", "managed", IMPOSSIBLE, text, error.hint))
        found = examine(environment, make_settings(choices), make_watch(choices).cancelled)
        return found._replace(findings=(*managed, *found.findings))
