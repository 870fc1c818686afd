/*
 * Breadth-first search of one machine, a layer at a time and in one thread.  What a step
 * needs and writes comes as tables (see layers.py); nothing here knows a rule.
 *
 * A state is one byte for each place.  States are kept in the order in which they are
 * found, so that the trace to each is the one that a search in Python finds, too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t i64;
typedef uint64_t u64;

enum { FALSE_, TRUE_, ATOM, AND, OR };
enum { SPENT = -1, LEAVES = -2, NO_MEMORY = -3, HIT = -4 };

/* A step in its table: how many numbers follow, how many guards, the guards, how many writes, the writes (place, when,
 * how many cases, then value and when of each), how many watches, the watches. */
typedef struct {
    const i64 *code, *where;    /* the sentences, and which byte a place of theirs is */
    const i64 *steps, *watches; /* watches of states: how many, and when each holds */
    i64 step_count, words;
    u64 *store, *scratch;
    uint32_t *parents, *origins, *table;
    u64 count, room, capacity, layer_begin, layer_end;
    i64 hit_watch, hit_state, hit_step;
} Search;

static int holds(const Search *me, i64 at, const uint8_t *s) {
    const i64 *f = me->code + at;
    switch (f[0]) {
    case ATOM: return (u64)f[2] >> s[me->where[f[1]]] & 1;
    case AND:
        for (i64 i = 0; i < f[1]; i++)
            if (!holds(me, f[2 + i], s)) return 0;
        return 1;
    case OR:
        for (i64 i = 0; i < f[1]; i++)
            if (holds(me, f[2 + i], s)) return 1;
        return 0;
    }
    return f[0] == TRUE_;
}

/* The first watch that holds, or -1. */
static i64 seen(const Search *me, const i64 *watches, const uint8_t *s) {
    for (i64 i = 0; i < watches[0]; i++)
        if (holds(me, watches[1 + i], s)) return i;
    return -1;
}

static u64 *state_at(const Search *me, u64 number) { return me->store + number * me->words; }

static u64 hash_of(const Search *me, const u64 *s) {
    u64 h = 0x9e3779b97f4a7c15u;
    for (i64 i = 0; i < me->words; i++) {
        h = (h ^ s[i]) * 0xd6e8feb86659fd93u;
        h ^= h >> 32;
    }
    return h;
}

static u64 slot_of(const Search *me, const u64 *s) {
    u64 slot = hash_of(me, s) & (me->capacity - 1);
    while (me->table[slot] && memcmp(state_at(me, me->table[slot] - 1), s, me->words * 8))
        slot = (slot + 1) & (me->capacity - 1);
    return slot;
}

static int larger(void **memory, u64 bytes) {
    void *found = realloc(*memory, bytes);
    if (found) *memory = found;
    return !!found;
}

static int grow(Search *me) {
    u64 room = me->room * 2;
    if (room >= UINT32_MAX || !larger((void **)&me->store, room * me->words * 8) ||
        !larger((void **)&me->parents, room * 4) || !larger((void **)&me->origins, room * 4) ||
        !larger((void **)&me->table, room * 8))
        return 0;
    me->room = room;
    me->capacity = room * 2;
    memset(me->table, 0, me->capacity * 4);
    for (u64 n = 0; n < me->count; n++) me->table[slot_of(me, state_at(me, n))] = n + 1;
    return 1;
}

/* Keep the state in `scratch` if it is new: 1, or 0 if it is known, or less than that. */
static i64 insert(Search *me, u64 parent, i64 step) {
    if (me->count == me->room && !grow(me)) return NO_MEMORY;
    u64 slot = slot_of(me, me->scratch);
    if (me->table[slot]) return 0;
    memcpy(state_at(me, me->count), me->scratch, me->words * 8);
    me->parents[me->count] = parent;
    me->origins[me->count] = step;
    me->table[slot] = ++me->count;
    return 1;
}

/* Write what the step writes, all of it as the state before has it; 0 if a number is too large. */
static int take(const Search *me, const i64 **at, const uint8_t *before, uint8_t *after) {
    const i64 *p = *at;
    int fits = 1;
    for (i64 writes = *p++; writes; writes--) {
        i64 place = p[0], when = p[1], cases = p[2];
        p += 3;
        int written = holds(me, when, before);
        for (; cases; cases--, p += 2)
            if (written && holds(me, p[1], before)) {
                if (p[0] < 0) fits = 0;
                else after[me->where[place]] = p[0];
                written = 0;
            }
    }
    *at = p;
    return fits;
}

/* The steps from one state: 0, or why the search ends. */
static i64 follow(Search *me, u64 number) {
    const i64 *p = me->steps;
    for (i64 step = 0; step < me->step_count; step++) {
        const i64 *next = p + 1 + p[0];
        const uint8_t *before = (const uint8_t *)state_at(me, number);
        int enabled = 1;
        for (i64 i = 0; enabled && i < p[1]; i++) enabled = holds(me, p[2 + i], before);
        p += 2 + p[1];
        if (enabled) {
            memcpy(me->scratch, before, me->words * 8);
            if (!take(me, &p, before, (uint8_t *)me->scratch)) return LEAVES;
            if ((me->hit_watch = seen(me, p, before)) >= 0) {
                me->hit_state = number, me->hit_step = step;
                return HIT;
            }
            i64 new = insert(me, number, step);
            if (new < 0) return new;
            if (new && (me->hit_watch = seen(me, me->watches, (uint8_t *)me->scratch)) >= 0) {
                me->hit_state = me->count - 1, me->hit_step = -1;
                return HIT;
            }
        }
        p = next;
    }
    return 0;
}

void end(Search *me) {
    if (!me) return;
    free(me->store), free(me->scratch), free(me->parents), free(me->origins), free(me->table);
    free(me);
}

Search *begin(const i64 *where, const i64 *steps, i64 step_count, const i64 *watches,
              const uint8_t *boot, i64 places) {
    Search *me = calloc(1, sizeof *me);
    if (!me) return NULL;
    me->where = where, me->steps = steps, me->step_count = step_count, me->watches = watches;
    me->words = places / 8 + 1;
    me->room = 128;
    me->scratch = calloc(me->words, 8);
    if (!me->scratch || !grow(me)) return end(me), NULL;
    memcpy(me->scratch, boot, places);
    insert(me, 0, -1);
    me->layer_end = 1;
    return me;
}

/* Does the boot state show what is looked for: HIT, or 0. */
i64 look(Search *me, const i64 *code) {
    me->code = code;
    me->hit_watch = seen(me, me->watches, (const uint8_t *)state_at(me, 0));
    me->hit_state = 0, me->hit_step = -1;
    return me->hit_watch < 0 ? 0 : HIT;
}

/* Go on to the next layer, of at most so many states: how many it has, or why the search ends. */
i64 expand(Search *me, const i64 *code, i64 most) {
    me->code = code;
    for (u64 number = me->layer_begin; number < me->layer_end; number++) {
        i64 why = follow(me, number);
        if (why) return why;
        if ((i64)(me->count - me->layer_end) > most) return SPENT;
    }
    me->layer_begin = me->layer_end;
    me->layer_end = me->count;
    return me->layer_end - me->layer_begin;
}

/* What was seen: the watch, then the steps to it, the last one first; the length of all that. */
i64 way(const Search *me, i64 *found, i64 most) {
    i64 length = 0;
    found[length++] = me->hit_watch;
    if (me->hit_step >= 0) found[length++] = me->hit_step;
    for (u64 n = me->hit_state; n && length < most; n = me->parents[n])
        found[length++] = me->origins[n];
    return length;
}
