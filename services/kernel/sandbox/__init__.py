"""Where files from outside are parsed: one short-lived child per file, with nothing to harm and little to use.

Layers, from the outside in; `confine.probe` says which of them this machine has:

- a **zygote**: a fresh interpreter that imports the parsing libraries once and forks a child per task (2-3 ms). It
  is never forked from a process with threads or gRPC, and has given up what no child needs;
- **resource limits**: address space, CPU seconds, size of a written file, open files, no core dump; the parent adds
  a wall-clock limit and one for the scratch folder as a whole, and kills;
- **no_new_privs**, no **capabilities** and **seccomp**: no socket, no program, no further process, no ptrace, no
  signal to others, no memory that the limits do not count. What it can do without is given up by the zygote already;
- **Landlock**: no file but the Python installation for reading, and one scratch folder where a task needs one;
- **bytes on request**: an object in S3 is read by ranges that the parent serves within a budget. A file of this machine
  goes along as a descriptor that can only be read; the child finds no path to it.

Why it is so: docs/adr/0002-sandbox.md and 0019-cheaper-children.md.
"""
