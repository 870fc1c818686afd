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

/* A step in its row: how many numbers follow, how many guards, the guards, how many writes, the writes (place, when,
 * how many cases, then value and when of each).  Watches: how many, and when each holds. */
typedef struct {
    const i64 *row, *watches;
    i64 number;
    int possible; /* ever */
    u64 *reads, *writes; /* places */
    uint32_t *then, then_count; /* the steps to try after this one, once it is asked */
} Step;

typedef struct {
    u64 values;
    i64 place;
} Narrowed;

typedef struct {
    const i64 *code, *where; /* the sentences, and which byte a place of theirs is */
    const i64 *watches;      /* of states */
    Step *steps;
    i64 step_count, places, words;
    u64 *domains, *now; /* values that a place may ever have; those while something is supposed */
    Narrowed *narrowed; /* what that was before */
    i64 narrowed_count;
    int leaves; /* a number may become too large */
    u64 *accesses; /* places that steps read and write */
    u64 *store, *scratch;
    uint32_t *parents, *origins, *table;
    u64 count, room, capacity, layer_begin, layer_end;
    i64 hit_watch, hit_state, hit_step;
} Search;

static const i64 NOTHING[] = {0};

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
static int take(const Search *me, const i64 *p, const uint8_t *before, uint8_t *after) {
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
    return fits;
}

static void collect(const Search *me, i64 at, u64 *places) {
    const i64 *f = me->code + at;
    if (f[0] == ATOM) places[me->where[f[1]] / 64] |= (u64)1 << me->where[f[1]] % 64;
    if (f[0] == AND || f[0] == OR)
        for (i64 i = 0; i < f[1]; i++) collect(me, f[2 + i], places);
}

/* Find what each step reads and writes: 0 without memory. */
static int collect_places(Search *me) {
    i64 words = me->places / 64 + 1;
    if (!(me->accesses = calloc(me->step_count * words * 2 + 1, 8))) return 0;
    for (i64 i = 0; i < me->step_count; i++) {
        Step *step = &me->steps[i];
        step->reads = me->accesses + 2 * i * words;
        step->writes = step->reads + words;
        const i64 *p = step->row + 1;
        for (i64 guards = *p++; guards; guards--) collect(me, *p++, step->reads);
        for (i64 writes = *p++; writes; writes--) {
            i64 place = me->where[p[0]], cases = p[2];
            step->writes[place / 64] |= (u64)1 << place % 64;
            collect(me, p[1], step->reads);
            for (p += 3; cases; cases--, p += 2) collect(me, p[1], step->reads);
        }
    }
    return 1;
}

/* Neither writes what the other reads or writes. */
static int independent(const Search *me, const Step *a, const Step *b) {
    u64 shared = 0;
    for (i64 i = 0; i < me->places / 64 + 1; i++)
        shared |= (a->writes[i] & (b->reads[i] | b->writes[i])) | (a->reads[i] & b->writes[i]);
    return !shared;
}

/* Find which steps to try after this one: 0 without memory.
 *
 * Say that it led from p to s.  An earlier step t, independent of it, was possible in p, too: t(p)
 * was found before s, is followed before s, and this step leads from there to t(s).  So t finds
 * nothing new in s; nor does it leave the numbers there, since it would have in p.  It is the one
 * step back of sleep sets (P. Godefroid, 1996).  Watched steps are all taken. */
static int order(Search *me, Step *last) {
    if (!me->accesses && !collect_places(me)) return 0;
    if (!(last->then = malloc(me->step_count * sizeof *last->then))) return 0;
    for (Step *step = me->steps; step < me->steps + me->step_count; step++)
        if (step >= last || step->watches[0] || !independent(me, step, last))
            last->then[last->then_count++] = step - me->steps;
    return 1;
}

/* The steps from one state: 0, or why the search ends. */
static i64 follow(Search *me, u64 number) {
    Step *last = me->origins[number] < me->step_count ? &me->steps[me->origins[number]] : NULL;
    if (last && !last->then && !order(me, last)) return NO_MEMORY;
    const uint32_t *then = last ? last->then : NULL;
    i64 count = then ? last->then_count : me->step_count;
    for (i64 i = 0; i < count; i++) {
        const Step *step = &me->steps[then ? then[i] : i];
        const i64 *p = step->row + 1;
        const uint8_t *before = (const uint8_t *)state_at(me, number);
        int enabled = 1;
        for (i64 n = 0; enabled && n < p[0]; n++) enabled = holds(me, p[1 + n], before);
        if (!enabled) continue;
        memcpy(me->scratch, before, me->words * 8);
        if (!take(me, p + 1 + p[0], before, (uint8_t *)me->scratch)) return LEAVES;
        if ((me->hit_watch = seen(me, step->watches, before)) >= 0) {
            me->hit_state = number, me->hit_step = step->number;
            return HIT;
        }
        i64 new = insert(me, number, step - me->steps);
        if (new < 0) return new;
        if (new && (me->hit_watch = seen(me, me->watches, (uint8_t *)me->scratch)) >= 0) {
            me->hit_state = me->count - 1, me->hit_step = -1;
            return HIT;
        }
    }
    return 0;
}

/* Whether it may hold, each part judged on its own. */
static int may_hold(const Search *me, i64 at) {
    const i64 *f = me->code + at;
    switch (f[0]) {
    case ATOM: return ((u64)f[2] & me->now[me->where[f[1]]]) != 0;
    case AND:
        for (i64 i = 0; i < f[1]; i++)
            if (!may_hold(me, f[2 + i])) return 0;
        return 1;
    case OR:
        for (i64 i = 0; i < f[1]; i++)
            if (may_hold(me, f[2 + i])) return 1;
        return 0;
    }
    return f[0] == TRUE_;
}

