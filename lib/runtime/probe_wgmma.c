/* Exact sums of small integers through cl/gemm/gpu_wgmma.cl: both dtypes, each operand in both directions, one and two
 * warpgroups, edges in every direction, more k than the ring holds, several tiles. */
#include "runtime/probe_wgmma.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "kernel/embedded.h"
#include "kernel/patch.h"
#include "kernel/source.h"

enum { ROWS = 200, COLUMNS = 328, DEPTH = 1000 /* multiples of 8 */, GROUPS = 3, PROBES = 3 };

static sni_wgmma probe_of(int number, sinter_dtype dtype) {
    static const sni_wgmma probes[PROBES] = {{SINTER_BF16, 2, 256, 4, true, false},
                                             {SINTER_BF16, 1, 128, 5, false, true},
                                             {SINTER_BF16, 2, 64, 7, true, true}};
    sni_wgmma probe = probes[number];
    probe.dtype = dtype;
    return probe;
}

static void print_probe(const sni_wgmma *w, sni_str *text) {
    sni_str_append(text, "#define " SNI_PATCH_MARK "\n");
    sni_wgmma_print(w, text);
    sni_str_append(text, "#include \"gemm/wgmma_probe.cl\"\n");
}

void sni_probe_wgmma_describe(sni_str *out) {
    for (int i = 0; i < 2 * PROBES; ++i) {
        sni_wgmma w = probe_of(i % PROBES, i < PROBES ? SINTER_F16 : SINTER_BF16);
        sni_str text = SNI_STR_INIT;
        char *assembled = NULL;
        print_probe(&w, &text);
        if (sni_source_assemble(sni_embedded_files, sni_str_text(&text), NULL, &assembled) != SINTER_OK)
            out->failed = true;
        else
            sni_str_append(out, assembled);
        sni_free(assembled);
        sni_str_deinit(&text);
    }
}

/* -1, 0, 1, or 2, without a pattern. */
static int value_at(int seed, int outer, int k) {
    uint32_t x = (uint32_t)(seed + outer * 1024 + k) * 2654435761u;
    x = (x ^ x >> 15) * 2246822519u;
    return (int)(x >> 13 & 3) - 1;
}

static uint16_t bits_of(sinter_dtype dtype, int value) {
    static const uint16_t half[] = {0xbc00, 0, 0x3c00, 0x4000}, brain[] = {0xbf80, 0, 0x3f80, 0x4000};
    return dtype == SINTER_F16 ? half[value + 1] : brain[value + 1];
}

static sinter_status fill(sni_mem *mem, sinter_dtype dtype, int seed, int outer, bool along_k) {
    uint16_t *data = sni_calloc((size_t)outer * DEPTH, sizeof *data);
    if (!data) return sni_out_of_memory("a probe");
    for (int at = 0; at < outer; ++at)
        for (int k = 0; k < DEPTH; ++k)
            data[along_k ? at * DEPTH + k : k * outer + at] = bits_of(dtype, value_at(seed, at, k));
    sinter_status status = sni_mem_write(mem, 0, data, (size_t)outer * DEPTH * sizeof *data, true);
    sni_free(data);
    return status;
}

/* What sums have to be; NULL: no memory. */
static float *expected(void) {
    float *sums = sni_calloc(ROWS * COLUMNS, sizeof *sums);
    signed char *a = sni_calloc(ROWS, DEPTH), *b = sni_calloc(COLUMNS, DEPTH);
    for (int i = 0; sums && a && b && i < COLUMNS; ++i)
        for (int k = 0; k < DEPTH; ++k) {
            if (i < ROWS) a[i * DEPTH + k] = (signed char)value_at(1, i, k);
            b[i * DEPTH + k] = (signed char)value_at(7, i, k);
        }
    for (int i = 0; sums && a && b && i < ROWS * COLUMNS; ++i) {
        int sum = 0;
        for (int k = 0; k < DEPTH; ++k) sum += a[i / COLUMNS * DEPTH + k] * b[i % COLUMNS * DEPTH + k];
        sums[i] = (float)sum;
    }
    if (!a || !b) {
        sni_free(sums);
        sums = NULL;
    }
    sni_free(a);
    sni_free(b);
    return sums;
}

