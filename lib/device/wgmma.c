/* Definitions for cl/gemm/gpu_wgmma.cl. */
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

/* As SN_WG_BYTES has it. */
static uint64_t local_bytes(const sni_wgmma *w) {
    uint64_t stage = (uint64_t)(w->groups * SNI_WGMMA_ROWS + w->bn) * SNI_WGMMA_K * 2;
    return (uint64_t)w->stages * (stage + 16) + (uint64_t)w->groups * 4 * 16 * 40 * 4;
}

/* Half of what a multiprocessor of 9.0 has, 228 KiB: two work-groups with more do not fit into one. */
enum { HALF_BYTES = 114 << 10, ADDED_BYTES = 1024 /* drivers add a little for alignment */ };

bool sni_wgmma_fits(const sni_wgmma *w, const sni_caps *caps) {
    uint64_t bytes = local_bytes(w), items = (uint64_t)sni_wgmma_items(w);
    return bytes > HALF_BYTES && bytes + ADDED_BYTES <= caps->static_local_bytes && items <= caps->max_work_group &&
           items <= caps->max_work_item[0];
}

/* wgmma names every register of its sums. */
static void print_issue(const sni_wgmma *w, sni_str *out) {
    const char *type = w->dtype == SINTER_F16 ? "f16" : "bf16";
    int sums = w->bn / 2;
    sni_str_printf(out,
                   "#define SN_WG_ISSUE(d, a, b) asm volatile(\"//@wgmma.mma_async.sync.aligned.m64n%dk16.f32.%s.%s {",
                   w->bn, type, type);
    for (int i = 0; i < sums; ++i) sni_str_printf(out, "%s%%%d", i > 0 ? "," : "", i);
    sni_str_printf(out, "}, %%%d, %%%d, 1, 1, 1, %d, %d;\" : ", sums, sums + 1, !w->a_along_k, !w->b_along_k);
    for (int i = 0; i < sums; ++i) sni_str_printf(out, "%s\"+f\"((d)[%d])", i > 0 ? "," : "", i);
    sni_str_append(out, " : \"l\"(a),\"l\"(b))\n");
}

void sni_wgmma_print(const sni_wgmma *w, sni_str *out) {
    sni_str_printf(out, "#define SN_WG_GROUPS %d\n#define SN_WG_BN %d\n#define SN_WG_STAGES %d\n", w->groups, w->bn,
                   w->stages);
    sni_str_printf(out, "#define SN_WG_A_ALONG_K %d\n#define SN_WG_B_ALONG_K %d\n", w->a_along_k, w->b_along_k);
    print_issue(w, out);
}
