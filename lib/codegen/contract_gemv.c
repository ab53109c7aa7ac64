/* The strategy gpu_gemv: a product with few rows or few columns, which takes as long as reading the other operand once.
 *
 * The operand with few rows ("A"; where columns are few, operands change places) goes to local memory in blocks of k, through
 * its prologue. Work-items share out the columns and the k of the block, so that neighbours read neighbouring
 * memory of the other operand ("B"): along its columns or along k, as it lies. Every element of B is read once for all rows, into
 * registers. At the end the sums of the work-items that shared a column are added in local memory, in a fixed order.
 *
 *     for every block of k
 *         A's block -> local memory; barrier
 *         B's elements -> registers, several loads at a time; times all rows of the block
 *     the sums of teams -> local memory; barrier; their totals and the epilogue */
#include "base/alloc.h"
#include "codegen/contract.h"
#include "codegen/layout.h"
#include "codegen/strategies.h"

enum { ROWS, TN, PARAM_COUNT };

static const sni_param params[PARAM_COUNT] = {
    [ROWS] = SNI_PARAM("rows", "of A that a work-group multiplies", 1, 2, 4),
    [TN] = SNI_PARAM("tn", "work-items side by side along the columns; the others share out k", 2, 4, 8, 16, 32, 64),
};

enum { ITEMS = 256, MOST_ROWS = 4, MOST_MATRIX_ROWS = 1, BLOCK = 4096, LONGEST_BLOCK = 1024, GUESS = 512 };

/* How the kernel reads B. */
typedef struct form {
    bool along_k; /* neighbouring work-items read along k, else along the columns */
    int lanes;    /* of one load: 4 or 1 */
    int columns;  /* of a work-item */
    int rows, tn, tk, block;
} form;

/* ---- Choosing ---- */

static double extent_of(const sni_loop *loop, uint32_t axes) {
    double size = 1;
    for (int a = 0; a < loop->axis_count; ++a)
        if (axes >> a & 1) size *= sni_sym_estimate(loop->sym, loop->extents[a], GUESS);
    return size;
}

/* Are the columns the few? */
static bool swapped(const sni_loop *loop) {
    return extent_of(loop, loop->axes_n) < extent_of(loop, loop->axes_m);
}

static form form_of(const sni_contract *c, int rows, int tn) {
    const sni_operand *b = &c->b_op;
    form f = {.along_k = b->along_k.unit, .rows = rows, .tn = tn, .tk = ITEMS / tn};
    f.lanes = (f.along_k ? b->along_k.aligned4 : b->along_outer.aligned4) ? 4 : 1;
    f.columns = f.along_k ? 2 : f.lanes;
    f.block = BLOCK / rows < LONGEST_BLOCK ? BLOCK / rows : LONGEST_BLOCK;
    return f;
}

static int memory_of(const form *f) {
    int parts = f->rows * ITEMS * f->columns, block = f->rows * f->block;
    return parts > block ? parts : block;
}

static int rows_for(double m) {
    int rows = 1;
    while (rows < m && rows < MOST_ROWS) rows *= 2;
    return rows;
}

/* Work-groups as wide as leaves four of them to a unit, and not narrower than a line of memory; along k as many work-items
 * as read some loads each. */
static int choose_tn(const sni_contract *c, const sni_caps *caps, int rows) {
    double n = extent_of(c->loop, c->n.axes), k = extent_of(c->loop, c->k.axes);
    double batch = extent_of(c->loop, c->b.axes) * extent_of(c->loop, c->m.axes) / rows;
    form f = form_of(c, rows, 8);
    int least = f.along_k ? 2 : f.lanes == 4 ? 8 : 32, tn = f.along_k ? 8 : 64;
    while (f.along_k && tn < 64 && k < 2.0 * f.lanes * (ITEMS / tn)) tn *= 2;
    while (tn > least && batch * n / (tn * f.columns) < 4.0 * caps->compute_units &&
           k >= 4.0 * f.lanes * (ITEMS / tn) * (f.along_k ? 2 : 1))
        tn /= 2;
    return tn;
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *schedule) {
    sni_contract c;
    sni_arena *arena = sni_arena_create();
    bool swap = swapped(loop);
    sni_schedule_fill(schedule, ROWS, rows_for(extent_of(loop, swap ? loop->axes_n : loop->axes_m)));
    if (arena != NULL && sni_contract_init(&c, loop, caps, arena, swap) == SINTER_OK)
        sni_schedule_fill(schedule, TN, choose_tn(&c, caps, schedule->values[ROWS]));
    sni_schedule_fill(schedule, TN, 8); /* memory is out, which generate will say */
    sni_arena_release(arena);
}

