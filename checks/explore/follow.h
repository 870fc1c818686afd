/*
 * Runs without end: a part of search.c, after the search.
 *
 * Each problem is one *ends* property with the parameters that its work is about.  The
 * states where work is left are a graph (without the steps between which the work is to
 * end).  A run is without end if a step that helps lies on a cycle there (strongly
 * connected components: R. Tarjan, 1972), or if none helps in a state.  The edges are
 * computed anew whenever they are needed.  With several threads each takes problems of
 * its own; what does not fit in its share of the memory is tried again alone.
 */

enum { NOWHERE = UINT32_MAX };

typedef struct {
    Worker *me;
    int problem;
    u64 room;    /* bytes left to this problem */
    u64 *inside; /* a bit for each state: whether work is left there */
    u32 *before; /* how many there are before each 64 */
    u32 size, *number, *index, *group, *low, *stack, *start;
    u32 *edges;
    u64 edge_room;
} Graph;

/* The shortest run of a problem: to the state, then the steps of the cycle. */
typedef struct {
    int followed, found, depth, length;
    u32 state, *steps;
} Run;

static Run *runs;
static _Atomic int next_problem;
static pthread_mutex_t telling = PTHREAD_MUTEX_INITIALIZER;

static int bit_of(const u64 *bits, u64 n) { return bits[n / 64] >> n % 64 & 1; }

static int depth_of(u64 number) {
    int d = 0;
    while (layers[d + 1] <= number) d++;
    return d;
}

static u32 find(const State *s) {
    u64 hash = hash_of(s);
    for (u64 slot = slot_of(hash);; slot = after(slot)) {
        u32 entry = entry_at(slot);
        if (!entry) return NOWHERE;
        if (!likely(entry, hash)) continue;
        State there = stored(number_of(entry));
        if (same(&there, s)) return number_of(entry);
    }
}

/* The node of a state, if it is in the graph. */
static u32 node_of(const Graph *g, const State *s) {
    u32 n = find(s);
    if (n == NOWHERE || n >= layer_end || !bit_of(g->inside, n)) return NOWHERE;
    u64 below = g->inside[n / 64] & (((u64)1 << n % 64) - 1);
    return g->before[n / 64] + __builtin_popcountll(below);
}

/* The steps from a node are then among the items of the worker; how many. */
static int steps_from(const Graph *g, State *from, u32 node) {
    *from = stored(g->number[node]);
    g->me->waiting = 0;
    successors(g->me, *from);
    int steps = g->me->waiting, kept = 0;
    g->me->waiting = 0;
    for (int i = 0; i < steps; i++)
        if (!bit_of(unless[g->problem], g->me->items[i].instance))
            g->me->items[kept++] = g->me->items[i];
    return kept;
}

static int following(const Graph *g) {
    if (!pthread_mutex_trylock(&telling)) {
        double t = now();
        if (t - told >= 1) {
            told = t;
            printf("following %d %d %.3f\n", g->problem + 1, PROBLEMS, t - began);
            fflush(stdout);
        }
        pthread_mutex_unlock(&telling);
    }
    return !atomic_load_explicit(&interrupted, memory_order_relaxed);
}

static void *taken(Graph *g, u64 bytes) {
    if (bytes > g->room) return NULL;
    g->room -= bytes;
    return calloc(1, bytes ? bytes : 1);
}

/* The states with work left; 0 if there is no room for them. */
static int gather(Graph *g) {
    u64 words = layer_end / 64 + 1;
    if (!(g->inside = taken(g, words * 8)) || !(g->before = taken(g, words * 4))) return 0;
    for (u64 n = 0; n < layer_end; n++) {
        u64 found[LEFT_WORDS] = {0}, any = 0;
        left[g->problem](stored(n), found);
        for (int i = 0; i < LEFT_WORDS; i++) any |= found[i];
        if (n % 64 == 0) g->before[n / 64] = g->size;
        if (any) g->inside[n / 64] |= (u64)1 << n % 64, g->size++;
        if (n % (1 << 16) == 0 && !following(g)) return 0;
    }
    u32 **each[] = {&g->number, &g->index, &g->group, &g->low, &g->stack, &g->start};
    for (int i = 0; i < 6; i++)
        if (!(*each[i] = taken(g, (u64)g->size * 4))) return 0;
    for (u64 n = 0, node = 0; n < layer_end; n++)
        if (bit_of(g->inside, n)) g->number[node++] = n;
    return 1;
}

