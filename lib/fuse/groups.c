/* Groups of nodes, their edges, and their order. */
#include "fuse/groups.h"

#include <stdlib.h>
#include <string.h>

/* A search that looks at more groups than this gives up, and the groups are not joined. */
#define MAX_VISITS 4096

bool sni_ints_push(sni_ints *list, int item) {
    if (!SNI_RESERVE(list->items, list->capacity, list->count + 1)) return false;
    list->items[list->count++] = item;
    return true;
}

int sni_groups_stamp(sni_groups *groups) {
    return ++groups->stamp;
}

/* ---- edges between nodes ---- */

/* While the edges are collected: seen[node] is the last reader that has it. */
typedef struct collector {
    sni_groups *groups;
    sni_ints edges; /* reads, reader by reader */
    sni_ints open;  /* nodes through which the reader at hand reads */
    int *seen;
} collector;

static bool collect_inputs(collector *c, int reader, int node) {
    const sinter_graph *graph = c->groups->graph;
    for (int i = 0; i < graph->nodes[node].in_count; ++i) {
        const sni_value *v = sni_graph_value(graph, graph->nodes[node].in[i]);
        if (!v || v->producer < 0 || c->seen[v->producer] == reader) continue;
        c->seen[v->producer] = reader;
        if (!sni_ints_push(c->groups->is_free[v->producer] ? &c->open : &c->edges, v->producer)) return false;
    }
    return true;
}

