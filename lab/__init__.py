"""The lab: guests on QEMU with Debian's kernels, in which memory really comes and goes.

    with Guest.boot(kernel, GuestMachine(nodes=(Node(512 * MIB, 1), Node(256 * MIB)))) as guest:
        guest.write("/sys/devices/system/memory/memory5/state", "offline")

- `tools`: errors, and programs that it runs. `kernels`: which there are, and fetching them.
- `guest`: one guest, from its boot to its end. `records`: guests kept, with what went.
- `conform`: kernels held against the reference.

Needs `qemu-system-x86`, `busybox-static` and a C compiler; nothing is written outside the cache
folder and the guests.

May import: nothing of memhp.
"""
