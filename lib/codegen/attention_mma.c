/* The strategy gpu_attention_mma: gpu_attention with both products by a matrix instruction, for f16 and bf16.
 *
 *     q's tile becomes fragments in registers
 *     for every block of keys
 *         copy v's tile, meanwhile (where copies are asynchronous)
 *             scores; logits, weights and their totals; what has been summed is rescaled
 *         copy k's next tile, meanwhile
 *             sums
 *     the epilogue on every lane's sums
 *
 * Where rows are few, teams of one wave each take every so many-th block of keys, and put their sums together in a fixed order.
 *
 * Operands and weights are rounded to the dtype; what is between the products is f32. All of the depth is in one tile, so it
 * must be known and not large; gpu_attention does the rest. */
#include "codegen/attention_gpu.h"
#include "codegen/strategies.h"
#include "codegen/tile_load.h"

enum { ROW, ROWS, KEYS, COLUMNS, DEPTH, TEAMS, PARAM_COUNT };

/* The numbers of all rows, from 1 on. */
enum {
#define SNI_INSTRUCTION(name, ...) NUMBER_##name,
#include "../cl/gemm/instructions.inc"
};
static const int row_numbers[] = {
#define SNI_INSTRUCTION(name, ...) NUMBER_##name + 1,
#include "../cl/gemm/instructions.inc"
};

static const sni_param params[PARAM_COUNT] = {
    [ROW] = {"instruction", "row of cl/gemm/instructions.inc", row_numbers, sizeof row_numbers / sizeof *row_numbers},
    [ROWS] = SNI_PARAM("rows", "rows of a work-group", 16, 32, 64, 128),
    [KEYS] = SNI_PARAM("keys", "keys of a block", 32, 64, 128),
    [COLUMNS] = SNI_PARAM("columns", "columns of the result that a work-group computes", 32, 64, 128),
    [DEPTH] = SNI_PARAM("depth", "depth of the tiles of q and k, at least that of the program", 32, 64, 128),
    [TEAMS] = SNI_PARAM("teams", "waves that share the keys of the same rows", 1, 2, 3, 4, 6, 8, 12),
};

enum { GROUPS_PER_UNIT = 2, /* hide each other's latency */ ADDED_BYTES = 256 /* that drivers add for alignment */ };

/* ---- What an instruction makes of a block ----------------------------------------------------- */

/* How sums lie in lanes. */
typedef struct layout {
    int lanes;   /* neighbouring lanes that hold the same rows */
    int same;    /* neighbouring sums of a lane that are of one row */
    bool direct; /* fragments of A lie as the sums of K / N instructions do */
} layout;

static bool same_row(const sni_instruction *row, int lanes, int same) {
    for (int lane = 0; lane < row->lanes; ++lane)
        for (int i = 0; i < row->sums.count; ++i) {
            if (row->sums.outer(lane, i) != row->sums.outer(lane / lanes * lanes, i / same * same)) return false;
            if (row->sums.inner(lane, i) != row->sums.inner(lane, i % same)) return false;
        }
    return true;
}

static bool is_direct(const sni_instruction *row) {
    int sums = row->sums.count;
    if (row->a.count % sums != 0 || row->a.count / sums * row->n != row->k) return false;
    for (int lane = 0; lane < row->lanes; ++lane)
        for (int i = 0; i < row->a.count; ++i)
            if (row->a.outer(lane, i) != row->sums.outer(lane, i % sums) ||
                row->a.inner(lane, i) != i / sums * row->n + row->sums.inner(lane, i % sums))
                return false;
    return true;
}

/* false: the kernel cannot use the instruction. */
static bool layout_of(const sni_instruction *row, layout *out) {
    *out = (layout){.lanes = 1, .same = 1, .direct = is_direct(row)};
    while (out->same < row->sums.count && !same_row(row, 1, out->same)) out->same *= 2;
    if (!same_row(row, 1, out->same)) return false;
    while (out->lanes < row->lanes && same_row(row, 2 * out->lanes, out->same)) out->lanes *= 2;
    return out->lanes * out->same >= row->n;
}

typedef struct block {
    const sni_instruction *row;
    int rows, keys, columns, depth;
    int teams, items; /* items: of all teams */
    layout layout;
} block;