static int descending(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

static bool collect(collector *c) {
    sni_groups *g = c->groups;
    for (int n = 0; n < g->node_count; ++n) {
        g->dep_start[n] = (int)c->edges.count;
        if (g->is_free[n]) continue;
        c->open.count = 0;
        if (!collect_inputs(c, n, n)) return false;
        while (c->open.count > 0)
            if (!collect_inputs(c, n, c->open.items[--c->open.count])) return false;
        size_t start = (size_t)g->dep_start[n];
        qsort(c->edges.items + start, c->edges.count - start, sizeof(int), descending);
    }
    g->dep_start[g->node_count] = (int)c->edges.count;
    return true;
}

static bool init_deps(sni_groups *g) {
    collector c = {.groups = g, .seen = sni_malloc(((size_t)g->node_count + 1) * sizeof(int))};
    for (int n = 0; c.seen && n < g->node_count; ++n) c.seen[n] = -1;
    bool ok = c.seen && SNI_RESERVE(c.edges.items, c.edges.capacity, 1) && collect(&c);
    g->deps = c.edges.items;
    sni_free(c.open.items);
    sni_free(c.seen);
    return ok;
}

/* Turns the edges around: readers come out in ascending order. */
static bool init_users(sni_groups *g) {
    int edges = g->dep_start[g->node_count];
    g->users = sni_malloc(((size_t)edges + 1) * sizeof *g->users);
    int *next = sni_calloc((size_t)g->node_count + 1, sizeof *next);
    if (!g->users || !next) {
        sni_free(next);
        return false;
    }
    for (int e = 0; e < edges; ++e) ++g->user_start[g->deps[e] + 1];
    for (int n = 0; n < g->node_count; ++n) g->user_start[n + 1] += g->user_start[n];
    memcpy(next, g->user_start, (size_t)g->node_count * sizeof *next);
    for (int n = 0; n < g->node_count; ++n)
        for (int e = g->dep_start[n]; e < g->dep_start[n + 1]; ++e) g->users[next[g->deps[e]]++] = n;
    sni_free(next);
    return true;
}

/* ---- groups ---- */

static void link_between(sni_groups *g, int before, int group, int after) {
    g->items[group].before = before;
    g->items[group].after = after;
    if (before >= 0)
        g->items[before].after = group;
    else
        g->first = group;
    if (after >= 0) g->items[after].before = group;
}

static void unlink_group(sni_groups *g, int group) {
    int before = g->items[group].before, after = g->items[group].after;
    if (before >= 0)
        g->items[before].after = after;
    else
        g->first = after;
    if (after >= 0) g->items[after].before = before;
}

static bool init_groups(sni_groups *g) {
    int last = -1;
    for (int n = 0; n < g->node_count; ++n) {
        g->of[n] = g->is_free[n] ? -1 : n;
        if (g->is_free[n]) continue;
        if (!sni_ints_push(&g->items[n].nodes, n)) return false;
        for (int e = g->dep_start[n]; e < g->dep_start[n + 1]; ++e)
            if (!sni_ints_push(&g->items[n].reads, g->deps[e])) return false;
        g->items[n].place = ((uint64_t)n + 1) << 32;
        link_between(g, last, n, -1);
        last = n;
    }
    return true;
}

bool sni_groups_init(sni_groups *g, const sinter_graph *graph, const bool *is_free) {
    size_t count = graph->node_count + 1;
    *g = (sni_groups){.graph = graph, .node_count = (int)graph->node_count, .is_free = is_free, .first = -1};
    g->of = sni_calloc(count, sizeof *g->of);
    g->dep_start = sni_calloc(count + 1, sizeof *g->dep_start);
    g->user_start = sni_calloc(count + 1, sizeof *g->user_start);
    g->items = sni_calloc(count, sizeof *g->items);
    return g->of && g->dep_start && g->user_start && g->items && init_deps(g) && init_users(g) && init_groups(g);
}

void sni_groups_deinit(sni_groups *g) {
    for (int n = 0; g->items && n < g->node_count; ++n) {
        sni_free(g->items[n].nodes.items);
        sni_free(g->items[n].reads.items);
    }
    sni_free(g->of);
    sni_free(g->deps);
    sni_free(g->dep_start);
    sni_free(g->users);
    sni_free(g->user_start);
    sni_free(g->items);
    sni_free(g->found.items);
}

/* ---- searching ---- */

/* Leaves one read of every other group. */
static void tidy_reads(sni_groups *g, int group) {
    sni_ints *reads = &g->items[group].reads;
    size_t kept = 0;
    int mark = sni_groups_stamp(g);
    g->items[group].mark = mark;
    for (size_t i = 0; i < reads->count; ++i) {
        sni_kernel_group *read = &g->items[g->of[reads->items[i]]];
        if (read->mark == mark) continue;
        read->mark = mark;
        reads->items[kept++] = reads->items[i];
    }
    reads->count = kept;
}

typedef struct search {
    uint64_t lowest; /* what stands before this reads nothing of the set */
    int mark;        /* of what was found */
    bool encloses, failed;
} search;

static bool in_set(const int *set, int count, int group) {
    for (int i = 0; i < count; ++i)
        if (set[i] == group) return true;
    return false;
}

/* Looks at what a group reads; whether it is in the set itself. */
static void look(sni_groups *g, const int *set, int count, int group, bool member, search *s) {
    const sni_ints *reads = &g->items[group].reads;
    for (size_t i = 0; i < reads->count && !s->encloses && !s->failed; ++i) {
        int read = g->of[reads->items[i]];
        if (read == group || g->items[read].place < s->lowest) continue;
        if (in_set(set, count, read)) {
            s->encloses |= !member;
        } else if (g->items[read].mark != s->mark) {
            g->items[read].mark = s->mark;
            s->failed |= !sni_ints_push(&g->found, read);
        }
    }
}

/* Fills found with the groups outside of the set that it needs and that stand after its first one. */
static search find(sni_groups *g, const int *set, int count) {
    search s = {.lowest = UINT64_MAX};
    g->found.count = 0;
    for (int i = 0; i < count; ++i) {
        tidy_reads(g, set[i]);
        if (g->items[set[i]].place < s.lowest) s.lowest = g->items[set[i]].place;
    }
    s.mark = sni_groups_stamp(g);
    for (int i = 0; i < count; ++i) look(g, set, count, set[i], true, &s);
    for (size_t i = 0; i < g->found.count && !s.encloses && !s.failed; ++i) {
        if (i == MAX_VISITS)
            s.encloses = true;
        else
            look(g, set, count, g->found.items[i], false, &s);
    }
    g->visits += (long)g->found.count;
    return s;
}

bool sni_groups_encloses(sni_groups *g, const int *set, int count, bool *out_failed) {
    search s = find(g, set, count);
    *out_failed = s.failed;
    return s.encloses;
}

/* ---- joining ---- */

/* Numbers the list anew, evenly. */
static void spread(sni_groups *g) {
    uint64_t place = 0;
    for (int i = g->first; i >= 0; i = g->items[i].after) g->items[i].place = place += (uint64_t)1 << 32;
}

typedef struct placed {
    uint64_t place;
    int group;
} placed;

static int by_place(const void *a, const void *b) {
    uint64_t x = ((const placed *)a)->place, y = ((const placed *)b)->place;
    return x < y ? -1 : x > y;
}

/* Moves what was found to right before a group, in its order. */
static bool move_found(sni_groups *g, int target) {
    size_t count = g->found.count;
    if (count == 0) return true;
    placed *moved = sni_malloc(count * sizeof *moved);
    if (!moved) return false;
    for (size_t i = 0; i < count; ++i) moved[i] = (placed){g->items[g->found.items[i]].place, g->found.items[i]};
    qsort(moved, count, sizeof *moved, by_place);
    for (size_t i = 0; i < count; ++i) unlink_group(g, moved[i].group);
    int before = g->items[target].before;
    uint64_t low = before >= 0 ? g->items[before].place : 0;
    uint64_t step = (g->items[target].place - low) / (count + 1);
    for (size_t i = 0; i < count; ++i) {
        link_between(g, g->items[target].before, moved[i].group, target);
        g->items[moved[i].group].place = low + step * (i + 1);
    }
    if (step == 0) spread(g);
    sni_free(moved);
    return true;
}

/* Adds b's ascending numbers to a's. */
static bool merge_nodes(sni_ints *a, const sni_ints *b) {
    if (!SNI_RESERVE(a->items, a->capacity, a->count + b->count)) return false;
    size_t i = a->count, k = b->count, at = i + k;
    while (k > 0) a->items[--at] = i > 0 && a->items[i - 1] > b->items[k - 1] ? a->items[--i] : b->items[--k];
    a->count += b->count;
    return true;
}

/* Room for everything first, so that failing changes nothing. */
static bool reserve(sni_groups *g, int into, const int *set, int count) {
    size_t nodes = 0, reads = 0;
    for (int i = 0; i < count; ++i) {
        nodes += g->items[set[i]].nodes.count;
        reads += g->items[set[i]].reads.count;
    }
    sni_kernel_group *to = &g->items[into];
    return SNI_RESERVE(to->nodes.items, to->nodes.capacity, nodes) &&
           SNI_RESERVE(to->reads.items, to->reads.capacity, reads + 1);
}

static void absorb(sni_groups *g, int into, int from) {
    sni_kernel_group *to = &g->items[into], *gone = &g->items[from];
    for (size_t i = 0; i < gone->nodes.count; ++i) g->of[gone->nodes.items[i]] = into;
    merge_nodes(&to->nodes, &gone->nodes);
    if (gone->reads.count > 0) /* of nothing there is no address */
        memcpy(to->reads.items + to->reads.count, gone->reads.items, gone->reads.count * sizeof *gone->reads.items);
    to->reads.count += gone->reads.count;
    unlink_group(g, from);
    sni_free(gone->nodes.items);
    sni_free(gone->reads.items);
    gone->nodes = gone->reads = (sni_ints){0};
}

bool sni_groups_join(sni_groups *g, const int *set, int count, int *out_group) {
    int first = set[0], largest = set[0];
    for (int i = 1; i < count; ++i) {
        if (g->items[set[i]].place < g->items[first].place) first = set[i];
        if (g->items[set[i]].nodes.count > g->items[largest].nodes.count) largest = set[i];
    }
    if (!reserve(g, largest, set, count)) return false;
    search s = find(g, set, count);
    if (s.failed || s.encloses || !move_found(g, first)) return false;
    const char *ends = g->items[first].ends;
    if (largest != first) { /* the largest takes the first one's place */
        unlink_group(g, largest);
        link_between(g, g->items[first].before, largest, first);
        g->items[largest].place = g->items[first].place;
    }
    for (int i = 0; i < count; ++i)
        if (set[i] != largest) absorb(g, largest, set[i]);
    g->items[largest].ends = ends;
    *out_group = largest;
    return true;
}
