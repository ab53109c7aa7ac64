/* Axes as loops and indices. */
#include "codegen/layout.h"

sni_expr sni_extent_product(const sni_loop *loop, uint32_t mask) {
    sni_expr product = sni_sym_const(loop->sym, 1);
    for (int a = 0; a < loop->axis_count; ++a)
        if (mask >> a & 1) product = sni_sym_mul(loop->sym, product, loop->extents[a]);
    return product;
}

const char *sni_emit_number(sni_emitter *e, sni_expr expr) {
    static const sni_scope nothing = {.lane_axis = -1, .width = 1};
    return sni_emit_index_text(e, &nothing, expr, 0);
}

void sni_name_axes(sni_emitter *e, sni_scope *scope) {
    static const char *const names[SNI_MAX_AXES] = {"i0", "i1", "i2",  "i3",  "i4",  "i5",  "i6",  "i7",
                                                    "i8", "i9", "i10", "i11", "i12", "i13", "i14", "i15"};
    for (int a = 0; a < e->loop->axis_count; ++a) scope->names[a] = names[a];
}

void sni_emit_split(sni_emitter *e, const sni_scope *scope, uint32_t mask, const char *linear) {
    const char *rest = linear;
    for (int a = e->loop->axis_count - 1; a >= 0; --a) {
        if ((mask >> a & 1) == 0) continue;
        if ((mask & ((1u << a) - 1)) == 0) {
            sni_emit_line(e, "const sn_idx %s = %s;", scope->names[a], rest);
            return;
        }
        const char *extent = sni_emit_number(e, e->loop->extents[a]);
        const char *quotient = sni_emit_format(e, "q%d", a);
        sni_emit_line(e, "const sn_idx %s = %s / %s;", quotient, rest, extent);
        sni_emit_line(e, "const sn_idx %s = %s - %s*%s;", scope->names[a], rest, quotient, extent);
        rest = quotient;
    }
}

void sni_emit_open(sni_emitter *e, const char *format, ...) {
    va_list args;
    for (int i = 0; i < e->indent; ++i) sni_str_append(&e->body, "    ");
    va_start(args, format);
    sni_str_vprintf(&e->body, format, args);
    va_end(args);
    sni_str_append(&e->body, " {\n");
    ++e->indent;
}

void sni_emit_close(sni_emitter *e) {
    --e->indent;
    sni_emit_line(e, "}");
}

void sni_emit_open_loops(sni_emitter *e, const sni_scope *scope, uint32_t mask) {
    for (int a = 0; a < e->loop->axis_count; ++a) {
        if ((mask >> a & 1) == 0) continue;
        const char *i = scope->names[a], *n = sni_emit_number(e, e->loop->extents[a]);
        if (e->loop->reverse && e->loop->inner >> a & 1)
            sni_emit_open(e, "for (sn_idx %s = %s - 1; %s >= 0; --%s)", i, n, i, i);
        else
            sni_emit_open(e, "for (sn_idx %s = 0; %s < %s; ++%s)", i, i, n, i);
    }
}

void sni_emit_close_loops(sni_emitter *e, uint32_t mask) {
    for (int a = 0; a < e->loop->axis_count; ++a)
        if (mask >> a & 1) sni_emit_close(e);
}

uint32_t sni_parallel_mask(const sni_loop *loop) {
    uint32_t all = loop->axis_count >= 32 ? ~0u : (1u << loop->axis_count) - 1;
    return all & ~loop->inner;
}

void sni_set_launch(sni_kspec *spec, const sni_loop *loop, sni_expr items, size_t local) {
    spec->dims = 1;
    spec->global[0] = items;
    spec->global[1] = spec->global[2] = sni_sym_const(loop->sym, 1);
    spec->local[0] = local;
    spec->local[1] = spec->local[2] = 1;
}

int sni_fit_work_group(const sni_caps *caps, int wanted) {
    if ((uint32_t)wanted <= caps->max_work_group) return wanted;
    return caps->max_work_group > 0 ? (int)caps->max_work_group : 1;
}

bool sni_work_group_fits(const sni_caps *caps, int items, sni_str *why) {
    if (items <= sni_fit_work_group(caps, items)) return true;
    sni_str_printf(why, "work-groups have at most %u work-items", (unsigned)caps->max_work_group);
    return false;
}

sni_chunks sni_cpu_chunks(const sni_loop *loop, const sni_caps *caps, sni_expr total, sni_expr work, int64_t least,
                          int per_unit, int width) {
    sni_sym *sym = loop->sym;
    int64_t units = caps->compute_units > 0 ? caps->compute_units : 1;
    sni_expr one = sni_sym_const(sym, 1);
    sni_expr wanted = sni_sym_max(sym, sni_sym_ceil_div(sym, work, sni_sym_const(sym, least)), one);
    sni_expr groups = sni_sym_min(sym, sni_sym_min(sym, wanted, total), sni_sym_const(sym, units * per_unit));
    if (caps->most_loop_steps > 0) {
        /* The device counts the steps of all loops of a work-item together: over runs, vectors and elements, and within
         * functions (fmod, integer pow), which take up to 512 for an element. */
        sni_expr most = sni_sym_const(sym, caps->most_loop_steps / 512);
        groups = sni_sym_min(sym, sni_sym_max(sym, groups, sni_sym_ceil_div(sym, work, most)), total);
    }
    sni_expr divisor = sni_sym_mul_i(sym, sni_sym_max(sym, groups, one), width);
    sni_chunks chunks = {groups, sni_sym_mul_i(sym, sni_sym_ceil_div(sym, total, divisor), width)};
    return chunks;
}
