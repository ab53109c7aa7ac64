/* A program of its own: its expressions move from the context that it was built in to a small one that belongs to it. What
 * code generation adds to them is then nobody else's concern, and equal programs of different graphs have equal
 * expressions. */
#include "loop/loop.h"

static bool move(sni_sym *to, const sni_sym *from, sni_expr *e) {
    if (*e == SNI_NO_EXPR) return true;
    *e = sni_sym_import(to, from, *e);
    return *e != SNI_NO_EXPR;
}

static bool move_all(sni_loop *loop, sni_sym *to) {
    const sni_sym *from = loop->sym;
    bool ok = true;
    for (int a = 0; a < loop->axis_count && ok; ++a)
        ok = move(to, from, &loop->extents[a]) && move(to, from, &loop->axes[a]);
    for (int i = 0; i < loop->stmt_count && ok; ++i)
        ok = move(to, from, &loop->stmts[i].offset) && move(to, from, &loop->stmts[i].guard);
    for (int b = 0; b < loop->buffer_count && ok; ++b) ok = move(to, from, &loop->buffers[b].count);
    for (int i = 0; i < loop->store_count && ok; ++i) ok = move(to, from, &loop->stores[i].offset);
    return ok;
}

static void release(void *sym) {
    sni_sym_release(sym);
}

bool sni_loop_own(sni_loop *loop, sni_arena *arena) {
    sni_sym *own = sni_sym_create();
    if (!own) return false;
    if (!sni_arena_defer(arena, release, own)) {
        sni_sym_release(own);
        return false;
    }
    if (!move_all(loop, own)) return false;
    loop->sym = own;
    return true;
}
