"""Where files from outside are parsed: one short-lived child per file, with nothing to harm and little to use.

Layers, from the outside in; `confine.probe` says which of them this machine has:

- a **zygote**: a fresh interpreter that imports the parsing libraries once and forks a child per task (2-3 ms). It
  is never forked from a process with threads or gRPC;
- **resource limits**: address space, CPU seconds, size of a written file, open files, no core dump; the parent adds
  a wall-clock limit and one for the scratch folder as a whole, and kills;
- **no_new_privs**, no **capabilities** and **seccomp**: no socket, no program, no further process, no ptrace, no
  signal to others, no memory that the limits do not count;
- **Landlock**: no file but the Python installation for reading, and one scratch folder where a task needs one;
- **bytes on request**: the file itself is never opened by the child; the parent serves ranges within a budget, so
  an object in S3 and a file on disk are read the same way.

Why it is so: docs/adr/0002-sandbox.md.
"""
