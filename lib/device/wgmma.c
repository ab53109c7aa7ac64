/* Definitions for cl/gemm/gpu_wgmma.cl and gpu_planes.cl. */
#include "device/wgmma.h"

uint32_t sni_wgmma_bit(sinter_dtype dtype) {
    return dtype == SINTER_F16 ? 1 : dtype == SINTER_BF16 ? 2 : 0;
}

bool sni_wgmma_possible(const sni_caps *caps) {
    /* sm_90a is no subset of what follows 9.0. */
    return caps->has_inline_ptx && caps->nv_compute_major == 9 && caps->nv_compute_minor == 0;
}

int sni_wgmma_items(const sni_wgmma *w) {
    return (w->groups + 1) * 128;
}

static uint64_t slab_bytes(int groups) {
    return (uint64_t)groups * 4 * 16 * 40 * 4;
}

/* As SN_WG_BYTES has it. */
static uint64_t local_bytes(const sni_wgmma *w) {
    uint64_t stage = (uint64_t)(w->groups * SNI_WGMMA_ROWS + w->bn) * SNI_WGMMA_K * 2;
    return (uint64_t)w->stages * (stage + 16) + slab_bytes(w->groups);
}

/* Half of what a multiprocessor of 9.0 has, 228 KiB: two work-groups with more do not fit into one. */
enum { HALF_BYTES = 114 << 10, ADDED_BYTES = 1024 /* drivers add a little for alignment */ };

bool sni_wgmma_fits(const sni_wgmma *w, const sni_caps *caps) {
    uint64_t bytes = local_bytes(w), items = (uint64_t)sni_wgmma_items(w);
    return bytes > HALF_BYTES && bytes + ADDED_BYTES <= caps->static_local_bytes && items <= caps->max_work_group &&
           items <= caps->max_work_item[0];
}

typedef enum operand { ALONG_OUTER, ALONG_K, REGISTERS /* A: an array of four words */ } operand;

/* wgmma names every register of its sums. add: to what they are, else they begin at 0. */
static void print_issue(const char *name, sinter_dtype dtype, int bn, bool add, operand a, operand b, sni_str *out) {
    const char *type = dtype == SINTER_F16 ? "f16" : "bf16";
    int sums = bn / 2;
    sni_str_printf(out, "#define %s(d, a, b) asm volatile(\"//@wgmma.mma_async.sync.aligned.m64n%dk16.f32.%s.%s {",
                   name, bn, type, type);
    for (int i = 0; i < sums; ++i) sni_str_printf(out, "%s%%%d", i > 0 ? "," : "", i);
    if (a == REGISTERS)
        sni_str_printf(out, "}, {%%%d,%%%d,%%%d,%%%d}, %%%d, %d, 1, 1, %d;\" : ", sums, sums + 1, sums + 2, sums + 3,
                       sums + 4, add, b == ALONG_OUTER);
    else
        sni_str_printf(out, "}, %%%d, %%%d, %d, 1, 1, %d, %d;\" : ", sums, sums + 1, add, a == ALONG_OUTER,
                       b == ALONG_OUTER);
    for (int i = 0; i < sums; ++i) sni_str_printf(out, "%s\"+f\"((d)[%d])", i > 0 ? "," : "", i);
    sni_str_append(out, a == REGISTERS ? " : \"r\"((a)[0]),\"r\"((a)[1]),\"r\"((a)[2]),\"r\"((a)[3]),\"l\"(b))\n"
                                       : " : \"l\"(a),\"l\"(b))\n");
}

static operand direction(bool along_k) {
    return along_k ? ALONG_K : ALONG_OUTER;
}

void sni_wgmma_print(const sni_wgmma *w, sni_str *out) {
    sni_str_printf(out, "#define SN_WG_GROUPS %d\n#define SN_WG_BN %d\n#define SN_WG_STAGES %d\n", w->groups, w->bn,
                   w->stages);
    sni_str_printf(out, "#define SN_WG_A_ALONG_K %d\n#define SN_WG_B_ALONG_K %d\n", w->a_along_k, w->b_along_k);
    print_issue("SN_WG_ISSUE", w->dtype, w->bn, true, direction(w->a_along_k), direction(w->b_along_k), out);
}