static bool is_right(const sni_mem *out, const float *sums) {
    float *got = sni_calloc(ROWS * COLUMNS, sizeof *got);
    bool right = got && sni_mem_read(out, 0, got, ROWS * COLUMNS * sizeof *got, true) == SINTER_OK;
    for (int i = 0; right && i < ROWS * COLUMNS; ++i) right = got[i] == sums[i];
    sni_free(got);
    return right;
}

static bool run(sni_program *program, const sni_wgmma *w, sni_mem *const *mems, const float *sums) {
    static const int sizes[] = {ROWS, COLUMNS, DEPTH};
    sni_launch *launch = NULL;
    const size_t local = (size_t)sni_wgmma_items(w), global = GROUPS * local;
    bool right = sni_launch_create(program, &launch) == SINTER_OK &&
                 fill(mems[0], w->dtype, 1, ROWS, w->a_along_k) == SINTER_OK &&
                 fill(mems[1], w->dtype, 7, COLUMNS, w->b_along_k) == SINTER_OK &&
                 sni_mem_fill(mems[2], 0xff) == SINTER_OK;
    for (int i = 0; i < 3; ++i) right = right && sni_launch_set_mem(launch, i, mems[i]) == SINTER_OK;
    for (int i = 0; i < 3; ++i)
        right = right && sni_launch_set_scalar(launch, 3 + i, &sizes[i], sizeof sizes[i]) == SINTER_OK;
    right = right && sni_launch_enqueue(launch, 1, &global, &local, false, NULL) == SINTER_OK;
    right = right && is_right(mems[2], sums);
    sni_launch_release(launch);
    return right;
}

static bool is_there(sni_kernel_cache *cache, const sni_wgmma *w, sni_mem *const *mems, const float *sums) {
    sni_str text = SNI_STR_INIT;
    sni_program *program = NULL;
    print_probe(w, &text);
    sni_program_source source = {.text = sni_str_text(&text), .entry = "wgmma_probe"};
    bool built = !text.failed && sni_program_build(cache, &source, &program) == SINTER_OK;
    sni_str_deinit(&text);
    if (!built) sni_log(SNI_LOG_INFO, "wgmma is not used: %s", sinter_last_error());
    bool right = built && run(program, w, mems, sums);
    if (built && !right)
        sni_log(SNI_LOG_INFO, "wgmma is not used: it does not multiply right (%s)", sinter_last_error());
    if (program) sni_program_release(program);
    return right;
}

uint32_t sni_probe_wgmma(sni_device *device, sni_kernel_cache *cache, sni_pool *pool) {
    static const sinter_dtype dtypes[] = {SINTER_F16, SINTER_BF16};
    static const size_t bytes[] = {ROWS * DEPTH * 2, COLUMNS * DEPTH * 2, ROWS * COLUMNS * 4};
    sni_mem *mems[3] = {NULL, NULL, NULL};
    float *sums = expected();
    bool ready = sums != NULL;
    uint32_t found = 0;
    for (int i = 0; i < 3; ++i) ready = ready && sni_mem_acquire(pool, bytes[i], &mems[i]) == SINTER_OK;
    for (int d = 0; ready && d < 2; ++d) {
        bool right = true;
        for (int i = 0; right && i < PROBES; ++i) {
            sni_wgmma w = probe_of(i, dtypes[d]);
            right = sni_wgmma_fits(&w, &device->caps) && is_there(cache, &w, mems, sums);
        }
        if (right) found |= sni_wgmma_bit(dtypes[d]);
    }
    for (int i = 0; i < 3; ++i) sni_mem_release(mems[i]);
    sni_free(sums);
    return found;
}
