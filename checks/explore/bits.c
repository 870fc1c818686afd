/*
 * The states of one machine as one bit each, all cores.  The generated digits.h says
 * which digits a state has and how steps turn them (split.py); nothing here knows more.
 *
 * The innermost digit is a row of WIDE words, so a step is: mask, shift, or.  Either all
 * is turned again and again until nothing is new (then there are no depths), or layer
 * by layer.  What is seen in a state is looked for at the end, in all of them.
 *
 * usage: bits THREADS LAYERS (0: until nothing is new; 1: layer by layer)
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

/* For an outer digit: the values it may have, and what each is turned to. */
typedef struct {
    u32 size;
    const u32 *from, *to;
} List;

/* In a row: the bits of one word that move to another, so far up (or down, if negative). */
typedef struct {
    u32 from, to;
    u64 mask;
    int up;
} Piece;

typedef struct {
    const List *lists; /* of each outer digit, the nearest first */
    u32 size;
    const Piece *pieces;
    int claim; /* for what is only looked for */
} Turn;

#include "digits.h"
#include "pages.h"
#include "threads.h"

typedef _Atomic u64 Word;
enum { SET_NEW, SET_ALL, MARK, LOOK }; /* what a turn does; LOOK: is there any */

typedef struct {
    u64 moved;
    int changed;
} Tally;

static Word *seen, *fresh, *next_ones;
static _Atomic unsigned char *fresh_live, *next_live; /* for each block of rows: is any bit set */
static _Atomic int cursor, interrupted;
static const Turn *tasks;
static int task_count, doing, threads, finished;
static Tally tallies[256];
static pthread_barrier_t gate;
static double began, told;
static int depth;
static u64 states, transitions;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static u64 get(const Word *at) { return atomic_load_explicit(at, memory_order_relaxed); }

static void tell(int always) {
    double t = now();
    if (!always && t - told < 1) return;
    told = t;
    printf("progress %d %" PRIu64 " %" PRIu64 " %.3f\n", depth, states, transitions, t - began);
    fflush(stdout);
}

/* --- turns ------------------------------------------------------------------------------------ */

static void row(const Turn *turn, u64 from, u64 to, Tally *tally) {
    for (u32 i = 0; i < turn->size; i++) {
        const Piece *p = &turn->pieces[i];
        u64 here = get(&fresh[from + p->from]) & p->mask;
        if (!here) continue;
        if (doing != SET_ALL) tally->moved += __builtin_popcountll(here);
        if (doing == LOOK) continue;
        u64 at = to + p->to, there = p->up >= 0 ? here << p->up : here >> -p->up;
        if (doing == MARK) at = from + p->from, there = here;
        Word *target = &next_ones[at];
        if (!(there & ~get(target))) continue;
        if (doing == SET_NEW && !(there & ~get(&seen[at]))) continue;
        atomic_fetch_or_explicit(target, there, memory_order_relaxed);
        atomic_store_explicit(&next_live[at / BLOCK], 1, memory_order_relaxed);
        tally->changed = 1;
    }
}

static void turned(const Turn *turn, int digit, u64 from, u64 to, Tally *tally) {
    if (!digit) {
        row(turn, from, to, tally);
        return;
    }
    if (digit == 1 && !atomic_load_explicit(&fresh_live[from / BLOCK], memory_order_relaxed))
        return;
    const List *list = &turn->lists[digit - 1];
    for (u32 i = 0; i < list->size; i++)
        turned(turn, digit - 1, from + list->from[i] * strides[digit],
               to + list->to[i] * strides[digit], tally);
}

/* One turn for one value of the outermost digit at a time, whoever comes first. */
static void some(Tally *tally) {
    for (;;) {
        int at = atomic_fetch_add(&cursor, 1);
        if (at >= task_count * OUTERMOST || atomic_load(&interrupted)) return;
        const Turn *turn = &tasks[at / OUTERMOST];
        const List *list = &turn->lists[DIGITS - 2];
        u32 value = at % OUTERMOST;
        if (value < list->size)
            turned(turn, DIGITS - 2, list->from[value] * strides[DIGITS - 1],
                   list->to[value] * strides[DIGITS - 1], tally);
        if (tally == tallies) tell(0);
    }
}

static void *work(void *arg) {
    for (;;) {
        pthread_barrier_wait(&gate);
        if (finished) return NULL;
        some(arg);
        pthread_barrier_wait(&gate);
    }
}

