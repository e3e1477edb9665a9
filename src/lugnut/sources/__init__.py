"""Where wheels come from: what is asked for on the command line and in files, to wheels at hand, one a name.

`requests` reads one thing asked for, `requirements` a file of them (`lines` its text), `wheelhouse` chooses among
directories of wheels, `pins` makes picks of all that and judges their hashes. Reads only; nothing here opens a wheel or
a connection.
"""