/* Is B read along a line of memory? */
static bool has_lines(const sni_loop *loop, const sni_caps *caps) {
    sni_contract c;
    sni_arena *arena = sni_arena_create();
    bool ok = arena != NULL && sni_contract_init(&c, loop, caps, arena, swapped(loop)) == SINTER_OK &&
              (c.b_op.along_k.unit || c.b_op.along_outer.unit);
    sni_arena_release(arena);
    return ok;
}

/* Would matrix units multiply it? Their tiles have 16 rows at least, which cost no more than two rows here (measured on H200). */
static bool is_for_matrix_units(const sni_loop *loop, const sni_caps *caps) {
    sinter_dtype a = loop->stmts[sni_contract_narrow(loop, loop->core_a)].dtype,
                 b = loop->stmts[sni_contract_narrow(loop, loop->core_b)].dtype;
    return a == b && (a == SINTER_F16 || a == SINTER_BF16) && caps->instructions != 0;
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    if (!sni_contract_accepts(loop, caps, why)) return false;
    if (caps->device_class != SNI_DEVICE_GPU && !caps->work_items_are_lanes)
        return sni_contract_refuse(why, "made for devices whose lanes are work-items");
    double m = extent_of(loop, loop->axes_m), n = extent_of(loop, loop->axes_n), few = m < n ? m : n;
    if (few > MOST_ROWS) return sni_contract_refuse(why, "neither rows nor columns are few");
    if (few > MOST_MATRIX_ROWS && is_for_matrix_units(loop, caps))
        return sni_contract_refuse(why, "so many rows are for matrix units");
    if (ITEMS > caps->max_work_group || ITEMS > caps->max_work_item[0])
        return sni_contract_refuse(why, "the device's work-groups are too small");
    int bytes = loop->stmts[loop->core].dtype == SINTER_F64 ? 8 : 4;
    if ((uint64_t)(BLOCK * bytes) > sni_contract_local_bytes(caps))
        return sni_contract_refuse(why, "the block does not fit the device's local memory");
    if (!has_lines(loop, caps)) return sni_contract_refuse(why, "the long operand is not read along lines of memory");
    return true;
}

/* ---- The kernel ---- */

static void print_head(sni_emitter *e, const sni_contract *c, const form *f) {
    sni_emit_line(e, "__local SN_GV_REAL memory[%d] __attribute__((aligned(32)));", memory_of(f));
    sni_emit_line(e, "const int item = (int)get_local_id(0);");
    if (f->along_k)
        sni_emit_line(e, "const int tk = item %% SN_GV_TK, tn = item / SN_GV_TK;");
    else
        sni_emit_line(e, "const int tn = item %% SN_GV_TN, tk = item / SN_GV_TN;");
    sni_emit_line(e, "const sn_idx col0 = (sn_idx)get_group_id(0) * (SN_GV_TN * SN_GV_COLUMNS);");
    sni_emit_line(e, "const sn_idx row0 = (sn_idx)get_group_id(1) * SN_GV_ROWS;");
    sni_emit_line(e, "const sn_idx bi = (sn_idx)get_group_id(2);");
    sni_contract_split(e, &c->b, false, "bi", true);
    sni_emit_line(e, "const sn_idx size_m = %s;", sni_contract_number(e, c->size_m));
    sni_emit_line(e, "const sn_idx size_n = %s;", sni_contract_number(e, c->size_n));
    sni_emit_line(e, "const sn_idx size_k = %s;", sni_contract_number(e, c->size_k));
    sni_emit_line(e, "SN_GV_REAL sums[SN_GV_ROWS][SN_GV_COLUMNS];");
    sni_emit_line(e, "#pragma unroll");
    sni_emit_line(e, "for (int r = 0; r < SN_GV_ROWS; ++r)");
    sni_emit_line(e, "#pragma unroll");
    sni_emit_line(e, "    for (int c = 0; c < SN_GV_COLUMNS; ++c) sums[r][c] = 0;");
}

/* The value of an operand at the variables outer and kx, in lanes along an axis (-1: one element). */
static const char *value_at(sni_emitter *e, const sni_contract *c, const sni_operand *op, int lane_axis,
                            const char *prefix) {
    sni_scope scope = {.lane_axis = lane_axis, .width = lane_axis >= 0 ? 4 : 1, .aligned = true, .prefix = prefix};
    sni_contract_split(e, &op->outer, op->along_outer.flat, "outer", true);
    sni_contract_split(e, &c->k, op->along_k.flat, "kx", true);
    sni_contract_name(e, &scope, &c->b, false, "bi");
    sni_contract_name(e, &scope, &op->outer, op->along_outer.flat, "outer");
    sni_contract_name(e, &scope, &c->k, op->along_k.flat, "kx");
    return sni_contract_value(e, c, op, &scope);
}