static block block_of(const sni_schedule *s) {
    const int *v = s->values;
    block b = {.row = sni_instruction_at(v[ROW] - 1),
               .rows = v[ROWS],
               .keys = v[KEYS],
               .columns = v[COLUMNS],
               .depth = v[DEPTH],
               .teams = v[TEAMS]};
    b.items = b.row != NULL ? b.rows / b.row->m * b.row->lanes * b.teams : 0;
    return b;
}

static uint64_t local_bytes(const block *b, const sni_caps *caps) {
    int qk = (b->rows > b->keys ? b->rows : b->keys) * b->depth, w = b->layout.direct ? 0 : b->rows * b->keys;
    uint64_t bytes = 2 * (uint64_t)(b->teams * (qk + b->keys * b->columns + w)) + ADDED_BYTES;
    if (b->teams > 1) bytes += 8 * (uint64_t)(b->teams * b->rows);
    if (b->row->needs != SNI_NEEDS_PTX || caps->emulate_instructions)
        bytes += 4 * (uint64_t)(b->rows * (b->layout.lanes + 2));
    if (caps->emulate_instructions) bytes += 4 * (uint64_t)(b->rows / b->row->m * (b->row->m + b->row->n) * b->row->k);
    return bytes;
}

static bool shuffles(const sni_instruction *row, const sni_caps *caps) {
    return row->needs == SNI_NEEDS_PTX && !caps->emulate_instructions;
}

/* A team is a wave, which waits for nobody until all are put together. Its tiles hold its sums then. */
static bool teams_fit(const block *b, const sni_caps *caps) {
    return b->teams == 1 || (b->rows == b->row->m && shuffles(b->row, caps) && 2 * b->rows <= b->keys);
}

static bool block_fits(block *b, const sni_caps *caps, sinter_dtype dtype, sni_str *why) {
    const sni_instruction *row = b->row;
    if (row == NULL || row->use != SNI_USE_DEFAULT || row->dtype != dtype || sinter_dtype_size(dtype) != 2 ||
        (caps->instructions >> (int)(row - sni_instruction_at(0)) & 1) == 0 || !layout_of(row, &b->layout))
        return sni_contract_refuse(why, "the instruction is not there, or not for this dtype");
    if (b->rows % row->m != 0 || b->keys % (2 * row->n) != 0 || b->columns % (2 * row->n) != 0 ||
        b->keys % row->k != 0 || b->depth % row->k != 0)
        return sni_contract_refuse(why, "the instruction does not fill the block");
    if (!teams_fit(b, caps)) return sni_contract_refuse(why, "teams are waves that shuffle, and wait for themselves");
    /* Words of a lane: scores, sums and q's fragments. */
    int words = row->m * (b->keys + b->columns) / row->lanes + b->depth / row->k * row->a.count / 2;
    if (words > row->most_words) return sni_contract_refuse(why, "the block does not fit in registers");
    uint64_t most = sni_contract_local_bytes(caps);
    if (caps->static_local_bytes > most) most = caps->static_local_bytes;
    if (local_bytes(b, caps) > most) return sni_contract_refuse(why, "the block does not fit in local memory");
    return sni_work_group_fits(caps, b->items, why) && (uint32_t)b->items <= caps->max_work_item[0];
}

/* ---- Choosing --------------------------------------------------------------------------------- */

static int64_t known(const sni_loop *loop, uint32_t axes, int64_t otherwise) {
    int64_t value = otherwise;
    sni_sym_is_const(loop->sym, sni_extent_product(loop, axes), &value);
    return value;
}

static int class_of(int64_t size, int least, int most) {
    int class = least;
    while (class < size && class < most) class *= 2;
    return class;
}

