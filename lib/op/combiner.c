/* The rows of combiner.inc as tables of text and as C functions. */
#include "op/combiner.h"

#include <math.h>

#include "op/rule.h"

/* Two operands of 64 bits added or multiplied are exact in this type; the low half is what wrapping keeps. */
typedef __int128 whole;

static double larger(double x, double y) {
    return isnan(x) || x > y ? x : y;
}
static double smaller(double x, double y) {
    return isnan(x) || x < y ? x : y;
}
static double infinite_sign(double x) {
    return !isinf(x) ? 0 : x > 0 ? 1 : -1;
}

/* ---- the combiners ---- */

#define max(x, y) larger(x, y)
#define min(x, y) smaller(x, y)
#define SNI_COMBINER(id, name, class, start, whole_start, rounds, symbolic, merge, doc)                                \
    static double real_##name(double a, double b) {                                                                    \
        return merge;                                                                                                  \
    }
#include "op/combiner.inc"
#undef SNI_COMBINER
#undef max
#undef min

#define max(x, y) ((x) > (y) ? (x) : (y))
#define min(x, y) ((x) < (y) ? (x) : (y))
#define SNI_COMBINER(id, name, class, start, whole_start, rounds, symbolic, merge, doc)                                \
    static whole whole_##name(whole a, whole b) {                                                                      \
        return merge;                                                                                                  \
    }
#include "op/combiner.inc"
#undef SNI_COMBINER
#undef max
#undef min

typedef enum whole_start { START_ZERO, START_ONE, START_LOWEST, START_HIGHEST } whole_start;

static const struct {
    sni_combiner_row row;
    double start;
    whole_start whole_start;
    double (*real)(double a, double b);
    whole (*whole)(whole a, whole b);
} g_combiners[SNI_COMBINE_COUNT] = {
    {.row = {.name = "none"}},
#define SNI_COMBINER(id, name_, class, start_, whole_start_, rounds_, symbolic_, merge_, doc)                          \
    {{#name_, #merge_, rounds_, symbolic_}, start_, START_##whole_start_, real_##name_, whole_##name_},
#include "op/combiner.inc"
#undef SNI_COMBINER
};

static int index_of(sni_combiner combiner) {
    return combiner > SNI_COMBINE_NONE && combiner < SNI_COMBINE_COUNT ? (int)combiner : SNI_COMBINE_NONE;
}

const sni_combiner_row *sni_combiner_row_of(sni_combiner combiner) {
    return &g_combiners[index_of(combiner)].row;
}

sni_combiner_start sni_combiner_start_of(sni_combiner combiner, sinter_dtype dtype) {
    int index = index_of(combiner);
    sni_combiner_start start = {.f = g_combiners[index].start};
    if (sni_dtype_is_real(dtype)) return start;
    switch (g_combiners[index].whole_start) {
    case START_ZERO:
        break;
    case START_ONE:
        start.i = 1;
        break;
    case START_LOWEST:
        start.i = sni_dtype_lowest(dtype);
        break;
    case START_HIGHEST:
        start.i = sni_dtype_highest(dtype);
        break;
    }
    return start;
}

double sni_combiner_padding(sni_combiner combiner, sinter_dtype dtype) {
    sni_combiner_start start = sni_combiner_start_of(combiner, dtype);
    return sni_dtype_is_real(dtype) ? start.f : (double)start.i;
}

double sni_combine_real(sni_combiner combiner, double a, double b) {
    int index = index_of(combiner);
    return index == SNI_COMBINE_NONE ? b : g_combiners[index].real(a, b);
}

int64_t sni_combine_whole(sni_combiner combiner, int64_t a, int64_t b) {
    int index = index_of(combiner);
    return index == SNI_COMBINE_NONE ? b : (int64_t)(uint64_t)g_combiners[index].whole(a, b);
}

/* ---- the tuples ---- */

#define inf_sign(x) infinite_sign(x)
#define VARIABLES                                                                                                      \
    double x = v->x, y = v->y, z = v->z, a = v->a, m = v->m, p = v->p, j = v->j, n = v->n, s = v->s, r = v->r,         \
           u = v->u;                                                                                                   \
    (void)x, (void)y, (void)z, (void)a, (void)m, (void)p, (void)j, (void)n, (void)s, (void)r, (void)u
#define SNI_TUPLE(id, name, leaders, followers, carries, counts, enter, carry, leave, doc)                             \
    static double enter_of_##id(const sni_tuple_values *v) {                                                           \
        VARIABLES;                                                                                                     \
        return enter;                                                                                                  \
    }                                                                                                                  \
    static double carry_of_##id(const sni_tuple_values *v) {                                                           \
        VARIABLES;                                                                                                     \
        return carry;                                                                                                  \
    }                                                                                                                  \
    static double leave_of_##id(const sni_tuple_values *v) {                                                           \
        VARIABLES;                                                                                                     \
        return leave;                                                                                                  \
    }
#include "op/combiner.inc"
#undef SNI_TUPLE
#undef inf_sign

static const struct {
    sni_tuple_row row;
    sni_tuple_reference reference;
} g_tuples[SNI_TUPLE_COUNT] = {
    {.row = {.name = "none"}},
#define SNI_TUPLE(id, name_, leaders_, followers_, carries_, counts_, enter_, carry_, leave_, doc_)                    \
    {{name_, doc_, leaders_, followers_, carries_, counts_, #enter_, #carry_, #leave_},                                \
     {enter_of_##id, carry_of_##id, leave_of_##id}},
#include "op/combiner.inc"
#undef SNI_TUPLE
};

const sni_tuple_row *sni_tuple_row_of(sni_tuple tuple) {
    return &g_tuples[tuple > SNI_TUPLE_NONE && tuple < SNI_TUPLE_COUNT ? tuple : SNI_TUPLE_NONE].row;
}

const sni_tuple_reference *sni_tuple_reference_of(sni_tuple tuple) {
    return &g_tuples[tuple > SNI_TUPLE_NONE && tuple < SNI_TUPLE_COUNT ? tuple : SNI_TUPLE_NONE].reference;
}