static void release(Graph *g) {
    void *all[] = {g->inside, g->before, g->number, g->index, g->group,
                   g->low,    g->stack,  g->start,  g->edges};
    for (int i = 0; i < 9; i++) free(all[i]);
}

/* Put the nodes that follow one on the stack of edges; 0 if there is no room. */
static int push_edges(Graph *g, u32 node, u64 *top) {
    State from;
    int steps = steps_from(g, &from, node);
    if (*top + steps > g->edge_room) {
        u64 more = g->edge_room + steps + (1 << 16);
        if (more * 4 > g->room) return 0;
        g->room -= more * 4;
        g->edge_room += more;
        g->edges = realloc(g->edges, g->edge_room * 4);
    }
    for (int i = 0; i < steps; i++) {
        u32 to = node_of(g, &g->me->items[i].state);
        if (to != NOWHERE && to != node && !g->group[to]) g->edges[(*top)++] = to;
    }
    return 1;
}

/* Strongly connected components: `group` is equal where two nodes lead to each other. */
static int components(Graph *g) {
    u32 order = 0, groups = 0, stacked = 0;
    u64 top = 0;
    u32 *call = taken(g, (u64)g->size * 4);
    if (!call) return 0;
    int done = 1;
    for (u32 root = 0; done && root < g->size; root++) {
        if (g->index[root]) continue;
        u32 calls = 0, enter = root;
        for (;;) {
            if (enter != NOWHERE) {
                g->index[enter] = g->low[enter] = ++order;
                g->stack[stacked++] = call[calls++] = enter;
                g->start[enter] = top;
                done = push_edges(g, enter, &top) && (order % 1024 || following(g));
                if (!done) break;
            }
            u32 node = call[calls - 1];
            enter = NOWHERE;
            if (top > g->start[node]) {
                u32 to = g->edges[--top];
                if (!g->index[to]) enter = to;
                else if (!g->group[to] && g->index[to] < g->low[node])
                    g->low[node] = g->index[to];
                continue;
            }
            if (g->low[node] == g->index[node])
                for (groups++; !g->group[node];) g->group[g->stack[--stacked]] = groups;
            if (!--calls) break;
            u32 caller = call[calls - 1];
            if (g->low[node] < g->low[caller]) g->low[caller] = g->low[node];
        }
    }
    free(call);
    g->room += (u64)g->size * 4;
    return done;
}

/* The shortest way between two nodes of a group, of at most so many steps; -1: none.
 * The memory of `components` is used again: who was before, by which step, and the queue. */
static int path(Graph *g, u32 from, u32 to, int most, u32 *steps) {
    u32 *back = g->low, *by = g->index, *queue = g->stack, begin = 0, end = 0;
    int length = -1;
    queue[end++] = from;
    back[from] = from;
    for (int d = 0; d <= most && length < 0 && begin < end; d++) {
        for (u32 layer = end; begin < layer && length < 0; begin++) {
            if (queue[begin] == to) {
                length = d;
                break;
            }
            State here;
            int steps_here = steps_from(g, &here, queue[begin]);
            for (int i = 0; i < steps_here; i++) {
                u32 next = node_of(g, &g->me->items[i].state);
                if (next == NOWHERE || g->group[next] != g->group[to] || back[next] != NOWHERE)
                    continue;
                back[next] = queue[begin];
                by[next] = g->me->items[i].instance;
                queue[end++] = next;
            }
        }
    }
    for (int i = length; i > 0; i--, to = back[to]) steps[i - 1] = by[to];
    for (u32 i = 0; i < end; i++) back[queue[i]] = NOWHERE;
    return length;
}

