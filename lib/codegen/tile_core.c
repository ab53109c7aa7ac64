/* Printing a tile core: definitions, the loop over k, the epilogue. Loading tiles is in tile_load.c. */
#include "codegen/tile_load.h"

/* ---- Sizes ---- */

int sni_tile_items(const sni_instruction *row, const sni_tile *tile) {
    return tile->bm / tile->wm * (tile->bn / tile->wn) * row->lanes;
}

/* ldmatrix brings two instructions' columns at a time. */
static int least_columns(const sni_instruction *row) {
    return row->needs == SNI_NEEDS_PTX ? 2 * row->n : row->n;
}

/* Words of a lane: its sums, and the chunks of the next tile where they pass through registers. */
static int words_of(const sni_instruction *row, const sni_tile *tile, bool chunks) {
    int sums = tile->wm * tile->wn / row->lanes;
    return sums + (chunks ? (tile->bm + tile->bn) * tile->line_bytes / 4 / sni_tile_items(row, tile) : 0);
}

static bool fills(const sni_instruction *row, const sni_tile *tile, int element_bytes) {
    int bk = tile->line_bytes / element_bytes;
    return tile->bm % tile->wm == 0 && tile->bn % tile->wn == 0 && tile->wm % row->m == 0 &&
           tile->wn % least_columns(row) == 0 && bk % row->k == 0 && row->m * tile->wn / 4 % row->lanes == 0;
}

static bool copies_async(const sni_instruction *row, const sni_caps *caps) {
    return row->needs == SNI_NEEDS_PTX && !caps->emulate_instructions;
}

static int stages_of(const sni_instruction *row, const sni_tile *tile, const sni_caps *caps) {
    return copies_async(row, caps) ? tile->stages : 2;
}

/* Drivers add a little to what a kernel declares, for its alignment. */
enum { ADDED_BYTES = 256 };

static uint64_t local_bytes_of(const sni_caps *caps) {
    uint64_t declared = caps->static_local_bytes, asked = sni_contract_local_bytes(caps);
    return declared > asked ? declared : asked;
}

bool sni_tile_fits(const sni_instruction *row, const sni_tile *tile, const sni_caps *caps, bool plain) {
    int element_bytes = (int)sinter_dtype_size(row->dtype), items = sni_tile_items(row, tile);
    if (!fills(row, tile, element_bytes)) return false;
    if (words_of(row, tile, !plain || !copies_async(row, caps)) > row->most_words) return false;
    uint64_t ring = (uint64_t)stages_of(row, tile, caps) * (uint64_t)(tile->bm + tile->bn) * (uint64_t)tile->line_bytes;
    uint64_t slabs = (uint64_t)(items / row->lanes) * (uint64_t)row->m * (uint64_t)(tile->wn + 4) * 4;
    uint64_t bytes = ring > slabs ? ring : slabs;
    if (caps->emulate_instructions)
        bytes += (uint64_t)(items / row->lanes) * (uint64_t)(row->m + row->n) * (uint64_t)row->k * 4;
    return bytes + ADDED_BYTES <= local_bytes_of(caps) && (uint32_t)items <= caps->max_work_group &&
           (uint32_t)items <= caps->max_work_item[0];
}

void sni_tile_core_init(sni_tile_core *core, const sni_contract *c, const sni_instruction *row, const sni_tile *tile) {
    *core = (sni_tile_core){.row = row, .tile = tile, .emulate = c->caps->emulate_instructions};
    core->async = copies_async(row, c->caps);
    core->bk = tile->line_bytes / (int)sinter_dtype_size(row->dtype);
    core->sides[0] = sni_tile_side_of(c, core, &c->a_op, 'A');
    core->sides[1] = sni_tile_side_of(c, core, &c->b_op, 'B');
}

/* ---- The loop over k ---- */