static Tally sweep(const Turn *these, int many, int what) {
    tasks = these;
    task_count = many;
    doing = what;
    atomic_store(&cursor, 0);
    memset(tallies, 0, sizeof tallies);
    pthread_barrier_wait(&gate);
    some(tallies);
    pthread_barrier_wait(&gate);
    Tally all = {0};
    for (int i = 0; i < threads; i++) {
        all.moved += tallies[i].moved;
        all.changed |= tallies[i].changed;
    }
    return all;
}

/* --- the search ------------------------------------------------------------------------------- */

static u64 ones(const Word *bits) {
    u64 sum = 0;
    for (u64 i = 0; i < WORDS; i++) sum += __builtin_popcountll(get(&bits[i]));
    return sum;
}

/* Turn all until nothing is new. */
static void until_nothing_is_new(void) {
    fresh = next_ones = seen;
    fresh_live = next_live;
    for (int again = 1; again && !interrupted;) {
        again = sweep(turns, TURNS, SET_ALL).changed;
        states = ones(seen);
        tell(0);
    }
}

/* What is new becomes the layer; how much it is. */
static u64 next_layer(void) {
    u64 new = 0;
    for (u64 block = 0; block * BLOCK < WORDS; block++) {
        int was = fresh_live[block], is = next_live[block];
        fresh_live[block] = next_live[block] = 0;
        for (u64 i = block * BLOCK; (was || is) && i < (block + 1) * BLOCK && i < WORDS; i++) {
            u64 word = get(&next_ones[i]) & ~get(&seen[i]);
            fresh[i] = word;
            next_ones[i] = 0;
            if (!word) continue;
            seen[i] |= word;
            fresh_live[block] = 1;
            new += __builtin_popcountll(word);
        }
    }
    return new;
}

static void layer_by_layer(void) {
    fresh = mapped(WORDS * 8);
    next_ones = mapped(WORDS * 8);
    next_ones[BOOT_WORD] = seen[BOOT_WORD];
    seen[BOOT_WORD] = 0;
    next_layer();
    for (states = 1; !interrupted; depth++) {
        transitions += sweep(turns, TURNS, SET_NEW).moved;
        if (interrupted) break;
        u64 new = next_layer();
        states += new;
        printf("layer %d %" PRIu64 " %" PRIu64 "\n", depth + 1, new, transitions);
        tell(0);
        if (!new) break;
    }
}

/* In all states: how many steps there are, where there is none, and what is watched. */
static u64 look(void) {
    for (u64 block = 0; block * BLOCK < WORDS; block++) fresh_live[block] = 1;
    fresh = seen;
    if (!next_ones || next_ones == seen) next_ones = mapped(WORDS * 8);
    transitions = sweep(turns, TURNS, MARK).moved;
    u64 stuck = 0;
    for (u64 i = 0; i < WORDS; i++)
        stuck += __builtin_popcountll(get(&seen[i]) & ~get(&next_ones[i]));
    char found[CLAIMS + 1];
    memset(found, 0, sizeof found);
    for (int i = 0; i < WATCHED; i++)
        if (!found[watched[i].claim] && sweep(&watched[i], 1, LOOK).moved) {
            found[watched[i].claim] = 1;
            printf("seen %d\n", watched[i].claim);
        }
    return stuck;
}

static void interrupt(int number) {
    (void)number;
    atomic_store(&interrupted, 1);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    threads = atoi(argv[1]) < 256 ? atoi(argv[1]) : 255;
    signal(SIGINT, interrupt);
    end_with_parent();
    began = told = now();
    seen = mapped(WORDS * 8);
    fresh_live = mapped(WORDS / BLOCK + 1);
    next_live = mapped(WORDS / BLOCK + 1);
    seen[BOOT_WORD] = BOOT_BIT;
    next_live[BOOT_WORD / BLOCK] = 1;
    pthread_barrier_init(&gate, NULL, threads);
    pthread_t others[threads];
    for (int i = 1; i < threads; i++) start_thread(&others[i], work, &tallies[i]);
    if (atoi(argv[2])) layer_by_layer();
    else until_nothing_is_new();
    u64 stuck = interrupted ? 0 : look();
    finished = 1;
    pthread_barrier_wait(&gate);
    for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
    tell(1);
    printf("done %s %d %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
           interrupted ? "interrupted" : "complete", depth, states, transitions, stuck);
    return 0;
}