/* Of known sizes the most rows that give the device work-groups enough; of others 64. The first instruction that fits. */
static bool find(const sni_loop *loop, const sni_caps *caps, sni_schedule *out) {
    static const int heights[] = {64, 32, 16}, widths[] = {64, 32};
    sni_attention a;
    if (!sni_attention_of(loop, &a, NULL)) return false;
    sinter_dtype dtype = sni_attention_dtype(&a);
    int64_t all = known(loop, a.rows | a.batch, INT64_MAX), depth = known(loop, a.depth, INT64_MAX);
    bool found = false;
    if (dtype == SINTER_DTYPE_NONE || depth > 128) return false;
    const sni_schedule open = *out;
    for (int h = 0; h < 3; ++h)
        for (int i = 0; i < sni_instruction_count() * 2; ++i) {
            sni_schedule with = open;
            int least = 2 * sni_instruction_at(i / 2)->n > 32 ? 64 : 32;
            const int values[PARAM_COUNT] = {i / 2 + 1,
                                             heights[h],
                                             widths[i % 2],
                                             class_of(known(loop, a.columns, 64), least, 128),
                                             class_of(depth, 32, 128),
                                             1};
            for (int p = 0; p < PARAM_COUNT; ++p) sni_schedule_fill(&with, p, values[p]);
            block b = block_of(&with);
            if (!block_fits(&b, caps, dtype, NULL)) continue;
            *out = with;
            found = true;
            if (all == INT64_MAX || all / b.rows >= (int64_t)caps->compute_units * GROUPS_PER_UNIT) return true;
            break;
        }
    return found;
}

enum {
    LEAST_BLOCKS = 4 /* of a team */,
    MOST_WAVES = 16 /* of a unit */,
    LONG = 4096 /* keys of a number that is not known */
};

/* Where work-groups are fewer than the device's units, as when a single query has many keys: fewer columns for each, which reads
 * k again from a cache, and more teams, with as small blocks as leave each some. */
static void add_teams(const sni_loop *loop, const sni_caps *caps, const sni_schedule *open, sni_schedule *s) {
    sni_attention a;
    if (open->values[TEAMS] != 0 || !sni_attention_of(loop, &a, NULL)) return;
    const block b = block_of(s);
    int64_t rows = known(loop, a.rows, INT64_MAX), batch = known(loop, a.batch, INT64_MAX), units = caps->compute_units;
    int64_t keys = known(loop, 1u << a.key_axis, LONG), columns = known(loop, a.columns, b.columns);
    if (rows > units * b.rows || batch > units) return;
    int64_t groups = (rows + b.rows - 1) / b.rows * batch * ((columns + b.columns - 1) / b.columns);
    sni_schedule with = *s;
    for (; groups * 2 <= units && with.values[COLUMNS] > 32 && open->values[COLUMNS] == 0; groups *= 2)
        with.values[COLUMNS] /= 2;
    if (open->values[KEYS] == 0) with.values[KEYS] = 32;
    for (int i = params[TEAMS].count - 1; i > 0; --i) {
        with.values[TEAMS] = params[TEAMS].legal[i];
        block more = block_of(&with);
        if (keys < (int64_t)LEAST_BLOCKS * more.keys * more.teams || groups * more.teams > units * MOST_WAVES) continue;
        if (!block_fits(&more, caps, sni_attention_dtype(&a), NULL)) continue;
        *s = with;
        return;
    }
}

static void choose(const sni_loop *loop, const sni_caps *caps, sni_schedule *s) {
    static const int least[PARAM_COUNT] = {1, 16, 32, 32, 32, 1};
    sni_schedule found = *s;
    if (find(loop, caps, &found)) {
        add_teams(loop, caps, s, &found);
        *s = found;
    }
    for (int p = 0; p < PARAM_COUNT; ++p) sni_schedule_fill(s, p, least[p]);
}

static bool fits(const sni_loop *loop, const sni_caps *caps, const sni_schedule *s, sni_str *why) {
    sni_attention a;
    block b = block_of(s);
    if (!sni_attention_of(loop, &a, why)) return false;
    if (known(loop, a.depth, INT64_MAX) > b.depth)
        return sni_contract_refuse(why, "the depth is not known to fit in a tile");
    return block_fits(&b, caps, sni_attention_dtype(&a), why);
}

static bool accepts(const sni_loop *loop, const sni_caps *caps, sni_str *why) {
    sni_attention a;
    sni_schedule any = {0};
    if (caps->instructions == 0) return sni_contract_refuse(why, "the device has no matrix instruction that is known");
    if (!sni_attention_of(loop, &a, why)) return false;
    if (!find(loop, caps, &any))
        return sni_contract_refuse(why, "no matrix instruction of the device suits the dtype and the depth");
    /* Most of a tile would be empty, and weights keep all of their bits elsewhere. */
    int64_t keys;
    if (sni_sym_is_const(loop->sym, loop->extents[a.key_axis], &keys) &&
        keys < sni_instruction_at(any.values[ROW] - 1)->k)
        return sni_contract_refuse(why, "there are fewer keys than one matrix instruction takes");
    return true;
}

