/* Matrix instructions are taken for there when they multiply right: extensions and names do not tell. */
#include "runtime/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "kernel/embedded.h"
#include "kernel/source.h"
#include "runtime/probe_wgmma.h"

/* The tile of cl/gemm/mma_probe.cl. Two steps of k, so that every row finds its place in a line of 64 bytes. */
enum { SIDE = 32, LINE_BYTES = 64, VALUES = 5 /* -2 ... 2 */ };

/* ---- Numbers ---- */

/* -2 ... 2 as stored. */
static uint32_t bits_of(sinter_dtype dtype, int value) {
    static const uint16_t half[VALUES] = {0xc000, 0xbc00, 0, 0x3c00, 0x4000};
    static const uint16_t brain[VALUES] = {0xc000, 0xbf80, 0, 0x3f80, 0x4000};
    if (dtype == SINTER_F16) return half[value + 2];
    if (dtype == SINTER_BF16) return brain[value + 2];
    if (dtype == SINTER_F32) return (uint32_t)brain[value + 2] << 16;
    return (uint8_t)value;
}

/* Values without a pattern that a wrong layout could share. */
static int value_at(int seed, int outer, int k) {
    uint32_t x = (uint32_t)(seed + outer * 64 + k) * 2654435761u;
    x = (x ^ x >> 15) * 2246822519u;
    return (int)((x >> 13) % VALUES) - 2;
}

typedef struct operand {
    int seed;
    bool along_k;
} operand;

/* Both directions are looked at. */
static const operand A = {1, true}, B = {7, false};

static sinter_status fill(sni_mem *mem, const sni_instruction *row, operand o) {
    size_t width = sinter_dtype_size(row->dtype);
    int bk = LINE_BYTES / (int)width;
    uint8_t bytes[SIDE * LINE_BYTES];
    for (int at = 0; at < SIDE; ++at)
        for (int k = 0; k < bk; ++k) {
            uint32_t bits = bits_of(row->dtype, value_at(o.seed, at, k));
            memcpy(bytes + (size_t)(o.along_k ? at * bk + k : k * SIDE + at) * width, &bits, width);
        }
    return sni_mem_write(mem, 0, bytes, sizeof bytes, true);
}

static bool is_right(const sni_mem *out, const sni_instruction *row) {
    uint32_t sums[SIDE * SIDE];
    int bk = LINE_BYTES / (int)sinter_dtype_size(row->dtype);
    if (sni_mem_read(out, 0, sums, sizeof sums, true) != SINTER_OK) return false;
    for (int i = 0; i < SIDE * SIDE; ++i) {
        int sum = 0;
        float real;
        for (int k = 0; k < bk; ++k) sum += value_at(A.seed, i / SIDE, k) * value_at(B.seed, i % SIDE, k);
        memcpy(&real, &sums[i], sizeof real);
        if (row->dtype == SINTER_I8 ? (int32_t)sums[i] != sum : real != (float)sum) return false;
    }
    return true;
}

/* ---- One instruction ---- */

/* The kernel that multiplies two operands by a row's instruction. */
static void print_probe(const sni_instruction *row, bool emulate, sni_str *text) {
    sni_str_append(text, "#include \"common/types.cl\"\n#include \"common/memory.cl\"\n");
    sni_str_printf(text, "#define SN_MMA_BM %d\n#define SN_MMA_BN %d\n#define SN_MMA_BK %d\n", SIDE, SIDE,
                   LINE_BYTES / (int)sinter_dtype_size(row->dtype));
    sni_str_printf(text, "#define SN_MMA_WM %d\n#define SN_MMA_WN %d\n#define SN_MMA_STAGES 1\n", SIDE, SIDE);
    sni_str_printf(text, "#define SN_MMA_A_ALONG_K %d\n#define SN_MMA_B_ALONG_K %d\n", A.along_k, B.along_k);
    sni_instruction_print(row, emulate, text);
    sni_str_append(text, "#include \"gemm/gpu_mma.cl\"\n#include \"gemm/mma_probe.cl\"\n");
}

static sinter_status build(sni_kernel_cache *cache, const sni_instruction *row, bool emulate,
                           sni_program **out_program) {
    sni_str text = SNI_STR_INIT;
    print_probe(row, emulate, &text);
    sni_program_source source = {.text = sni_str_text(&text), .entry = "mma_probe"};
    sinter_status status = text.failed ? sni_out_of_memory("a probe") : sni_program_build(cache, &source, out_program);
    sni_str_deinit(&text);
    return status;
}

