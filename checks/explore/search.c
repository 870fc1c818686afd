/*
 * Breadth-first search of one machine, all cores.  The generated model.h says
 * what a state is, what follows it and what is watched; nothing here knows.
 *
 * States are kept in the order in which they are found, which is the queue, the
 * layers and the store in one, each in as few bytes as its bits need.  An
 * open-addressed table of 32-bit entries finds them again: an entry is a state's
 * number plus one, and above it as many bits of the hash as there is room for.
 *
 * Each state is kept with the step that first led to it.  Of two steps that do not
 * meddle with each other, taken one after the other in both orders from one state,
 * only the second step of one order is looked up (model.h says of which): the state
 * where both end is the same, and it is seen from the other side in the same layer.
 * All transitions are counted, whether they are looked up or not.
 *
 * usage: search THREADS MEMORY DEPTH STOP (bytes; 0: no limit of depth; 1: stop at a violation,
 * 2: when all claims were seen, 3: and a state without successors)
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

typedef uint64_t u64;
typedef uint32_t u32;

#include "model.h"

static int same(const State *a, const State *b) { return !memcmp(a, b, sizeof *a); }

static int less(const State *a, const State *b) {
    for (int i = 0; i < WORDS; i++)
        if (a->w[i] != b->w[i]) return a->w[i] < b->w[i];
    return 0;
}

enum { RECORD = BYTES + sizeof(Origin), MOST_LAYERS = 1 << 20 };
enum { CHUNK = 64, BATCH = 128, RECENT = 1 << 15 }; /* states at a time, and remembered */

typedef struct {
    State state;
    u64 hash;
    u32 instance;
} Item;

/* The first sight of something in this layer; of several the least state, so that runs repeat. */
typedef struct {
    int seen;
    u32 instance;
    State state;
} Sight;

typedef struct Worker {
    u64 transitions, deadlocks, passed;
    const u64 *passes; /* the steps that lead where another state of the layer leads */
    u32 spare; /* a number taken for a state that another thread stored first */
    int has_spare, overflowed;
    Sight claims[CLAIMS + 1]; /* the last one: a state without successors */
    int waiting;
    Item items[BATCH + INSTANCES];
    State recent[RECENT]; /* states that are stored, or whose image is; most are met again soon */
    void (*flush)(struct Worker *);
    State target, best; /* when looking for a predecessor */
    u32 best_instance;
    int found;
    State from;
} Worker;

static unsigned char *store;
static _Atomic u32 *table;
static u64 capacity;
static int number_bits;
static _Atomic u64 count, cursor;
static _Atomic int pause_round, interrupted;
static u64 layer_end, limit_count, memory;
static u64 layers[MOST_LAYERS];
static int depth, threads;
static char open_claims[CLAIMS + 1];
static Worker *workers;
static pthread_barrier_t gate;
static int finished;
static double began, told;

static void emit(Worker *me, State state, u32 instance);
static int passed_over(Worker *me, u32 instance);
static void broke(Worker *me, int claim, const State *state, u32 instance);

#include "steps.h"

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

#include "pages.h"
#include "threads.h"
#include "table.h"

/* --- rounds ----------------------------------------------------------------------------------- */

static void expand(Worker *me, u64 number) {
    State state = stored(number);
    int before = me->waiting;
    me->passed = 0;
    me->passes = passes[origin_of(number)];
    successors(me, state);
    u64 produced = me->waiting - before + me->passed;
    me->transitions += produced;
    if (!produced) {
        me->deadlocks++;
        if (open_claims[CLAIMS]) sight(me, CLAIMS, &state, 0);
    }
    if (me->waiting >= BATCH) me->flush(me);
}

static u64 transitions_so_far(void) {
    u64 sum = 0;
    for (int i = 0; i < threads; i++) sum += workers[i].transitions;
    return sum;
}

static void tell(int always) {
    double t = now();
    if (!always && t - told < 1) return;
    told = t;
    printf("progress %d %" PRIu64 " %" PRIu64 " %.3f\n", depth, (u64)atomic_load(&count),
           transitions_so_far(), t - began);
    fflush(stdout);
}