/* A's block; zeros behind its end, up to a whole vector, and in rows that are not there. */
static void print_block(sni_emitter *e, const sni_contract *c) {
    sni_emit_line(e, "const int count = (int)min((sn_idx)SN_GV_BLOCK, size_k - k0);");
    sni_emit_open(e, "for (int r = 0; r < SN_GV_ROWS; ++r)");
    sni_emit_line(e, "const sn_idx outer = row0 + r;");
    sni_emit_open(e, "for (int at = item; at < (count + 3) / 4 * 4; at += %d)", ITEMS);
    sni_emit_line(e, "const sn_idx kx = k0 + at;");
    sni_emit_line(e, "SN_GV_REAL a = 0;");
    sni_emit_open(e, "if (outer < size_m && kx < size_k)");
    sni_emit_line(e, "a = %s;", value_at(e, c, &c->a_op, -1, "pa"));
    sni_emit_close(e);
    sni_emit_line(e, "memory[r * SN_GV_BLOCK + at] = a;");
    sni_emit_close(e);
    sni_emit_close(e);
}

/* Loads along the columns: four k at a time, each in lanes along the columns. */
static void print_columns(sni_emitter *e, const sni_contract *c, const form *f) {
    const char *type = f->lanes == 4 ? "SN_GV_V4" : "SN_GV_REAL";
    sni_emit_line(e, "#pragma unroll 2");
    sni_emit_open(e, "for (int q = tk * 4; q < count; q += SN_GV_TK * 4)");
    sni_emit_line(e, "%s b[4];", type);
    sni_emit_line(e, "const sn_idx outer = col0 + tn * SN_GV_COLUMNS;");
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int j = 0; j < 4; ++j)");
    sni_emit_line(e, "const sn_idx kx = k0 + q + j;");
    sni_emit_line(e, "b[j] = 0;");
    sni_emit_open(e, "if (outer < size_n && kx < size_k)");
    sni_emit_line(e, "b[j] = %s;", value_at(e, c, &c->b_op, f->lanes == 4 ? c->n.last : -1, "pb"));
    sni_emit_close(e);
    sni_emit_close(e);
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int r = 0; r < SN_GV_ROWS; ++r)");
    sni_emit_line(e, "const SN_GV_V4 a = *(__local const SN_GV_V4 *)(memory + r * SN_GV_BLOCK + q);");
    for (int lane = 0; lane < f->lanes; ++lane)
        for (int j = 0; j < 4; ++j) {
            const char *of = f->lanes == 4 ? sni_emit_format(e, ".s%d", lane) : "";
            sni_emit_line(e, "sums[r][%d] = fma(a.s%d, b[%d]%s, sums[r][%d]);", lane, j, j, of, lane);
        }
    sni_emit_close(e);
    sni_emit_close(e);
}

/* Loads along k: some columns at a time, each in lanes along k. */
static void print_lines(sni_emitter *e, const sni_contract *c, const form *f) {
    const char *type = f->lanes == 4 ? "SN_GV_V4" : "SN_GV_REAL";
    sni_emit_line(e, "#pragma unroll %d", f->lanes == 4 ? 2 : 4);
    sni_emit_open(e, "for (int q = tk * %d; q < count; q += SN_GV_TK * %d)", f->lanes, f->lanes);
    sni_emit_line(e, "%s b[SN_GV_COLUMNS];", type);
    sni_emit_line(e, "const sn_idx kx = k0 + q;");
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int j = 0; j < SN_GV_COLUMNS; ++j)");
    sni_emit_line(e, "const sn_idx outer = col0 + tn * SN_GV_COLUMNS + j;");
    sni_emit_line(e, "b[j] = 0;");
    sni_emit_open(e, "if (outer < size_n)");
    sni_emit_line(e, "b[j] = %s;", value_at(e, c, &c->b_op, f->lanes == 4 ? c->k.last : -1, "pb"));
    sni_emit_close(e);
    sni_emit_close(e);
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int r = 0; r < SN_GV_ROWS; ++r)");
    sni_emit_line(e, "const %s a = *(__local const %s *)(memory + r * SN_GV_BLOCK + q);", type, type);
    sni_emit_line(e, "#pragma unroll");
    sni_emit_open(e, "for (int j = 0; j < SN_GV_COLUMNS; ++j)");
    for (int lane = 0; lane < f->lanes; ++lane) {
        const char *of = f->lanes == 4 ? sni_emit_format(e, ".s%d", lane) : "";
        sni_emit_line(e, "sums[r][j] = fma(a%s, b[j]%s, sums[r][j]);", of, of);
    }
    sni_emit_close(e);
    sni_emit_close(e);
    sni_emit_close(e);
}