static bool run(sni_program *program, const sni_instruction *row, sni_mem *const *mems) {
    sni_launch *launch = NULL;
    const size_t items = (size_t)row->lanes;
    bool right = sni_launch_create(program, &launch) == SINTER_OK && fill(mems[0], row, A) == SINTER_OK &&
                 fill(mems[1], row, B) == SINTER_OK && sni_mem_fill(mems[2], 0xff) == SINTER_OK;
    for (int i = 0; i < 3; ++i) right = right && sni_launch_set_mem(launch, i, mems[i]) == SINTER_OK;
    right = right && sni_launch_enqueue(launch, 1, &items, &items, false, NULL) == SINTER_OK;
    right = right && is_right(mems[2], row);
    sni_launch_release(launch);
    if (right) sni_program_launched(program);
    return right;
}

bool sni_probe_instruction(sni_kernel_cache *cache, sni_pool *pool, const sni_instruction *row, bool emulate) {
    sni_program *program = NULL;
    sni_mem *mems[3] = {NULL, NULL, NULL};
    if (build(cache, row, emulate, &program) != SINTER_OK) return false;
    bool right = true;
    for (int i = 0; i < 3; ++i)
        right = right && sni_mem_acquire(pool, i < 2 ? SIDE * LINE_BYTES : SIDE * SIDE * 4, &mems[i]) == SINTER_OK;
    right = right && run(program, row, mems);
    for (int i = 0; i < 3; ++i) sni_mem_release(mems[i]);
    sni_program_release(program);
    return right;
}

/* ---- Local memory ---- */

/* NVIDIA's drivers answer 48 KiB for what arguments may take, and run kernels whose variables take all that a unit has.
 * The kernel fills its array and reads it in another order. */
static const char local_text[] =
    "__attribute__((reqd_work_group_size(64, 1, 1))) __kernel void local_probe(__global uint *out) {\n"
    "    __local uint words[WORDS];\n"
    "    const uint item = get_local_id(0), group = get_group_id(0);\n"
    "    for (uint i = item; i < WORDS; i += 64) words[i] = i * 2654435761u + group;\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    uint wrong = 0;\n"
    "    for (uint i = 63 - item; i < WORDS; i += 64) wrong += words[i] != i * 2654435761u + group;\n"
    "    out[get_global_id(0)] = wrong + 1000;\n"
    "}\n";

enum { GROUPS = 512, LOCAL_ITEMS = 64 }; /* more groups than units, so that several follow each other on one */

static bool local_is_right(const sni_mem *out) {
    uint32_t *counts = sni_calloc(GROUPS * LOCAL_ITEMS, sizeof *counts);
    bool right = counts != NULL && sni_mem_read(out, 0, counts, GROUPS * LOCAL_ITEMS * 4, true) == SINTER_OK;
    for (int i = 0; right && i < GROUPS * LOCAL_ITEMS; ++i) right = counts[i] == 1000;
    sni_free(counts);
    return right;
}

static bool can_declare(sni_kernel_cache *cache, sni_pool *pool, uint64_t bytes) {
    char options[32];
    snprintf(options, sizeof options, "-DWORDS=%u", (unsigned)(bytes / 4 - 64)); /* drivers add a little */
    sni_program_source source = {.text = local_text, .entry = "local_probe", .options = options};
    sni_program *program = NULL;
    sni_launch *launch = NULL;
    sni_mem *out = NULL;
    const size_t items = LOCAL_ITEMS, all = (size_t)GROUPS * LOCAL_ITEMS;
    bool right = sni_program_build(cache, &source, &program) == SINTER_OK &&
                 sni_launch_create(program, &launch) == SINTER_OK &&
                 sni_mem_acquire(pool, all * 4, &out) == SINTER_OK && sni_mem_fill(out, 0) == SINTER_OK &&
                 sni_launch_set_mem(launch, 0, out) == SINTER_OK &&
                 sni_launch_enqueue(launch, 1, &all, &items, false, NULL) == SINTER_OK && local_is_right(out);
    sni_launch_release(launch);
    sni_mem_release(out);
    if (program != NULL) sni_program_release(program);
    return right;
}

/* The most of a few sizes; 0 where it is no more than the device says. */
static uint64_t probe_local(sni_device *device, sni_kernel_cache *cache, sni_pool *pool) {
    static const uint64_t sizes[] = {224 << 10, 160 << 10, 96 << 10, 64 << 10};
    for (size_t i = 0; device->caps.has_inline_ptx && i < sizeof sizes / sizeof *sizes; ++i) {
        if (sizes[i] <= device->caps.local_bytes) break;
        device->caps.static_local_bytes = sizes[i]; /* launches are checked against it */
        if (can_declare(cache, pool, sizes[i])) return sizes[i];
    }
    return 0;
}

