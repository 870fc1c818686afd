"""Small models to learn from.

- `last_block`: blocks go online and offline, and one stays; docs/tutorial.md builds it.
- `designs`: what if memory hotplug were otherwise; docs/what-if.md walks through one.
- `lock_service`, `distributed_lock`, `sharded_store`, `two_processes`: protocols whose safety
  property is not inductive; `memhp check --system FILE --strengthen` finds what proves it.
- `vectors_reader`: asks an implementation what `memhp export vectors` has written; it imports
  nothing of memhp.

What `memhp explore --system FILE --scope SCOPE` says of them:

    last_block block=2                        3 states, 4 transitions, depth 1
    last_block block=8                        255 states, 2,032 transitions, depth 7
    lock_service client=2,server=1            28 states, 84 transitions, depth 6
    lock_service client=3,server=2            6,400 states, 51,840 transitions, depth 14
    two_processes process=2                   26 states, 44 transitions, depth 7
    two_processes process=4                   676 states, 2,288 transitions, depth 14
    sharded_store node=2,key=1,value=2        9 states, 22 transitions, depth 3

May import: spec.language.
"""