/* Expand the layer, or as much of it as there is room for. */
static void one_round(Worker *me) {
    while (!atomic_load_explicit(&pause_round, memory_order_relaxed)) {
        u64 at = atomic_fetch_add(&cursor, CHUNK);
        if (at >= layer_end) break;
        u64 end = at + CHUNK < layer_end ? at + CHUNK : layer_end;
        for (; at < end; at++) expand(me, at);
        if (atomic_load_explicit(&count, memory_order_relaxed) > limit_count)
            atomic_store(&pause_round, 1);
        if (me == workers) tell(0);
    }
    me->flush(me);
}

static void *work(void *arg) {
    for (;;) {
        pthread_barrier_wait(&gate);
        if (finished) return NULL;
        one_round(arg);
        pthread_barrier_wait(&gate);
    }
}

/* Numbers that were taken and not used: the last states move there. */
static void close_gaps(void) {
    for (;;) {
        Worker *last = NULL;
        for (int i = 0; i < threads; i++)
            if (workers[i].has_spare && (!last || workers[i].spare > last->spare))
                last = &workers[i];
        if (!last) return;
        u64 end = atomic_fetch_sub(&count, 1) - 1;
        last->has_spare = 0;
        if (last->spare == end) continue;
        State moved = stored(end);
        u64 hash = hash_of(&moved), slot = slot_of(hash);
        while (number_of(entry_at(slot)) != end) slot = after(slot);
        put_entry(slot, tag_of(hash) | (last->spare + 1));
        put_state(last->spare, &moved, origin_of(end));
    }
}

/* --- results ---------------------------------------------------------------------------------- */

static Sight first_sights[CLAIMS + 1];
static int sight_depths[CLAIMS + 1], refuted;

/* What was first seen in this layer.  A step is seen from the state before it. */
static void collect(int here, int next) {
    for (int claim = 0; claim <= CLAIMS; claim++) {
        if (!open_claims[claim]) continue;
        for (int i = 0; i < threads; i++) {
            Sight *s = &workers[i].claims[claim];
            if (s->seen) sight(&workers[threads], claim, &s->state, s->instance);
            s->seen = 0;
        }
        Sight *all = &workers[threads].claims[claim];
        if (!all->seen) continue;
        int before = claim == CLAIMS || claim_is_step[claim];
        first_sights[claim] = *all;
        sight_depths[claim] = before ? here : next;
        open_claims[claim] = 0;
        refuted |= claim < CLAIMS && !claim_is_reached[claim];
        printf("found %d %d\n", claim, sight_depths[claim] + (before && claim != CLAIMS));
    }
}

static void flush_search(Worker *me) {
    for (int i = 0; i < me->waiting; i++) {
        State t = canonical(me->items[i].state);
        if (!same(&t, &me->target)) continue;
        if (!me->found || less(&me->from, &me->best)) {
            me->best = me->from;
            me->best_instance = me->items[i].instance;
        }
        me->found = 1;
        break;
    }
    me->waiting = 0;
}

/* A step, and the swaps that then lead to the state that is kept. */
static void print_step(Worker *me, const State *before, u32 instance) {
    successors(me, *before);
    printf("step %u", instance);
    for (int i = 0; i < me->waiting; i++)
        if (me->items[i].instance == instance) settled(me->items[i].state, 1);
    printf("\n");
    me->waiting = 0;
}

/* The steps to a state of a layer, found backwards by looking at the layers once more. */
static void print_path(State target, int at) {
    Worker *me = &workers[threads];
    State *path = malloc((at + 1) * sizeof *path);
    u32 *taken = malloc((at + 1) * sizeof *taken);
    me->flush = flush_search;
    path[at] = target;
    for (int d = at; d > 0; d--) {
        me->target = path[d];
        me->found = 0;
        for (u64 i = layers[d - 1]; i < layers[d]; i++) {
            me->from = stored(i);
            successors(me, me->from);
            flush_search(me);
        }
        path[d - 1] = me->best;
        taken[d] = me->best_instance;
    }
    for (int d = 1; d <= at; d++) print_step(me, &path[d - 1], taken[d]);
    free(path);
    free(taken);
}