/* ---- Loading a tile --------------------------------------------------------------------------- */

typedef struct tile {
    const sni_contract *c;
    sni_tile_side side;                        /* name: 'Q', 'K' or 'V' */
    const char *to, *count, *k_first, *size_k; /* count: elements of the tile */
} tile;

/* The coordinates of an element, from the variables outer and kx. */
static sni_scope scope_at(sni_emitter *e, const tile *t) {
    const sni_operand *op = t->side.op;
    sni_scope scope = {.lane_axis = -1,
                       .width = 1,
                       .prefix = t->side.name == 'Q'   ? "q"
                                 : t->side.name == 'K' ? "k"
                                                       : "v"};
    sni_contract_split(e, &op->outer, op->along_outer.flat, "outer", true);
    sni_contract_split(e, &t->c->k, op->along_k.flat, "kx", true);
    sni_contract_name(e, &scope, &t->c->b, false, "bi");
    sni_contract_name(e, &scope, &op->outer, op->along_outer.flat, "outer");
    sni_contract_name(e, &scope, &t->c->k, op->along_k.flat, "kx");
    return scope;
}

static const char *offset_of(sni_emitter *e, const tile *t, const sni_scope *scope) {
    return sni_emit_index_text(e, scope, t->c->loop->stmts[t->side.op->stmt].offset, 0);
}

static const char *buffer_of(sni_emitter *e, const tile *t) {
    return sni_emit_buffer(e, t->c->loop->stmts[t->side.op->stmt].buffer);
}

/* A chunk at once: copied without registers, or loaded, as it is or through the prologue. */
static void print_whole(sni_emitter *e, const tile *t) {
    if (t->side.async) {
        sni_emit_line(e, "const int inside = outer < %s && kx < %s;", t->side.size, t->size_k);
        sni_scope scope = scope_at(e, t);
        sni_emit_line(e, "const sn_idx offset = inside ? %s : 0;", offset_of(e, t, &scope));
        sni_emit_line(e, "SN_MMA_COPY(SN_MMA_%c_TO(%s, x), %s + offset, inside)", t->side.name, t->to, buffer_of(e, t));
        return;
    }
    sni_emit_line(e, "uint4 chunk = (uint4)(0);");
    sni_emit_open(e, "if (outer < %s && kx < %s)", t->side.size, t->size_k);
    sni_scope scope = scope_at(e, t);
    if (t->side.direct) {
        sni_emit_line(e, "chunk = *(__global const uint4 *)(%s + %s);", buffer_of(e, t), offset_of(e, t, &scope));
    } else {
        scope.lane_axis = t->side.along_k ? t->c->k.last : t->side.op->outer.last;
        scope.width = 8;
        scope.aligned = true;
        sni_emit_line(e, "chunk = SN_MMA_PACK(%s);", sni_contract_value(e, t->c, t->side.op, &scope));
    }
    sni_emit_close(e);
    sni_emit_line(e, "SN_MMA_PUT(%c, %s, x, chunk)", t->side.name, t->to);
}

static void print_elements(sni_emitter *e, const tile *t) {
    const char *by_outer = t->side.along_k ? "" : " + e", *by_k = t->side.along_k ? " + e" : "";
    sni_emit_line(e, "const sn_idx outer_0 = outer, kx_0 = kx;");
    sni_emit_line(e, "uint words[4] = {0, 0, 0, 0};");
    sni_emit_line(e, "SN_MMA_UNROLL");
    sni_emit_open(e, "for (int e = 0; e < SN_MMA_V; ++e)");
    sni_emit_line(e, "const sn_idx outer = outer_0%s, kx = kx_0%s;", by_outer, by_k);
    sni_emit_open(e, "if (outer < %s && kx < %s)", t->side.size, t->size_k);
    sni_scope scope = scope_at(e, t);
    sni_emit_line(e, "words[e / 2] |= SN_MMA_BITS(%s) << e %% 2 * 16;",
                  sni_contract_value(e, t->c, t->side.op, &scope));
    sni_emit_close(e);
    sni_emit_close(e);
    sni_emit_line(e, "SN_MMA_PUT(%c, %s, x, ((uint4)(words[0], words[1], words[2], words[3])))", t->side.name, t->to);
}

