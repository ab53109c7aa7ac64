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

/* wgmma names every register of its sums. add: to what they are, else they begin at 0. */
static void print_issue(const char *name, const char *type, int bn, bool add, bool a_along_k, bool b_along_k,
                        sni_str *out) {
    int sums = bn / 2;
    sni_str_printf(out, "#define %s(d, a, b) asm volatile(\"//@wgmma.mma_async.sync.aligned.m64n%dk16.f32.%s.%s {",
                   name, bn, type, type);
    for (int i = 0; i < sums; ++i) sni_str_printf(out, "%s%%%d", i > 0 ? "," : "", i);
    sni_str_printf(out, "}, %%%d, %%%d, %d, 1, 1, %d, %d;\" : ", sums, sums + 1, add, !a_along_k, !b_along_k);
    for (int i = 0; i < sums; ++i) sni_str_printf(out, "%s\"+f\"((d)[%d])", i > 0 ? "," : "", i);
    sni_str_append(out, " : \"l\"(a),\"l\"(b))\n");
}

void sni_wgmma_print(const sni_wgmma *w, sni_str *out) {
    sni_str_printf(out, "#define SN_WG_GROUPS %d\n#define SN_WG_BN %d\n#define SN_WG_STAGES %d\n", w->groups, w->bn,
                   w->stages);
    sni_str_printf(out, "#define SN_WG_A_ALONG_K %d\n#define SN_WG_B_ALONG_K %d\n", w->a_along_k, w->b_along_k);
    print_issue("SN_WG_ISSUE", w->dtype == SINTER_F16 ? "f16" : "bf16", w->bn, true, w->a_along_k, w->b_along_k, out);
}

/* ---- Planes ---- */

enum { SPLITTERS = 2 };

int sni_planes_items(const sni_planes *p) {
    return (p->groups + SPLITTERS) * 128;
}

bool sni_planes_fits(const sni_planes *p, const sni_caps *caps) {
    uint64_t stage = (uint64_t)(p->groups * SNI_WGMMA_ROWS + p->bn) * SNI_PLANES_K * 2 * (uint64_t)p->planes;
    uint64_t bytes = (uint64_t)p->stages * (stage + 16) + slab_bytes(p->groups), items = (uint64_t)sni_planes_items(p);
    return bytes + ADDED_BYTES <= caps->static_local_bytes && items <= caps->max_work_group &&
           items <= caps->max_work_item[0];
}

void sni_planes_print(const sni_planes *p, sni_str *out) {
    sni_str_printf(out, "#define SN_WG_GROUPS %d\n#define SN_WG_BN %d\n#define SN_WG_STAGES %d\n", p->groups, p->bn,
                   p->stages);
    sni_str_printf(out, "#define SN_PL_PLANES %d\n", p->planes);
    sni_str_printf(out, "#define SN_MMA_A_ALONG_K %d\n#define SN_MMA_B_ALONG_K %d\n", p->a_along_k, p->b_along_k);
    print_issue("SN_WG_ISSUE", "bf16", p->bn, true, p->a_along_k, p->b_along_k, out);
    print_issue("SN_WG_START", "bf16", p->bn, false, p->a_along_k, p->b_along_k, out);
}