static void print_way(int claim) {
    printf("way %d\n", claim);
    print_path(first_sights[claim].state, sight_depths[claim]);
    if (claim < CLAIMS && claim_is_step[claim])
        print_step(&workers[threads], &first_sights[claim].state, first_sights[claim].instance);
}

/* --- the search ------------------------------------------------------------------------------- */

/* Search layer by layer; says how it ended. */
static const char *search(int most, int stop) {
    layers[0] = 0;
    layers[1] = layer_end = 1;
    while (layers[depth] < layers[depth + 1]) {
        if (stop == 1 && refuted) return "refuted";
        if (stop > 1 && !memchr(open_claims, 1, sizeof open_claims)) return "refuted";
        if (most && depth == most) return "depth";
        if (depth + 2 == MOST_LAYERS) return "layers";
        pthread_barrier_wait(&gate);
        one_round(&workers[0]);
        pthread_barrier_wait(&gate);
        close_gaps();
        for (int i = 0; i < threads; i++)
            if (workers[i].overflowed) return "overflow";
        if (atomic_load(&interrupted)) {
            collect(depth, depth + 1);
            return "interrupted";
        }
        if (atomic_load(&pause_round)) {
            if (!may_grow()) {
                collect(depth, depth + 1);
                return "memory";
            }
            make_table(larger());
            atomic_store(&pause_round, atomic_load(&interrupted));
        }
        if (atomic_load(&cursor) < layer_end) continue;
        collect(depth, depth + 1);
        depth++;
        printf("layer %d %" PRIu64 " %" PRIu64 "\n", depth,
               (u64)atomic_load(&count) - layer_end, transitions_so_far());
        atomic_store(&cursor, layer_end);
        layers[depth + 1] = layer_end = atomic_load(&count);
    }
    depth--;
    return "complete";
}

static void start(void) {
    pthread_barrier_init(&gate, NULL, threads);
    workers = calloc(threads + 1, sizeof *workers);
    State boot_state = canonical(BOOT);
    for (int i = 0; i <= threads; i++) {
        workers[i].flush = flush_insert;
        workers[i].passes = passes[INSTANCES];
        for (int r = 0; r < RECENT; r++) workers[i].recent[r] = boot_state;
    }
    for (int i = 0; i <= CLAIMS; i++) open_claims[i] = 1;
    store = mapped(memory);
    u64 most_new = (u64)threads * (CHUNK + 1) * INSTANCES;
    make_table(most_new * 8 > 1 << 16 ? most_new * 8 : 1 << 16);
    printf("boot");
    settled(BOOT, 1);
    printf("\n");
    Item boot = {.state = boot_state, .instance = INSTANCES};
    boot.hash = hash_of(&boot.state);
    insert(&workers[0], &boot);
    collect(0, 0);
}

#include "follow.h"

static void interrupt(int number) {
    (void)number;
    atomic_store(&interrupted, 1);
    atomic_store(&pause_round, 1);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    signal(SIGINT, interrupt);
    end_with_parent();
    threads = atoi(argv[1]);
    memory = strtoull(argv[2], NULL, 10);
    began = told = now();
    start();
    pthread_t others[threads];
    for (int i = 1; i < threads; i++) start_thread(&others[i], work, &workers[i]);
    int stop = atoi(argv[4]);
    if (stop == 2) open_claims[CLAIMS] = 0;
    const char *end = search(atoi(argv[3]), stop);
    finished = 1;
    pthread_barrier_wait(&gate);
    for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
    tell(1);
    u64 deadlocks = 0;
    for (int i = 0; i < threads; i++) deadlocks += workers[i].deadlocks;
    int seen[CLAIMS + 1];
    for (int i = 0; i <= CLAIMS; i++) seen[i] = first_sights[i].seen, open_claims[i] = 0;
    for (int i = 0; i <= CLAIMS; i++)
        if (seen[i]) print_way(i);
    if (PROBLEMS && strcmp(end, "overflow")) follow_all();
    printf("done %s %d %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", end, depth,
           (u64)atomic_load(&count), transitions_so_far(), deadlocks);
    return 0;
}
