/* A program as passes over its inner axes. */
#include "codegen/layout.h"

bool sni_stmt_inner(const sni_loop *loop, int s) {
    return (loop->stmts[s].mask & loop->inner) != 0;
}

bool sni_store_inner(const sni_loop *loop, const sni_store *store) {
    return (store->mask & loop->inner) != 0;
}

int sni_inner_count(const sni_loop *loop) {
    return __builtin_popcount(loop->inner);
}

int sni_parallel_count(const sni_loop *loop) {
    return loop->axis_count - sni_inner_count(loop);
}

typedef struct depth_context {
    const int *depth;
    int result;
} depth_context;

static void visit_depth(void *context, int statement) {
    depth_context *c = context;
    if (c->depth[statement] > c->result) c->result = c->depth[statement];
}

static int depth_of(const sni_loop *loop, const int *depth, int s) {
    const sni_stmt *stmt = &loop->stmts[s];
    depth_context c = {depth, 0};
    for (int a = 0; a < stmt->arg_count; ++a) visit_depth(&c, stmt->args[a]);
    if (stmt->kind == SNI_STMT_LOAD || stmt->kind == SNI_STMT_INDEX)
        sni_emit_visit_values(loop->sym, stmt->offset, visit_depth, &c);
    if (stmt->kind == SNI_STMT_LOAD || stmt->kind == SNI_STMT_SELECT)
        sni_emit_visit_values(loop->sym, stmt->guard, visit_depth, &c);
    return c.result + (stmt->kind == SNI_STMT_REDUCE ? 1 : 0);
}

typedef struct live_context {
    const sni_loop *loop;
    bool *live;
} live_context;

static void visit_live(void *context, int statement) {
    live_context *c = context;
    sni_emit_need(c->loop, statement, NULL, c->live);
}

static void find_live(sni_passes *passes) {
    const sni_loop *loop = passes->loop;
    live_context c = {loop, passes->live};
    for (int i = 0; i < loop->store_count; ++i) {
        sni_emit_need(loop, loop->stores[i].stmt, NULL, passes->live);
        sni_emit_visit_values(loop->sym, loop->stores[i].offset, visit_live, &c);
    }
}

/* Followers run in their leader's pass. */
static void follow(sni_passes *passes, sni_follower *followers, int s) {
    if (followers == NULL) return;
    followers[s] = sni_online_find(passes->loop, passes->depth, followers, s);
    if (followers[s].tuple != SNI_TUPLE_NONE) passes->depth[s] = passes->depth[followers[s].leader];
}

static bool init(sni_passes *passes, const sni_loop *loop, sni_follower *followers, sni_arena *arena) {
    size_t room = (size_t)loop->stmt_count + 1;
    *passes = (sni_passes){.loop = loop, .followers = followers};
    passes->depth = sni_arena_alloc(arena, room * sizeof *passes->depth);
    passes->live = sni_arena_alloc(arena, room * sizeof *passes->live);
    if (passes->depth == NULL || passes->live == NULL) return false;
    find_live(passes);
    for (int s = 0; s < loop->stmt_count; ++s) {
        passes->depth[s] = depth_of(loop, passes->depth, s);
        follow(passes, followers, s);
        if (!passes->live[s]) continue;
        if (loop->stmts[s].kind == SNI_STMT_REDUCE && passes->depth[s] > passes->count)
            passes->count = passes->depth[s];
        if (loop->stmts[s].kind == SNI_STMT_LOAD) ++passes->loads;
        passes->cost += loop->stmts[s].kind == SNI_STMT_OP ? loop->stmts[s].op->cost : 1;
    }
    for (int i = 0; i < loop->store_count; ++i) {
        if (!sni_store_inner(loop, &loop->stores[i])) continue;
        passes->inner_stores = true;
        int pass = passes->depth[loop->stores[i].stmt] + 1;
        if (pass > passes->count) passes->count = pass;
    }
    return true;
}

bool sni_passes_init(sni_passes *passes, const sni_loop *loop, sni_arena *arena) {
    return init(passes, loop, NULL, arena);
}

bool sni_passes_init_online(sni_passes *passes, const sni_loop *loop, sni_arena *arena) {
    sni_follower *followers = sni_arena_alloc(arena, ((size_t)loop->stmt_count + 1) * sizeof *followers);
    return followers != NULL && init(passes, loop, followers, arena);
}

bool sni_passes_init_as(sni_passes *passes, const sni_loop *loop, int tuples, sni_arena *arena) {
    return tuples == SNI_TUPLES_JOINED ? sni_passes_init_online(passes, loop, arena)
                                       : sni_passes_init(passes, loop, arena);
}