void sni_tile_print_head(sni_emitter *e, const sni_contract *c, const sni_tile_core *core) {
    sni_emit_line(e, "__local uint4 memory[SN_MMA_CHUNKS] __attribute__((aligned(128)));");
    sni_emit_line(e, "SN_MMA_LOCALS");
    sni_emit_line(e, "__local SN_MMA_E *const a_tiles = (__local SN_MMA_E *)memory;");
    sni_emit_line(e, "__local SN_MMA_E *const b_tiles = a_tiles + SN_MMA_STAGES * SN_MMA_A_TILE;");
    sni_emit_line(e,
                  "const uint item = (uint)get_local_id(0), wave = item / SN_MMA_LANES, lane = item %% SN_MMA_LANES;");
    sni_emit_line(e, "const uint wave_row = wave / SN_MMA_WAVES_N * SN_MMA_WM;");
    sni_emit_line(e, "const uint wave_col = wave %% SN_MMA_WAVES_N * SN_MMA_WN;");
    sni_emit_line(e, "SN_MMA_TILES");
    sni_emit_line(e, "const sn_idx bi = (sn_idx)get_group_id(2);");
    sni_contract_split(e, &c->b, false, "bi", true);
    sni_emit_line(e, "const sn_idx size_m = %s;", sni_contract_number(e, c->size_m));
    sni_emit_line(e, "const sn_idx size_n = %s;", sni_contract_number(e, c->size_n));
    sni_emit_line(e, "const sn_idx size_k = %s;", sni_contract_number(e, c->size_k));
    for (int s = 0; s < 2; ++s)
        if (!core->sides[s].async)
            sni_emit_line(e, "uint4 next_%c[SN_MMA_%c_CHUNKS];", core->sides[s].name, core->sides[s].name);
    for (int s = 0; s < 2; ++s) sni_tile_print_places(e, c, core, &core->sides[s]);
    sni_emit_line(e, "SN_MMA_SUM sums[SN_MMA_MI][SN_MMA_NI][SN_MMA_SUMS];");
    sni_emit_line(e, "SN_MMA_UNROLL for (int i = 0; i < SN_MMA_MI; ++i)");
    sni_emit_line(e, "    SN_MMA_UNROLL for (int j = 0; j < SN_MMA_NI; ++j)");
    sni_emit_line(e, "        SN_MMA_UNROLL for (int r = 0; r < SN_MMA_SUMS; ++r) sums[i][j][r] = 0;");
}

static bool any_async(const sni_tile_core *core) {
    return core->sides[0].async || core->sides[1].async;
}

static bool any_register(const sni_tile_core *core) {
    return !core->sides[0].async || !core->sides[1].async;
}

static void print_copies(sni_emitter *e, const sni_contract *c, const sni_tile_core *core) {
    sni_emit_open(e, "if (k_first < size_k)");
    for (int s = 0; s < 2; ++s)
        if (core->sides[s].async) sni_tile_print_copy(e, c, core, &core->sides[s]);
    sni_emit_close(e);
    sni_emit_line(e, "SN_MMA_COMMIT");
}

/* Asynchronous copies run SN_MMA_STAGES - 1 tiles ahead of what is multiplied. */
static void print_first(sni_emitter *e, const sni_contract *c, const sni_tile_core *core) {
    if (!any_async(core)) return;
    sni_emit_open(e, "for (int ahead = 0; ahead < SN_MMA_STAGES - 1; ++ahead)");
    sni_emit_line(e, "const sn_idx k_first = ahead * SN_MMA_BK;");
    print_copies(e, c, core);
    sni_emit_close(e);
}

static void print_ahead(sni_emitter *e, const sni_contract *c, const sni_tile_core *core) {
    if (!any_async(core)) return;
    if (any_register(core)) sni_emit_open(e, "if (kb >= 0)");
    sni_emit_line(e, "const sn_idx k_first = kb + (SN_MMA_STAGES - 1) * SN_MMA_BK;");
    sni_emit_line(e, "const int ahead = now == 0 ? SN_MMA_STAGES - 1 : now - 1;");
    print_copies(e, c, core);
    if (any_register(core)) sni_emit_close(e);
}

/* Registers hold the tile after the one that is multiplied, and are put into its place behind it. */
static void print_next(sni_emitter *e, const sni_contract *c, const sni_tile_core *core) {
    if (!any_register(core)) return;
    sni_emit_line(e, "const int has_next = kb + SN_MMA_BK < size_k;");
    sni_emit_open(e, "if (has_next)");
    sni_emit_line(e, "const sn_idx k_first = kb + SN_MMA_BK;");
    for (int s = 0; s < 2; ++s)
        if (!core->sides[s].async) sni_tile_print_fetch(e, c, core, &core->sides[s]);
    sni_emit_close(e);
}

static void print_put(sni_emitter *e, const sni_tile_core *core) {
    if (!any_register(core)) return;
    sni_emit_open(e, "if (has_next)");
    sni_emit_line(e, "const int behind = now == SN_MMA_STAGES - 1 ? 0 : now + 1;");
    for (int s = 0; s < 2; ++s) {
        const char *a = core->sides[s].name == 'A' ? "a" : "b";
        if (!core->sides[s].async)
            sni_emit_line(e, "SN_MMA_PUT_ALL(%c, %s_tiles + behind * SN_MMA_%c_TILE, next_%c)", core->sides[s].name, a,
                          core->sides[s].name, core->sides[s].name);
    }
    sni_emit_close(e);
}

