"""One guest on QEMU, from its boot to its end.

- `guest`: booted, asked, ended; the way in. `machine`: its nodes, slots and options. `probe`:
  booted to learn something.
- `command_line`: QEMU's arguments; `platforms`: QEMU for an architecture; `initramfs`, `modules`:
  what the guest starts with; `archive`: how that is written; `python`: this Python and memhp.
- `inside`: memhp, run in the guest; `standing`: what runs there for it to start but once.
- `protocol`, `agent/`: how it is asked; `qmp`: QEMU's monitor.
- `devices`: DIMMs and virtio-mem that come and go; `files`, `snapshot`: its files, read and kept;
  `memory`: its memory, read from outside.

May import: lab.tools, lab.kernels, machines.reading, checks.support, qemu.
"""
