/*
 * What is kept of a search: the states, the table that finds them again, and what
 * was first seen where.  A part of search.c.
 */

/* --- states ----------------------------------------------------------------------------------- */

static State canonical(State s) { return settled(s, 0); }

static u64 mixed(u64 x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 29;
    x *= 0xc2b2ae3d27d4eb4fu;
    return x ^ x >> 32;
}

static u64 hash_of(const State *s) {
    u64 h = 0x9e3779b97f4a7c15u;
    for (int i = 0; i < WORDS; i++) h = mixed(h ^ s->w[i]) + i;
    return h;
}

static State stored(u64 number) {
    State s = {{0}};
    memcpy(&s, store + number * RECORD, BYTES);
    return s;
}

static Origin origin_of(u64 number) {
    Origin instance;
    memcpy(&instance, store + number * RECORD + BYTES, sizeof instance);
    return instance;
}

static void put_state(u64 number, const State *s, Origin instance) {
    memcpy(store + number * RECORD, s, BYTES);
    memcpy(store + number * RECORD + BYTES, &instance, sizeof instance);
}

static u64 slot_of(u64 hash) { return (u64)((unsigned __int128)hash * capacity >> 64); }

static u64 after(u64 slot) { return slot + 1 == capacity ? 0 : slot + 1; }

/* The bits of the hash that an entry carries above the number of its state. */
static u32 tag_of(u64 hash) { return (u32)hash >> number_bits << number_bits; }

static u32 number_of(u32 entry) { return (entry & (((u32)1 << number_bits) - 1)) - 1; }

static int likely(u32 entry, u64 hash) { return entry && !((entry ^ (u32)hash) >> number_bits); }

/* For passes without any order: nobody else is at work, or a stale answer does no harm. */
static u32 entry_at(u64 slot) { return atomic_load_explicit(&table[slot], memory_order_relaxed); }

static void put_entry(u64 slot, u32 entry) {
    atomic_store_explicit(&table[slot], entry, memory_order_relaxed);
}

/* --- what is seen ----------------------------------------------------------------------------- */

static void sight(Worker *me, int claim, const State *state, u32 instance) {
    Sight *mine = &me->claims[claim];
    int first = !mine->seen || less(state, &mine->state) ||
                (same(state, &mine->state) && instance < mine->instance);
    if (first) *mine = (Sight){1, instance, *state};
}

static void broke(Worker *me, int claim, const State *state, u32 instance) {
    if (open_claims[claim]) sight(me, claim, state, instance);
}

static void judge(Worker *me, const State *state, u32 instance) {
    for (const u32 *w = &watch_lists[watch_starts[instance]]; *w != WATCHES; w++)
        if (open_claims[watch_claims[*w]] && watches[*w](*state))
            sight(me, watch_claims[*w], state, instance);
}

/* --- the table -------------------------------------------------------------------------------- */

static void insert(Worker *me, const Item *item) {
    for (u64 slot = slot_of(item->hash);; slot = after(slot)) {
        u32 entry = atomic_load_explicit(&table[slot], memory_order_acquire);
        if (!entry) {
            if (!me->has_spare) {
                me->spare = (u32)atomic_fetch_add(&count, 1);
                me->has_spare = 1;
            }
            put_state(me->spare, &item->state, (Origin)item->instance);
            u32 mine = tag_of(item->hash) | (me->spare + 1);
            if (atomic_compare_exchange_strong(&table[slot], &entry, mine)) {
                me->has_spare = 0;
                judge(me, &item->state, item->instance);
                return;
            }
        }
        if (!likely(entry, item->hash)) continue;
        State there = stored(number_of(entry));
        if (same(&there, &item->state)) return;
    }
}

/* Whether a state is among those met lately; now it is. */
static int met_lately(Worker *me, const State *s, u64 hash) {
    State *recent = &me->recent[hash % RECENT];
    if (same(recent, s)) return 1;
    *recent = *s;
    return 0;
}

/* Three passes, so that memory is asked for well before it is needed. */
static void flush_insert(Worker *me) {
    int kept = 0;
    for (int i = 0; i < me->waiting; i++) {
        Item item = me->items[i];
        item.hash = hash_of(&item.state);
        if (met_lately(me, &item.state, item.hash)) continue;
        State kept_for_it = canonical(item.state);
        if (!same(&kept_for_it, &item.state)) {
            item.state = kept_for_it;
            item.hash = hash_of(&item.state);
            if (met_lately(me, &item.state, item.hash)) continue;
        }
        __builtin_prefetch((const void *)&table[slot_of(item.hash)]);
        me->items[kept++] = item;
    }
    me->waiting = kept;
    for (int i = 0; i < me->waiting; i++) {
        u64 hash = me->items[i].hash;
        u32 entry = entry_at(slot_of(hash));
        if (likely(entry, hash)) __builtin_prefetch(store + (u64)number_of(entry) * RECORD);
    }
    for (int i = 0; i < me->waiting; i++) insert(me, &me->items[i]);
    me->waiting = 0;
}

static void emit(Worker *me, State state, u32 instance) {
    Item *item = &me->items[me->waiting++];
    item->state = state;
    item->instance = instance;
}

static int passed_over(Worker *me, u32 instance) {
    int over = me->passes[instance / 64] >> instance % 64 & 1;
    me->passed += over;
    return over;
}

static void make_table(u64 entries) {
    enum { AHEAD = 16 };
    if (table) munmap((void *)table, capacity * sizeof *table);
    table = mapped(entries * sizeof *table);
    capacity = entries;
    while ((u64)1 << number_bits <= capacity) number_bits++;
    u64 hashes[AHEAD], total = atomic_load(&count);
    for (u64 i = 0; i < total + AHEAD; i++) {
        if (i >= AHEAD) {
            u64 hash = hashes[i % AHEAD], slot = slot_of(hash);
            while (entry_at(slot)) slot = after(slot);
            put_entry(slot, tag_of(hash) | (u32)(i - AHEAD + 1));
        }
        if (i < total) {
            State s = stored(i);
            hashes[i % AHEAD] = hash_of(&s);
            __builtin_prefetch((const void *)&table[slot_of(hashes[i % AHEAD])], 1);
        }
    }
    limit_count = capacity / 4 * 3;
}

static u64 larger(void) { return capacity / 2 * 3; }

static int may_grow(void) {
    u64 full = larger() / 4 * 3;
    return full >> 31 == 0 && full * RECORD + larger() * sizeof *table <= memory;
}