/* ---- Planes ---- */

enum { SPLITTERS = 2, TABLE_BYTES = 2 * SPLITTERS * 128 * (8 + 4) /* of windows, lib/codegen/tile_window.c */ };

int sni_planes_items(const sni_planes *p) {
    return (p->groups + SPLITTERS) * 128;
}

bool sni_planes_fits(const sni_planes *p, const sni_caps *caps) {
    uint64_t stage = (uint64_t)(p->groups * SNI_WGMMA_ROWS + p->bn) * SNI_PLANES_K * 2 * (uint64_t)p->planes;
    uint64_t bytes = (uint64_t)p->stages * (stage + 16) + slab_bytes(p->groups) + TABLE_BYTES;
    uint64_t items = (uint64_t)sni_planes_items(p);
    return bytes + ADDED_BYTES <= caps->static_local_bytes && items <= caps->max_work_group &&
           items <= caps->max_work_item[0];
}

void sni_planes_print(const sni_planes *p, sni_str *out) {
    sni_str_printf(out, "#define SN_WG_GROUPS %d\n#define SN_WG_BN %d\n#define SN_WG_STAGES %d\n", p->groups, p->bn,
                   p->stages);
    sni_str_printf(out, "#define SN_PL_PLANES %d\n", p->planes);
    sni_str_printf(out, "#define SN_MMA_A_ALONG_K %d\n#define SN_MMA_B_ALONG_K %d\n", p->a_along_k, p->b_along_k);
    sni_str_printf(out, "#define SN_PL_A_WINDOW %d\n#define SN_PL_B_WINDOW %d\n", p->a_window, p->b_window);
    print_issue("SN_WG_ISSUE", SINTER_BF16, p->bn, true, direction(p->a_along_k), direction(p->b_along_k), out);
    print_issue("SN_WG_START", SINTER_BF16, p->bn, false, direction(p->a_along_k), direction(p->b_along_k), out);
}

/* ---- Attention ---- */

int sni_wgmma_attention_items(void) {
    return (SNI_WGMMA_ATTENTION_ROWS / SNI_WGMMA_ROWS + 1) * 128;
}

static int slot_columns(const sni_wgmma_attention *w) {
    return w->depth > w->columns ? w->depth : w->columns;
}

bool sni_wgmma_attention_fits(const sni_wgmma_attention *w, const sni_caps *caps) {
    uint64_t q = (uint64_t)SNI_WGMMA_ATTENTION_ROWS * (uint64_t)w->depth * 2;
    uint64_t slots = 2 * (uint64_t)w->blocks * ((uint64_t)w->keys * (uint64_t)slot_columns(w) * 2 + 16);
    uint64_t bytes = q + slots + slab_bytes(SNI_WGMMA_ATTENTION_ROWS / SNI_WGMMA_ROWS);
    uint64_t items = (uint64_t)sni_wgmma_attention_items();
    /* Words of a work-item: sums, scores, and weights in pairs. */
    return w->columns / 2 + w->keys / 2 + w->keys / 4 <= 176 && bytes > HALF_BYTES &&
           bytes + ADDED_BYTES <= caps->static_local_bytes && items <= caps->max_work_group &&
           items <= caps->max_work_item[0];
}

void sni_wgmma_attention_print(const sni_wgmma_attention *w, sni_str *out) {
    sni_str_printf(out, "#define SN_WG_GROUPS %d\n#define SN_ATT_KEYS %d\n#define SN_ATT_COLUMNS %d\n",
                   SNI_WGMMA_ATTENTION_ROWS / SNI_WGMMA_ROWS, w->keys, w->columns);
    sni_str_printf(out, "#define SN_ATT_DEPTH %d\n#define SN_ATT_BLOCKS %d\n#define SN_ATT_F16 %d\n", w->depth,
                   w->blocks, w->dtype == SINTER_F16);
    print_issue("SN_ATT_START_QK", w->dtype, w->keys, false, ALONG_K, ALONG_K, out);
    print_issue("SN_ATT_ISSUE_QK", w->dtype, w->keys, true, ALONG_K, ALONG_K, out);
    print_issue("SN_ATT_ISSUE_WV", w->dtype, w->columns, true, REGISTERS, ALONG_OUTER, out);
}