static void print_load(sni_emitter *e, const tile *t) {
    sni_sym *sym = t->c->loop->sym;
    bool always = sni_sym_is(sym, t->side.whole, 1), never = sni_sym_is(sym, t->side.whole, 0);
    sni_emit_line(e, "SN_MMA_UNROLL");
    sni_emit_open(e, "for (int i = 0; i < SN_ATT_CHUNKS(%s); ++i)", t->count);
    sni_emit_line(e, "const int x = (int)item + i * SN_MMA_ITEMS;");
    sni_emit_line(e, "if (!SN_ATT_HAS(%s, x)) break;", t->count);
    sni_emit_line(e, "const sn_idx outer = %s + SN_MMA_%c_OUTER(x), kx = %s + SN_MMA_%c_K(x);", t->side.first,
                  t->side.name, t->k_first, t->side.name);
    if (!always && !never) sni_emit_open(e, "if (%s)", sni_contract_number(e, t->side.whole));
    if (!never) print_whole(e, t);
    if (!always && !never) {
        sni_emit_close(e);
        sni_emit_open(e, "else");
    }
    if (!always) print_elements(e, t);
    if (!always && !never) sni_emit_close(e);
    sni_emit_close(e);
    if (t->side.async) sni_emit_line(e, "SN_MMA_COMMIT");
}

/* ---- The kernel ------------------------------------------------------------------------------- */

typedef struct tiles {
    tile q, k, v;
} tiles;

static tile tile_of(const sni_contract *c, const sni_tile_core *core, const sni_operand *op, char name) {
    tile t = {.c = c, .side = sni_tile_side_of(c, core, op, 'B')};
    t.side.name = name;
    return t;
}

static tiles tiles_of(const sni_attention_kernel *k, const sni_instruction *row) {
    bool emulate = k->e->caps->emulate_instructions;
    sni_tile_core core = {.row = row, .emulate = emulate, .async = row->needs == SNI_NEEDS_PTX && !emulate};
    tiles t = {tile_of(&k->scores, &core, &k->scores.a_op, 'Q'), tile_of(&k->scores, &core, &k->scores.b_op, 'K'),
               tile_of(&k->result, &core, &k->result.b_op, 'V')};
    t.q.side.first = "row0", t.q.side.size = "size_m", t.q.k_first = "0", t.q.size_k = "size_depth";
    t.k.side.first = "key0", t.k.side.size = "size_keys", t.k.k_first = "0", t.k.size_k = "size_depth";
    t.v.side.first = "col0", t.v.side.size = "size_n", t.v.k_first = "key0", t.v.size_k = "size_keys";
    t.q.to = t.k.to = "k_tile", t.v.to = "v_tile";
    t.q.count = "SN_ATT_Q_TILE", t.k.count = "SN_ATT_K_TILE", t.v.count = "SN_ATT_V_TILE";
    return t;
}

/* Row blocks are taken from the last on where blocks are left out, because later rows have more keys. */
static void print_head(const sni_attention_kernel *k, bool last_first) {
    sni_emitter *e = k->e;
    sni_emit_line(e, "__local uint4 memory[SN_ATT_TEAMS * SN_ATT_MEMORY] __attribute__((aligned(128)));");
    sni_emit_line(e, "SN_MMA_LOCALS");
    sni_emit_line(e, "SN_ATT_LOCALS");
    sni_emit_line(e, "SN_ATT_ITEM");
    sni_emit_line(e, "__local SN_MMA_E *const k_tile = (__local SN_MMA_E *)(memory + team * SN_ATT_MEMORY);");
    sni_emit_line(e, "__local SN_MMA_E *const v_tile = k_tile + SN_ATT_QK_TILE;");
    sni_emit_line(e, "__local SN_MMA_E *const w_tile = v_tile + SN_ATT_V_TILE;");
    sni_emit_line(e, "const sn_idx col0 = (sn_idx)get_group_id(0) * SN_ATT_COLUMNS;");
    sni_emit_line(e, "const sn_idx row0 = (sn_idx)%s * SN_ATT_ROWS;",
                  last_first ? "(get_num_groups(1) - 1 - get_group_id(1))" : "get_group_id(1)");
    sni_emit_line(e, "const sn_idx bi = (sn_idx)get_group_id(2);");
    sni_contract_split(e, &k->result.b, false, "bi", true);
    sni_emit_line(e, "const sn_idx size_m = %s, size_n = %s;", sni_contract_number(e, k->result.size_m),
                  sni_contract_number(e, k->result.size_n));
    sni_emit_line(e, "const sn_idx size_keys = %s, size_depth = %s;", sni_contract_number(e, k->result.size_k),
                  sni_contract_number(e, k->scores.size_k));
    sni_emit_line(e, "float best[SN_ATT_TM], most[SN_ATT_TM], total[SN_ATT_TM];");
    sni_emit_line(e,
                  "float scores[SN_ATT_KEYS / SN_MMA_N][SN_MMA_SUMS], sums[SN_ATT_COLUMNS / SN_MMA_N][SN_MMA_SUMS];");
    sni_emit_line(e, "uint q_words[SN_ATT_DEPTH / SN_MMA_K][SN_MMA_A_WORDS];");
    sni_emit_open(e, "SN_ATT_EACH(i, SN_ATT_TM)");
    sni_emit_line(e, "best[i] = -INFINITY;");
    sni_emit_line(e, "total[i] = 0;");
    sni_emit_close(e);
    sni_emit_line(e, "SN_ATT_CLEAR(sums, SN_ATT_COLUMNS / SN_MMA_N)");
}