/* Suppose that it holds: its places have no other values, until that is forgotten. */
static void suppose(Search *me, i64 at) {
    const i64 *f = me->code + at;
    if (f[0] == AND)
        for (i64 i = 0; i < f[1]; i++) suppose(me, f[2 + i]);
    if (f[0] != ATOM || me->narrowed_count == me->places) return;
    i64 place = me->where[f[1]];
    me->narrowed[me->narrowed_count++] = (Narrowed){me->now[place], place};
    me->now[place] &= (u64)f[2];
}

static void forget(Search *me, i64 kept) {
    while (me->narrowed_count > kept) {
        const Narrowed *last = &me->narrowed[--me->narrowed_count];
        me->now[last->place] = last->values;
    }
}

/* Suppose that the guards hold: whether they may. */
static int suppose_guards(Search *me, const i64 *p) {
    for (i64 i = 0; i < p[0]; i++) suppose(me, p[1 + i]);
    for (i64 i = 0; i < p[0]; i++)
        if (!may_hold(me, p[1 + i])) return 0;
    return 1;
}

/* Find what the step may write: whether any of it is new. */
static int widen(Search *me, Step *step) {
    const i64 *p = step->row + 1;
    int new = 0;
    if (suppose_guards(me, p)) {
        step->possible = 1;
        p += 1 + p[0];
        i64 guards = me->narrowed_count;
        for (i64 writes = *p++; writes; writes--) {
            u64 *values = me->domains + me->where[p[0]];
            i64 when = p[1], cases = p[2];
            int written = may_hold(me, when);
            suppose(me, when);
            for (p += 3; cases; cases--, p += 2) {
                if (!written || (p[0] >= 0 && *values >> p[0] & 1) || !may_hold(me, p[1])) continue;
                if (p[0] < 0) me->leaves = 1;
                else *values |= (u64)1 << p[0], new = 1;
            }
            forget(me, guards);
        }
    }
    forget(me, 0);
    return new;
}

/* Find what may ever be, without searching: steps that are never possible are left out. */
static void narrow(Search *me) {
    const uint8_t *boot = (const uint8_t *)me->scratch;
    for (i64 place = 0; place < me->places; place++) me->domains[place] = (u64)1 << boot[place];
    for (int new = 1; new;) {
        new = 0;
        memcpy(me->now, me->domains, me->places * 8);
        for (i64 i = 0; i < me->step_count; i++) new |= widen(me, &me->steps[i]);
    }
    i64 kept = 0;
    for (i64 i = 0; i < me->step_count; i++)
        if (me->steps[i].possible) me->steps[kept++] = me->steps[i];
    me->step_count = kept;
}

void end(Search *me) {
    if (!me) return;
    for (i64 i = 0; me->steps && i < me->step_count; i++) free(me->steps[i].then);
    free(me->accesses);
    free(me->store), free(me->scratch), free(me->parents), free(me->origins), free(me->table);
    free(me->steps), free(me->domains), free(me->now), free(me->narrowed);
    free(me);
}

/* Parts: where the rows of each are, and how many. */
Search *begin(const i64 *code, const i64 *where, const i64 *parts, i64 part_count, const i64 *watches,
              const uint8_t *boot, i64 places) {
    Search *me = calloc(1, sizeof *me);
    if (!me) return NULL;
    me->code = code, me->where = where, me->watches = watches;
    me->words = places / 8 + 1;
    me->places = places;
    me->room = 128;
    for (i64 i = 0; i < part_count; i++) me->step_count += parts[2 * i + 1];
    me->scratch = calloc(me->words, 8);
    me->steps = calloc(me->step_count + 1, sizeof *me->steps);
    me->domains = calloc(places + 1, 8), me->now = calloc(places + 1, 8);
    me->narrowed = calloc(places + 1, sizeof *me->narrowed);
    if (!me->scratch || !me->steps || !me->domains || !me->now || !me->narrowed || !grow(me))
        return end(me), NULL;
    memcpy(me->scratch, boot, places);
    insert(me, 0, -1);
    me->layer_end = 1;
    i64 number = 0;
    for (i64 i = 0; i < part_count; i++) {
        const i64 *row = (const i64 *)(intptr_t)parts[2 * i];
        for (i64 n = parts[2 * i + 1]; n; n--, number++, row += 1 + row[0])
            me->steps[number] = (Step){row, NOTHING, number, 0, NULL, NULL, NULL, 0};
    }
    narrow(me);
    return me;
}

/* The numbers of the steps that are possible: how many. */
i64 steps(const Search *me, i64 *found) {
    for (i64 i = 0; i < me->step_count; i++) found[i] = me->steps[i].number;
    return me->step_count;
}

/* Watch these steps, as `steps` told them; each has its watches somewhere. */
void watch(Search *me, const i64 *found) {
    for (i64 i = 0; i < me->step_count; i++) me->steps[i].watches = (const i64 *)(intptr_t)found[i];
}

/* Nothing that is watched can ever be seen. */
i64 hopeless(Search *me, const i64 *code) {
    me->code = code;
    memcpy(me->now, me->domains, me->places * 8);
    int hope = me->leaves;
    for (i64 n = 0; !hope && n < me->watches[0]; n++) hope = may_hold(me, me->watches[1 + n]);
    for (i64 i = 0; !hope && i < me->step_count; i++) {
        const Step *step = &me->steps[i];
        suppose_guards(me, step->row + 1);
        for (i64 n = 0; !hope && n < step->watches[0]; n++) hope = may_hold(me, step->watches[1 + n]);
        forget(me, 0);
    }
    return !hope;
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
        found[length++] = me->steps[me->origins[n]].number;
    return length;
}
