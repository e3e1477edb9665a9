"""What is installed, told to people: descriptions, the tree of requirements, pins. Reads only.

`metadata` reads METADATA leniently; `graph` finds who needs whom; `tree` hangs that up; `show`, `listing` and `freeze`
are the commands of their names.
"""