static void wait(sni_emitter *e, bool copies) {
    if (copies) sni_emit_line(e, "SN_MMA_WAIT(0)");
    sni_emit_line(e, "SN_ATT_BARRIER");
}

/* Starts to load k's tile of the first block from `first` on that is not masked; key_next says which that is. Teams have
 * neighbouring blocks, which count as one. */
static void print_next(const sni_attention_kernel *k, const tiles *t, const char *first, const char *masked) {
    sni_emitter *e = k->e;
    sni_emit_open(e, "%s", "");
    sni_emit_line(e, "sn_idx key0 = %s;", first);
    if (masked != NULL) {
        sni_emit_open(e, "for (; key0 < size_keys; key0 += SN_ATT_TEAMS * SN_ATT_KEYS)");
        sni_emit_line(e, "const sn_idx key_high = min(key0 + SN_ATT_TEAMS * SN_ATT_KEYS, size_keys) - 1;");
        sni_emit_line(e, "if (!(%s)) break;", masked);
        sni_emit_close(e);
    }
    sni_emit_line(e, "key_next = key0;");
    sni_emit_line(e, "key0 += (sn_idx)team * SN_ATT_KEYS;");
    sni_emit_open(e, "if (key_next < size_keys)");
    print_load(e, &t->k);
    sni_emit_close(e);
    sni_emit_close(e);
}

/* v's tile travels while scores become weights, and k's next one while these multiply v. */
static void print_block(const sni_attention_kernel *k, const tiles *t, const char *masked) {
    sni_emitter *e = k->e;
    sni_emit_line(e, "const sn_idx key0 = key_next + (sn_idx)team * SN_ATT_KEYS;");
    wait(e, t->k.side.async);
    print_load(e, &t->v);
    sni_emit_line(e, "SN_ATT_CLEAR(scores, SN_ATT_KEYS / SN_MMA_N)");
    sni_emit_line(e, "SN_ATT_MULTIPLY_QK(k_tile)");
    sni_attention_print_rows(k);
    wait(e, t->v.side.async);
    print_next(k, t, "key_next + SN_ATT_TEAMS * SN_ATT_KEYS", masked);
    sni_emit_line(e, "SN_ATT_MULTIPLY_WV(v_tile)");
}

static void print_kernel(const sni_attention_kernel *k, const tiles *t) {
    sni_emitter *e = k->e;
    static const char *const row[2] = {"row0", "row_high"}, *const key[2] = {"key0", "key_high"};
    const char *masked = sni_attention_masked(e, k->a, row, key);
    print_head(k, masked != NULL);
    print_load(e, &t->q);
    wait(e, t->q.side.async);
    sni_emit_line(e, "SN_ATT_READ_Q(k_tile)");
    sni_emit_line(e, "SN_ATT_BARRIER");
    sni_emit_line(e, "sn_idx key_next = 0;");
    if (masked != NULL) sni_emit_line(e, "const sn_idx row_high = min(row0 + SN_ATT_ROWS, size_m) - 1;");
    print_next(k, t, "0", masked);
    sni_emit_open(e, "while (key_next < size_keys)");
    print_block(k, t, masked);
    sni_emit_close(e);
    sni_emit_line(e, "SN_ATT_OVER_LANES(total, SN_ATT_ADD)");
    sni_emit_line(e, "SN_ATT_JOIN_TEAMS");
    sni_attention_print_epilogue(k);
}

