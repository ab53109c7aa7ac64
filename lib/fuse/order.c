/* The order of kernels: what frees memory runs before what takes more.
 *
 * The list of groups is one order in which they can run. A second one takes at each step, of the first kernels that could run,
 * the one after which the fewest bytes are alive. The one with the lower peak is taken; the list's, where they are equal. */
#include "fuse/fuser.h"

#include <string.h>

#define CHOICES 32 /* kernels that are compared at each step */

/* A value for memory's sake is a node with readers in other groups. */
typedef struct order {
    sni_fuser *f;
    int count;                   /* of groups */
    int *groups;                 /* number -> group, in the list's order */
    double *bytes;               /* node -> of its values in the arena; 0 for outputs of the graph */
    int *read_start, *reads;     /* number -> nodes of other groups that it reads, each once */
    int *left;                   /* node -> readers that have not run */
    int *waits;                  /* number -> reads whose node has not been computed */
    int *reader_start, *readers; /* node -> numbers */
} order;

static double bytes_of(const sni_fuser *f, int n) {
    const sni_node *node = &f->graph->nodes[n];
    double sum = 0;
    for (int o = 0; o < node->out_count && !f->is_output[n]; ++o)
        sum += sni_sym_estimate(f->graph->sym, sni_type_bytes(f->graph->sym, &f->graph->values[node->out[o]].type),
                                f->options->costs.symbolic_size);
    return sum;
}

static bool collect_reads(order *o, int *mark) {
    const sni_groups *g = &o->f->groups;
    size_t most = (size_t)g->dep_start[g->node_count] + 1, count = 0;
    o->reads = sni_malloc(most * sizeof *o->reads);
    o->readers = sni_malloc(most * sizeof *o->readers);
    if (!o->reads || !o->readers) return false;
    for (int i = 0; i < o->count; ++i) {
        const sni_ints *nodes = &g->items[o->groups[i]].nodes;
        o->read_start[i] = (int)count;
        for (size_t k = 0; k < nodes->count; ++k) {
            int n = nodes->items[k];
            for (int e = g->dep_start[n]; e < g->dep_start[n + 1]; ++e) {
                int d = g->deps[e];
                if (g->of[d] == o->groups[i] || mark[d] == i + 1) continue;
                mark[d] = i + 1;
                o->reads[count++] = d;
                ++o->reader_start[d + 2];
            }
        }
    }
    o->read_start[o->count] = (int)count;
    for (int n = 2; n <= g->node_count; ++n) o->reader_start[n + 1] += o->reader_start[n];
    for (int i = 0; i < o->count; ++i)
        for (int r = o->read_start[i]; r < o->read_start[i + 1]; ++r)
            o->readers[o->reader_start[o->reads[r] + 1]++] = i;
    return true;
}

static bool init(order *o, sni_fuser *f) {
    size_t nodes = f->graph->node_count + 3;
    *o = (order){.f = f};
    o->groups = sni_calloc(nodes, sizeof *o->groups);
    o->bytes = sni_calloc(nodes, sizeof *o->bytes);
    o->read_start = sni_calloc(nodes, sizeof *o->read_start);
    o->left = sni_calloc(nodes, sizeof *o->left);
    o->waits = sni_calloc(nodes, sizeof *o->waits);
    o->reader_start = sni_calloc(nodes, sizeof *o->reader_start);
    int *mark = sni_calloc(nodes, sizeof *mark);
    bool ok = o->groups && o->bytes && o->read_start && o->left && o->waits && o->reader_start && mark;
    for (int g = f->groups.first; ok && g >= 0; g = f->groups.items[g].after) o->groups[o->count++] = g;
    ok = ok && collect_reads(o, mark);
    for (int n = 0; ok && n < f->groups.node_count; ++n)
        if (o->reader_start[n + 1] > o->reader_start[n]) o->bytes[n] = bytes_of(f, n);
    sni_free(mark);
    return ok;
}

static void deinit(order *o) {
    sni_free(o->groups);
    sni_free(o->bytes);
    sni_free(o->read_start);
    sni_free(o->reads);
    sni_free(o->left);
    sni_free(o->waits);
    sni_free(o->reader_start);
    sni_free(o->readers);
}

static void start(order *o) {
    for (int n = 0; n < o->f->groups.node_count; ++n) o->left[n] = o->reader_start[n + 1] - o->reader_start[n];
    for (int i = 0; i < o->count; ++i) o->waits[i] = o->read_start[i + 1] - o->read_start[i];
}

