/* The table of matrix instructions. */
#include "device/instructions.h"

#define SNI_INSTRUCTION(name, file, needs, dtype, use, M, N, K, LANES, MOST, A_COUNT, A_ROW, A_K, B_COUNT, B_COL, B_K, \
                        SUMS, ROW, COL)                                                                                \
    static int name##_a_row(int lane, int i) {                                                                         \
        return (void)lane, (void)i, A_ROW;                                                                             \
    }                                                                                                                  \
    static int name##_a_k(int lane, int i) {                                                                           \
        return (void)lane, (void)i, A_K;                                                                               \
    }                                                                                                                  \
    static int name##_b_col(int lane, int i) {                                                                         \
        return (void)lane, (void)i, B_COL;                                                                             \
    }                                                                                                                  \
    static int name##_b_k(int lane, int i) {                                                                           \
        return (void)lane, (void)i, B_K;                                                                               \
    }                                                                                                                  \
    static int name##_row(int lane, int i) {                                                                           \
        return (void)lane, (void)i, ROW;                                                                               \
    }                                                                                                                  \
    static int name##_col(int lane, int i) {                                                                           \
        return (void)lane, (void)i, COL;                                                                               \
    }
#include "../cl/gemm/instructions.inc"

static const sni_instruction table[] = {
#define SNI_INSTRUCTION(name, file, needs, dtype, use, M, N, K, LANES, MOST, A_COUNT, A_ROW, A_K, B_COUNT, B_COL, B_K, \
                        SUMS, ROW, COL)                                                                                \
    {#name,                                                                                                            \
     file,                                                                                                             \
     SNI_NEEDS_##needs,                                                                                                \
     SNI_USE_##use,                                                                                                    \
     dtype,                                                                                                            \
     M,                                                                                                                \
     N,                                                                                                                \
     K,                                                                                                                \
     LANES,                                                                                                            \
     MOST,                                                                                                             \
     {A_COUNT, name##_a_row, name##_a_k, #A_ROW, #A_K},                                                                \
     {B_COUNT, name##_b_col, name##_b_k, #B_COL, #B_K},                                                                \
     {SUMS, name##_row, name##_col, #ROW, #COL}},
#include "../cl/gemm/instructions.inc"
};

_Static_assert(sizeof table / sizeof *table <= 28,
               "a bit of sni_caps.instructions for each, and room in the probe's file");

int sni_instruction_count(void) {
    return (int)(sizeof table / sizeof *table);
}

const sni_instruction *sni_instruction_at(int number) {
    return number >= 0 && number < sni_instruction_count() ? &table[number] : NULL;
}

bool sni_instruction_possible(const sni_instruction *row, const sni_caps *caps) {
    /* mma.sync of these shapes begins with sm_80. */
    if (row->needs == SNI_NEEDS_PTX) return caps->has_inline_ptx && caps->nv_compute_major >= 8;
    return caps->has_amd_builtins && (caps->subgroup_size == 0 || caps->subgroup_size == (uint32_t)row->lanes);
}

static void print_fragment(const sni_fragment *f, const char *count, const char *outer, const char *inner,
                           sni_str *out) {
    sni_str_printf(out, "#define SN_MMA_%s %d\n", count, f->count);
    sni_str_printf(out, "#define SN_MMA_%s(lane, i) (%s)\n", outer, f->outer_text);
    sni_str_printf(out, "#define SN_MMA_%s(lane, i) (%s)\n", inner, f->inner_text);
}

void sni_instruction_print(const sni_instruction *row, bool emulate, sni_str *out) {
    sni_str_printf(out, "#define SN_MMA_%s 1\n#define SN_MMA_DTYPE_%s 1\n", row->name, sinter_dtype_name(row->dtype));
    sni_str_printf(out, "#define SN_MMA_M %d\n#define SN_MMA_N %d\n#define SN_MMA_K %d\n#define SN_MMA_LANES %d\n",
                   row->m, row->n, row->k, row->lanes);
    print_fragment(&row->a, "A_COUNT", "A_ROW", "A_INNER", out);
    print_fragment(&row->b, "B_COUNT", "B_COL", "B_INNER", out);
    print_fragment(&row->sums, "SUMS", "ROW", "COL", out);
    sni_str_printf(out, "#include \"%s\"\n", emulate ? "gemm/mma_emulated.cl" : row->file);
}