static sinter_status finish(sni_emitter *e, const block *b, const tiles *t) {
    bool emulate = e->caps->emulate_instructions;
    const char *entry = sni_emit_format(e, "gpu_attention_%s%s", b->row->name, emulate ? "_emulated" : "");
    SNI_TRY(sni_emit_end(e, entry, sni_emit_format(e, "__attribute__((reqd_work_group_size(%d, 1, 1)))", b->items)));
    sni_str head = SNI_STR_INIT;
    sni_str_append(&head, "#include \"common/types.cl\"\n#include \"common/memory.cl\"\n");
    sni_str_printf(
        &head, "#define SN_ATT_ROWS %d\n#define SN_ATT_KEYS %d\n#define SN_ATT_COLUMNS %d\n#define SN_ATT_DEPTH %d\n",
        b->rows, b->keys, b->columns, b->depth);
    sni_str_printf(
        &head,
        "#define SN_ATT_LANES %d\n#define SN_ATT_SAME %d\n#define SN_ATT_DIRECT %d\n#define SN_ATT_SHUFFLED %d\n",
        b->layout.lanes, b->layout.same, b->layout.direct, shuffles(b->row, e->caps) ? b->layout.lanes : 1);
    sni_str_printf(&head, "#define SN_ATT_TEAMS %d\n", b->teams);
    sni_str_printf(&head, "#define SN_MMA_Q_ALONG_K %d\n#define SN_MMA_K_ALONG_K %d\n#define SN_MMA_V_ALONG_K %d\n",
                   t->q.side.along_k, t->k.side.along_k, t->v.side.along_k);
    sni_instruction_print(b->row, emulate, &head);
    sni_str_append(&head, "#include \"attention/gpu_attention_mma.cl\"\n");
    return sni_emit_prepend(e, &head);
}

static sinter_status generate(const sni_loop *loop, const sni_caps *caps, const sni_schedule *schedule,
                              sni_arena *arena, sni_kspec *out_spec) {
    sni_emitter e;
    sni_attention a;
    if (!sni_attention_of(loop, &a, NULL)) return sni_fail(SINTER_INTERNAL, "gpu_attention_mma: not attention");
    block b = block_of(schedule);
    if (b.row == NULL || !layout_of(b.row, &b.layout))
        return sni_fail(SINTER_INTERNAL, "gpu_attention_mma: no instruction");
    sni_attention_kernel k = {.e = &e, .a = &a, .matrix = true};
    SNI_TRY(sni_contract_init(&k.scores, &a.scores, caps, arena, false));
    SNI_TRY(sni_contract_init(&k.result, &a.result, caps, arena, false));
    if (k.result.b.axes != a.batch || k.scores.b.axes != a.batch)
        return sni_fail(SINTER_UNSUPPORTED, "the columns do not lie together");
    SNI_TRY(sni_emit_begin(&e, loop, caps, arena, out_spec));
    const tiles t = tiles_of(&k, b.row);
    print_kernel(&k, &t);
    sni_sym *sym = loop->sym;
    out_spec->dims = 3;
    out_spec->global[0] =
        sni_sym_mul_i(sym, sni_sym_ceil_div(sym, k.result.size_n, sni_sym_const(sym, b.columns)), b.items);
    out_spec->global[1] = sni_sym_ceil_div(sym, k.result.size_m, sni_sym_const(sym, b.rows));
    out_spec->global[2] = k.result.size_b;
    out_spec->local[0] = (size_t)b.items;
    out_spec->local[1] = out_spec->local[2] = 1;
    const char *teams = b.teams > 1 ? sni_emit_format(&e, ", keys in %d parts", b.teams) : "";
    out_spec->notes = sni_emit_format(&e, "%s%s, blocks of %d rows and %d keys, %d columns%s", b.row->name,
                                      caps->emulate_instructions ? " emulated" : "", b.rows, b.keys, b.columns, teams);
    return finish(&e, &b, &t);
}

const sni_strategy sni_strategy_gpu_attention_mma = {
    .name = "gpu_attention_mma",
    .params = params,
    .param_count = PARAM_COUNT,
    .accepts = accepts,
    .choose = choose,
    .fits = fits,
    .generate = generate,
    .nests = true,
};
