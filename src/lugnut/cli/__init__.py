"""The command line: words in (`words`, `refusals`, `configuration`), talk out (`human`, `terminal`, `jsonlines`).

`main` runs one command through the library's front door and gives its exit code: 0 done, 1 failed or something found,
2 usage, 3 a lock, 4 a conflict, 130 and 143 signals. Nothing outside this room prints.
"""