/* Where registers take part, a round before the first one only loads. */
void sni_tile_print_product(sni_emitter *e, const sni_contract *c, const sni_tile_core *core) {
    bool early = any_register(core);
    print_first(e, c, core);
    sni_emit_line(e, "int now = %s;", early ? "SN_MMA_STAGES - 1" : "0");
    sni_emit_open(e, "for (sn_idx kb = %s; kb < size_k; kb += SN_MMA_BK)", early ? "-SN_MMA_BK" : "0");
    if (any_async(core)) sni_emit_line(e, "%sSN_MMA_WAIT(SN_MMA_STAGES - 2)", early ? "if (kb >= 0) " : "");
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    print_ahead(e, c, core);
    print_next(e, c, core);
    if (early) sni_emit_open(e, "if (kb >= 0)");
    sni_emit_line(e, "SN_MMA_MULTIPLY(a_tiles + now * SN_MMA_A_TILE, b_tiles + now * SN_MMA_B_TILE)");
    if (early) sni_emit_close(e);
    print_put(e, core);
    sni_emit_line(e, "now = now == SN_MMA_STAGES - 1 ? 0 : now + 1;");
    sni_emit_close(e);
}

/* ---- The epilogue ---- */

/* At row and col, for width columns. */
static void print_point(sni_emitter *e, const sni_contract *c, int width) {
    bool four = width > 1;
    sni_scope scope = {.lane_axis = four ? c->n.last : -1, .width = width, .aligned = four, .prefix = "e"};
    sni_emit_line(e, "const uint in_row = at / (SN_MMA_WN / %d), in_col = at %% (SN_MMA_WN / %d) * %d;", width, width,
                  width);
    sni_emit_line(e, "const sn_idx row = row0 + wave_row + i * SN_MMA_M + in_row;");
    sni_emit_line(e, "const sn_idx col = col0 + wave_col + in_col;");
    sni_emit_open(e, "if (row < size_m && col < size_n)");
    const char *type = sni_ctype_name(c->type, width);
    sni_emit_line(e, "const %s acc = *(__local const %s *)(slab + in_row * SN_MMA_PITCH + in_col);", type, type);
    sni_contract_name(e, &scope, &c->b, false, "bi");
    sni_contract_name(e, &scope, &c->m, c->epilogue_flat_m, "row");
    sni_contract_name(e, &scope, &c->n, c->along_n.flat, "col");
    sni_contract_split(e, &c->m, c->epilogue_flat_m, "row", true);
    sni_contract_split(e, &c->n, c->along_n.flat, "col", true);
    sni_contract_epilogue(e, c, &scope, "acc");
    sni_emit_close(e);
}

void sni_tile_print_epilogue(sni_emitter *e, const sni_contract *c) {
    int width = c->along_n.aligned4 ? 4 : 1;
    sni_emit_line(e, "__local SN_MMA_SUM *const slab = (__local SN_MMA_SUM *)memory + wave * SN_MMA_SLAB;");
    sni_emit_line(e, "SN_MMA_UNROLL");
    sni_emit_open(e, "for (int i = 0; i < SN_MMA_MI; ++i)");
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_line(e, "SN_MMA_PUT_SUMS(slab, i)");
    sni_emit_line(e, "barrier(CLK_LOCAL_MEM_FENCE);");
    sni_emit_open(e, "for (uint at = lane; at < SN_MMA_M * SN_MMA_WN / %d; at += SN_MMA_LANES)", width);
    print_point(e, c, width);
    sni_emit_close(e);
    sni_emit_close(e);
}

/* ---- Definitions ---- */

sinter_status sni_tile_finish(sni_emitter *e, const sni_tile_core *core) {
    const sni_tile *tile = core->tile;
    sni_str head = SNI_STR_INIT;
    sni_str_append(&head, "#include \"common/types.cl\"\n#include \"common/memory.cl\"\n");
    sni_str_printf(&head, "#define SN_MMA_BM %d\n#define SN_MMA_BN %d\n#define SN_MMA_BK %d\n", tile->bm, tile->bn,
                   core->bk);
    sni_str_printf(&head, "#define SN_MMA_WM %d\n#define SN_MMA_WN %d\n#define SN_MMA_STAGES %d\n", tile->wm, tile->wn,
                   stages_of(core->row, tile, e->caps));
    for (int s = 0; s < 2; ++s)
        sni_str_printf(&head, "#define SN_MMA_%c_ALONG_K %d\n", core->sides[s].name, core->sides[s].along_k);
    sni_instruction_print(core->row, core->emulate, &head);
    sni_str_append(&head, "#include \"gemm/gpu_mma.cl\"\n");
    return sni_emit_prepend(e, &head);
}