static void keep(Run *best, const Graph *g, u32 node, int depth, int length, const u32 *steps) {
    best->found = 1;
    best->state = g->number[node];
    best->depth = depth;
    best->length = length;
    free(best->steps);
    best->steps = malloc((length + 1) * sizeof *steps);
    memcpy(best->steps, steps, length * sizeof *steps);
}

/* One of the elements that are left in `before` is not in `next`. */
static int takes_out(const Graph *g, const u64 *before, const State *next) {
    u64 found[LEFT_WORDS] = {0};
    left[g->problem](*next, found);
    for (int i = 0; i < LEFT_WORDS; i++)
        if (before[i] & ~found[i]) return 1;
    return 0;
}

/* The runs that begin to repeat at this node: one for each step of an action that helps. */
static void runs_at(Graph *g, u32 node, Run *best) {
    State from;
    int steps = steps_from(g, &from, node), mine = 0, helps = 0, trips = 0;
    u64 work[LEFT_WORDS] = {0};
    left[g->problem](from, work);
    Item *chosen = malloc((steps + 1) * sizeof *chosen);
    for (int i = 0; i < steps; i++) {
        Item item = g->me->items[i];
        if (!bit_of(helping[g->problem], item.instance)) continue;
        int useful = takes_out(g, work, &item.state);
        if (useful && !helps) mine = 0; /* steps that do not help do not count then */
        helps |= useful;
        if (useful == helps) chosen[mine++] = item;
    }
    int depth_here = depth_of(g->number[node]);
    for (int i = 0; i < mine; i++) {
        u32 to = node_of(g, &chosen[i].state);
        if (to == NOWHERE || g->group[to] != g->group[node]) continue;
        trips++;
        int most = (best->found ? best->depth + best->length : 1 << 16) - depth_here - 2;
        if (most < 0) continue;
        u32 *way = malloc((most + 2) * sizeof *way);
        way[0] = chosen[i].instance;
        int length = path(g, to, node, most, way + 1);
        if (length >= 0) keep(best, g, node, depth_here, length + 1, way);
        free(way);
    }
    free(chosen);
    if (!helps && !trips && (!best->found || depth_here < best->depth + best->length))
        keep(best, g, node, depth_here, 0, NULL);
}

static void follow(Graph *g, Run *best) {
    if (gather(g) && components(g)) {
        memset(g->low, 0xff, (u64)g->size * 4);
        best->followed = 1;
        for (u32 node = 0; node < g->size; node++) {
            if (best->found && depth_of(g->number[node]) >= best->depth + best->length) break;
            runs_at(g, node, best);
            if (node % 1024 == 0 && !following(g)) {
                best->followed = 0;
                break;
            }
        }
    }
    release(g);
}

static u64 share;

static void *follow_some(void *arg) {
    for (;;) {
        int problem = atomic_fetch_add(&next_problem, 1);
        if (problem >= PROBLEMS || atomic_load(&interrupted)) return NULL;
        Graph g = {.me = arg, .problem = problem, .room = share};
        if (!runs[problem].followed) follow(&g, &runs[problem]);
    }
}

static void print_run(int problem) {
    Run *run = &runs[problem];
    printf("lasso %d %d\n", problem, run->depth);
    print_path(stored(run->state), run->depth);
    for (int i = 0; i < run->length; i++) printf("step %u\n", run->steps[i]);
}

static void follow_all(void) {
    runs = calloc(PROBLEMS + 1, sizeof *runs);
    u64 used = count * RECORD + capacity * sizeof *table;
    for (int i = 0; i <= threads; i++) workers[i].passes = passes[INSTANCES];
    for (int at_once = threads, again = 1; again; again = at_once > 1, at_once = 1) {
        pthread_t others[at_once];
        share = memory > used ? (memory - used) / at_once : 0;
        atomic_store(&next_problem, 0);
        for (int i = 1; i < at_once; i++)
            start_thread(&others[i], follow_some, &workers[i]);
        follow_some(&workers[0]);
        for (int i = 1; i < at_once; i++) pthread_join(others[i], NULL);
    }
    for (int i = 0; i < PROBLEMS; i++) {
        if (runs[i].followed) printf("followed %d\n", i);
        if (runs[i].found) print_run(i);
    }
}
