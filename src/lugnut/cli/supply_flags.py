"""The flags of what comes from afar: what is resolved and how, what is built, where it is looked for. uv's and pip's.

Names and meaning are theirs; where they differ both are known.
"""

from __future__ import annotations

from lugnut.cli.flag import LIST, SUPPLIED, SWITCH, VALUE, Flag

_ASKED = ("install", "lock")

SUPPLY_FLAGS: tuple[Flag, ...] = (
    Flag(("-e", "--editable"), "editables", LIST, "What", _ASKED, "install the project at PATH in place", "PATH"),
    Flag(("--group",), "groups", LIST, "What", SUPPLIED, "take a dependency group, [PATH:]NAME", "NAME"),
    Flag(("--extra",), "extras", LIST, "What", SUPPLIED, "take an extra of the project that -r names", "NAME"),
    Flag(("-o", "--output-file"), "output", VALUE, "What", ("lock",), "write here (default pylock.toml)", "FILE"),
    Flag(("--allow-empty-requirements",), "allow_empty", SWITCH, "What", ("sync",), "remove all if nothing is named"),
    Flag(("--exact",), "exact", SWITCH, "What", ("sync",), "remove pip, setuptools and lugnut too"),
    Flag(("--no-deps",), "no_deps", SWITCH, "Resolver", SUPPLIED, "only what is named, not what it needs"),
    Flag(("--resolver",), "resolver", VALUE, "Resolver", SUPPLIED, "auto (uv where it is at hand), uv or pip", "NAME"),
    Flag(("-P", "--upgrade-package"), "upgrade_packages", LIST, "Resolver", _ASKED, "upgrade NAME alone", "NAME"),
    Flag(("--pre",), "pre", SWITCH, "Resolver", SUPPLIED, "allow pre-releases"),
    Flag(
        ("--prerelease",), "prerelease", VALUE, "Resolver", SUPPLIED,
        "disallow, allow, if-necessary, explicit or if-necessary-or-explicit", "WORD",
    ),
    Flag(("--resolution",), "resolution", VALUE, "Resolver", SUPPLIED, "highest, lowest or lowest-direct", "WORD"),
    Flag(
        ("--exclude-newer", "--uploaded-prior-to"), "exclude_newer", VALUE, "Resolver", SUPPLIED,
        "consider nothing that was uploaded later", "DATE",
    ),
    Flag(
        ("--overrides", "--override"), "overrides", LIST, "Resolver", SUPPLIED,
        "these versions, whoever asks for others", "FILE",
    ),
    Flag(
        ("--index-strategy",), "index_strategy", VALUE, "Resolver", SUPPLIED,
        "first-index, unsafe-first-match or unsafe-best-match", "WORD",
    ),
    Flag(("--python-version",), "python_version", VALUE, "Resolver", SUPPLIED, "choose for this Python", "VERSION"),
    Flag(
        ("--python-platform", "--platform"), "platform", VALUE, "Resolver", SUPPLIED,
        "choose for this platform", "PLATFORM",
    ),
    Flag(("--no-binary",), "no_binary", LIST, "Builds", SUPPLIED, "build NAME, or :all:, from source", "NAME"),
    Flag(("--only-binary",), "only_binary", LIST, "Builds", SUPPLIED, "build nothing of NAME, or :all:", "NAME"),
    Flag(("--no-build",), "no_build", SWITCH, "Builds", SUPPLIED, "build nothing"),
    Flag(
        ("--no-build-isolation",), "no_build_isolation", SWITCH, "Builds", SUPPLIED,
        "build with what the environment has",
    ),
    Flag(
        ("-b", "--build-constraints", "--build-constraint"), "build_constraints", LIST, "Builds", SUPPLIED,
        "let these lines hold for build requirements", "FILE",
    ),
    Flag(
        ("-C", "--config-setting", "--config-settings"), "config_settings", LIST, "Builds", SUPPLIED,
        "tell the build backend", "KEY=VALUE",
    ),
    Flag(
        ("--no-index",), "no_index", SWITCH, "Network", SUPPLIED, "ask no index, look in --find-links alone", final=True
    ),
    Flag(("-i", "--index-url"), "index_url", VALUE, "Network", SUPPLIED, "the index", "URL"),
    Flag(("--default-index",), "default_index", VALUE, "Network", SUPPLIED, "the same, as uv calls it", "URL"),
    Flag(("--extra-index-url",), "extra_index_url", LIST, "Network", SUPPLIED, "another index", "URL"),
    Flag(("--index",), "index", LIST, "Network", SUPPLIED, "another index, with a name", "NAME=URL"),
    Flag(("--offline",), "offline", SWITCH, "Network", SUPPLIED, "use nothing but what is cached"),
    Flag(
        ("--trusted-host", "--allow-insecure-host"), "trusted_host", LIST, "Network", SUPPLIED,
        "do not verify this host's certificate", "HOST",
    ),
    Flag(("--proxy",), "proxy", VALUE, "Network", SUPPLIED, "go by this proxy", "URL"),
    Flag(("--cert",), "cert", VALUE, "Network", SUPPLIED, "certificates of authorities", "PATH"),
    Flag(("--client-cert",), "client_cert", VALUE, "Network", SUPPLIED, "certificate of our own", "PATH"),
    Flag(
        ("--keyring-provider",), "keyring_provider", VALUE, "Network", SUPPLIED, "disabled or subprocess", "WORD"
    ),
    Flag(("--timeout", "--default-timeout"), "timeout", VALUE, "Network", SUPPLIED, "seconds to wait", "SECONDS"),
    Flag(("--retries",), "retries", VALUE, "Network", SUPPLIED, "tries after the first (default 5)", "N"),
    Flag(("--downloads",), "downloads", VALUE, "Network", SUPPLIED, "files fetched at once (default 8)", "N"),
)  # fmt: skip