/* Bytes that a kernel's results take. */
static double taken(const order *o, int i) {
    const sni_ints *nodes = &o->f->groups.items[o->groups[i]].nodes;
    double sum = 0;
    for (size_t k = 0; k < nodes->count; ++k) sum += o->bytes[nodes->items[k]];
    return sum;
}

/* Bytes that nobody needs after a kernel. */
static double freed(const order *o, int i) {
    double sum = 0;
    for (int r = o->read_start[i]; r < o->read_start[i + 1]; ++r)
        if (o->left[o->reads[r]] == 1) sum += o->bytes[o->reads[r]];
    return sum;
}

/* Runs a kernel: *live and *peak follow. */
static void run(order *o, int i, double *live, double *peak) {
    double more = taken(o, i), less = freed(o, i);
    *live += more;
    if (*live > *peak) *peak = *live;
    *live -= less;
    for (int r = o->read_start[i]; r < o->read_start[i + 1]; ++r) --o->left[o->reads[r]];
}

static double peak_of_list(order *o) {
    double live = 0, peak = 0;
    start(o);
    for (int i = 0; i < o->count; ++i) run(o, i, &live, &peak);
    return peak;
}

/* Kernels that can run: a few to choose from, and a heap of the others, lowest number first. */
typedef struct ready {
    int few[CHOICES];
    int few_count;
    sni_ints heap;
} ready;

static void swap(int *a, int *b) {
    int t = *a;
    *a = *b;
    *b = t;
}

static bool heap_push(sni_ints *heap, int i) {
    if (!sni_ints_push(heap, i)) return false;
    for (size_t at = heap->count - 1; at > 0 && heap->items[(at - 1) / 2] > heap->items[at]; at = (at - 1) / 2)
        swap(&heap->items[(at - 1) / 2], &heap->items[at]);
    return true;
}

static int heap_pop(sni_ints *heap) {
    int *items = heap->items, least = items[0];
    items[0] = items[--heap->count];
    for (size_t at = 0;;) {
        size_t low = at, left = 2 * at + 1;
        for (size_t child = left; child <= left + 1 && child < heap->count; ++child)
            if (items[child] < items[low]) low = child;
        if (low == at) return least;
        swap(&items[low], &items[at]);
        at = low;
    }
}

static bool add_readers(order *o, ready *r, int i) {
    const sni_ints *nodes = &o->f->groups.items[o->groups[i]].nodes;
    for (size_t k = 0; k < nodes->count; ++k)
        for (int e = o->reader_start[nodes->items[k]]; e < o->reader_start[nodes->items[k] + 1]; ++e)
            if (--o->waits[o->readers[e]] == 0 && !heap_push(&r->heap, o->readers[e])) return false;
    return true;
}

/* Takes out the one of the few after which the fewest bytes more are alive; the lowest number of several. */
static int take_best(const order *o, ready *r) {
    int best = 0;
    double least = 0;
    while (r->few_count < CHOICES && r->heap.count > 0) r->few[r->few_count++] = heap_pop(&r->heap);
    for (int c = 0; c < r->few_count; ++c) {
        double change = taken(o, r->few[c]) - freed(o, r->few[c]);
        if (c > 0 && (change > least || (change == least && r->few[c] > r->few[best]))) continue;
        best = c;
        least = change;
    }
    int i = r->few[best];
    r->few[best] = r->few[--r->few_count];
    return i;
}

/* Fills sequence with numbers. false: out of memory. */
static bool sequence_by_memory(order *o, int *sequence, double *out_peak) {
    ready r = {.few_count = 0};
    double live = 0;
    int done = 0;
    bool ok = true;
    *out_peak = 0;
    start(o);
    for (int i = 0; i < o->count && ok; ++i)
        if (o->waits[i] == 0) ok = heap_push(&r.heap, i);
    while (ok && r.few_count + (int)r.heap.count > 0) {
        int i = take_best(o, &r);
        sequence[done++] = i;
        run(o, i, &live, out_peak);
        ok = add_readers(o, &r, i);
    }
    sni_free(r.heap.items);
    return ok && done == o->count;
}

bool sni_fuser_order(sni_fuser *f, int *out_groups) {
    order o;
    double peak;
    bool ok = init(&o, f);
    int *sequence = sni_calloc(f->graph->node_count + 1, sizeof *sequence);
    ok = ok && sequence && sequence_by_memory(&o, sequence, &peak);
    if (ok) {
        bool better = peak < peak_of_list(&o);
        for (int i = 0; i < o.count; ++i) out_groups[i] = o.groups[better ? sequence[i] : i];
    }
    sni_free(sequence);
    deinit(&o);
    return ok;
}