static void print_product(sni_emitter *e, const sni_contract *c, const form *f) {
    sni_emit_open(e, "for (sn_idx k0 = 0; k0 < size_k; k0 += SN_GV_BLOCK)");
    print_block(e, c);
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    if (f->along_k)
        print_lines(e, c, f);
    else
        print_columns(e, c, f);
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_close(e);
}

static void print_totals(sni_emitter *e, const sni_contract *c) {
    sni_scope scope = {.lane_axis = -1, .width = 1, .prefix = "e"};
    sni_contract_name(e, &scope, &c->b, false, "bi");
    sni_contract_name(e, &scope, &c->m, c->epilogue_flat_m, "row");
    sni_contract_name(e, &scope, &c->n, c->along_n.flat, "col");
    sni_emit_line(e, "#pragma unroll");
    sni_emit_line(e, "for (int r = 0; r < SN_GV_ROWS; ++r)");
    sni_emit_line(e, "#pragma unroll");
    sni_emit_line(e, "    for (int c = 0; c < SN_GV_COLUMNS; ++c)");
    sni_emit_line(e, "        memory[(r * SN_GV_TK + tk) * SN_GV_WIDTH + tn * SN_GV_COLUMNS + c] = sums[r][c];");
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_open(e, "for (int at = item; at < SN_GV_ROWS * SN_GV_WIDTH; at += %d)", ITEMS);
    sni_emit_line(e, "const int r = at / SN_GV_WIDTH, c = at %% SN_GV_WIDTH;");
    sni_emit_line(e, "const sn_idx row = row0 + r, col = col0 + c;");
    sni_emit_open(e, "if (row < size_m && col < size_n)");
    sni_emit_line(e, "SN_GV_REAL acc = 0;");
    sni_emit_line(e, "for (int t = 0; t < SN_GV_TK; ++t) acc += memory[(r * SN_GV_TK + t) * SN_GV_WIDTH + c];");
    sni_contract_split(e, &c->m, c->epilogue_flat_m, "row", true);
    sni_contract_split(e, &c->n, c->along_n.flat, "col", true);
    sni_contract_epilogue(e, c, &scope, "acc");
    sni_emit_close(e);
    sni_emit_close(e);
}

/* ---- The strategy ---- */

static sinter_status finish(sni_emitter *e, const sni_contract *c, const form *f) {
    const char *attributes = sni_emit_format(e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", ITEMS);
    SNI_TRY(sni_emit_end(e, "gpu_gemv", attributes));
    sni_str head = SNI_STR_INIT;
    if (c->type == SNI_C_DOUBLE) sni_str_append(&head, "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n");
    sni_str_printf(&head, "#define SN_GV_REAL %s\n#define SN_GV_V4 %s\n", sni_ctype_name(c->type, 1),
                   sni_ctype_name(c->type, 4));
    sni_str_printf(&head, "#define SN_GV_ROWS %d\n", f->rows);
    sni_str_printf(&head, "#define SN_GV_TN %d\n#define SN_GV_TK %d\n#define SN_GV_BLOCK %d\n", f->tn, f->tk, f->block);
    sni_str_printf(&head, "#define SN_GV_COLUMNS %d\n#define SN_GV_WIDTH (SN_GV_TN * SN_GV_COLUMNS)\n", f->columns);
    return sni_emit_prepend(e, &head);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_contract c;
    SNI_TRY(sni_contract_init(&c, loop, caps, arena, swapped(loop)));
    const form f = form_of(&c, schedule->values[ROWS], schedule->values[TN]);
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    print_head(&e, &c, &f);
    print_product(&e, &c, &f);
    print_totals(&e, &c);
    sni_sym *sym = loop->sym;
    sni_expr groups = sni_sym_ceil_div(sym, c.size_n, sni_sym_const(sym, f.tn * f.columns));
    out_spec->dims = 3;
    out_spec->global[0] = sni_sym_mul_i(sym, groups, ITEMS);
    out_spec->global[1] = sni_sym_ceil_div(sym, c.size_m, sni_sym_const(sym, f.rows));
    out_spec->global[2] = c.size_b;
    out_spec->local[0] = ITEMS;
    out_spec->local[1] = out_spec->local[2] = 1;
    out_spec->strategy = "gpu_gemv";
    out_spec->notes = sni_emit_format(&e, "%d rows, %d x %d work-items along %s, loads of %d", f.rows, f.tn, f.tk,
                                      f.along_k ? "k" : "columns", f.lanes);
    return finish(&e, &c, &f);
}

const sni_strategy sni_strategy_gpu_gemv = {.name = "gpu_gemv",
                                            .params = params,
                                            .param_count = PARAM_COUNT,
                                            .accepts = accepts,
                                            .choose = choose,
                                            .generate = generate};