/* ---- All of them, and their file ---- */

typedef struct findings {
    uint32_t instructions, local_kib;
} findings;

/* Appends the source of every row's probe. */
static void append_probes(sni_str *all) {
    for (int r = 0; r < sni_instruction_count(); ++r) {
        sni_str text = SNI_STR_INIT;
        char *assembled = NULL;
        print_probe(sni_instruction_at(r), false, &text);
        if (sni_source_assemble(sni_embedded_files, sni_str_text(&text), NULL, &assembled) != SINTER_OK)
            all->failed = true;
        else
            sni_str_append(all, assembled);
        sni_free(assembled);
        sni_str_deinit(&text);
    }
}

/* Changes with what is asked and with the driver. NULL: no file. */
static char *file_of(const sni_caps *caps, const char *cache_dir) {
    char *dir = NULL, hex[40];
    if (cache_dir != NULL && cache_dir[0] == 0) return NULL;
    if (sni_cache_dir(cache_dir, &dir) != SINTER_OK) return NULL;
    sni_str text = SNI_STR_INIT, path = SNI_STR_INIT;
    sni_str_printf(&text, "%s\n%s\n", caps->identity, local_text);
    append_probes(&text);
    sni_probe_wgmma_describe(&text);
    sni_hash128_hex(sni_hash128_of(sni_str_text(&text), text.length), hex);
    sni_str_printf(&path, "%s/instructions-%s", dir, hex);
    char *taken = text.failed ? NULL : sni_str_take(&path);
    sni_str_deinit(&text);
    sni_str_deinit(&path);
    sni_free(dir);
    return taken;
}

/* The file holds a check, so that a damaged one is not believed. */
static bool recall(const char *path, findings *out) {
    char *data = NULL, text[65] = {0}, *end = NULL;
    size_t size = 0;
    if (path == NULL || sni_file_read(path, 64, &data, &size) != SINTER_OK) return false;
    memcpy(text, data, size < 64 ? size : 64);
    sni_free(data);
    out->instructions = (uint32_t)strtoul(text, &end, 16);
    out->local_kib = (uint32_t)strtoul(end, &end, 16);
    return (uint32_t)strtoul(end, NULL, 16) == ~(out->instructions ^ out->local_kib << 16);
}

static void keep(const char *path, const findings *f) {
    sni_str text = SNI_STR_INIT;
    sni_str_printf(&text, "%08x %08x %08x\n", (unsigned)f->instructions, (unsigned)f->local_kib,
                   (unsigned)~(f->instructions ^ f->local_kib << 16));
    if (path != NULL && !text.failed) (void)!sni_file_write_atomic(path, sni_str_text(&text), text.length);
    sni_str_deinit(&text);
}

/* Bits of sni_caps.wgmma lie above those of the rows in a finding. */
enum { WGMMA_SHIFT = 28, WGMMA_BITS = 3 };

void sni_probe_instructions(sni_device *device, sni_kernel_cache *cache, sni_pool *pool, const char *cache_dir) {
    uint32_t possible = 0;
    findings found = {0, 0};
    for (int r = 0; r < sni_instruction_count(); ++r) {
        const sni_instruction *row = sni_instruction_at(r);
        if (row->use == SNI_USE_DEFAULT && sni_instruction_possible(row, &device->caps)) possible |= 1u << r;
    }
    if (possible == 0) return;
    if (sni_wgmma_possible(&device->caps)) possible |= (uint32_t)WGMMA_BITS << WGMMA_SHIFT;
    char *path = file_of(&device->caps, cache_dir);
    if (!recall(path, &found)) {
        found.instructions = 0;
        for (int r = 0; r < sni_instruction_count(); ++r)
            if ((possible >> r & 1) != 0 && sni_probe_instruction(cache, pool, sni_instruction_at(r), false))
                found.instructions |= 1u << r;
        found.local_kib = (uint32_t)(probe_local(device, cache, pool) >> 10);
        if (sni_wgmma_possible(&device->caps))
            found.instructions |= sni_probe_wgmma(device, cache, pool) << WGMMA_SHIFT;
        keep(path, &found);
    }
    device->caps.instructions = found.instructions & possible & ((1u << WGMMA_SHIFT) - 1);
    device->caps.wgmma = (found.instructions & possible) >> WGMMA_SHIFT;
    device->caps.static_local_bytes = (uint64_t)found.local_kib << 10;
    sni_free(path);
}
