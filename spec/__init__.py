"""The specification of memory hotplug: sorts, state, actions and properties, written once.

Read `machine.topology`, then `blocks.sections`, `blocks.block_states` and `blocks.blocks`; the
other rooms in this order:

- `language`: what a specification is written in. Terms, declarations, loading, edits.
- `machine`: what there is. `blocks`: sections and memory blocks come and go.
- `devices`: who brings memory and takes it. `folios`: what lives in a block, and how it moves out.
- `special`: folios with rules of their own. `numbers`: what is computed for all sizes and options.
- `system`: every module joined. `rows`: the concerns of the list of 2004.
- `variants`: wrong designs, each with what it breaks. `linux`: what Linux chose, and since when;
  `profiles`: the choices of a version together. `designs`: one's own, from a file.
- `refusals`: each guard's errno, in the kernel's order; `cures`: what helps against them.
- `mutants`: mistakes that may go unnoticed.

A declaration is a function that runs once, on symbolic elements.  Its beats are always these:

    @action
    def lock(b: Block) -> None:                                         # parameters
        '''What happens (the kernel function that does it).'''
        guard("unlocked", ~lock_held[b], errno=EBUSY, why="the lock is held")   # guards
        lock_held[b] = true                                             # updates

    @always(covers="A1")                                                # claims
    def locked_blocks_have_a_device(b: Block) -> Bool: ...

Guards are asked in the kernel's order, and the first that fails refuses.  Updates are made all at
once.  Claims stand below the actions, or in the module `*_claims` beside them.

May import: spec.language, spec.machine, spec.blocks, spec.devices, spec.folios, spec.special,
spec.linux.
"""
