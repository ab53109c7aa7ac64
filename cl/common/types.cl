/* Index types and names that every generated kernel uses. */
#ifndef SN_TYPES_CL
#define SN_TYPES_CL

#define SN_JOIN_(a, b) a##b
#define SN_JOIN(a, b) SN_JOIN_(a, b)
/* sn_<name>_<type>; the name is pasted as it is, because drivers define exp and others as macros. */
#define SN_NAME(name, type) SN_JOIN(sn_##name##_, type)

/* Index arithmetic has 32 bits unless a binding of the dimensions needs more. */
#ifdef SN_IDX64
typedef long sn_idx;
typedef long2 sn_idx2;
typedef long4 sn_idx4;
typedef long8 sn_idx8;
typedef long16 sn_idx16;
#define SN_IDX_SIGN 63
#define SN_TO_IDX2(x) convert_long2(x)
#define SN_TO_IDX4(x) convert_long4(x)
#define SN_TO_IDX8(x) convert_long8(x)
#define SN_TO_IDX16(x) convert_long16(x)
#else
typedef int sn_idx;
typedef int2 sn_idx2;
typedef int4 sn_idx4;
typedef int8 sn_idx8;
typedef int16 sn_idx16;
#define SN_IDX_SIGN 31
#define SN_TO_IDX2(x) convert_int2(x)
#define SN_TO_IDX4(x) convert_int4(x)
#define SN_TO_IDX8(x) convert_int8(x)
#define SN_TO_IDX16(x) convert_int16(x)
#endif

/* The number of each lane. */
#define SN_IOTA2 ((sn_idx2)(0, 1))
#define SN_IOTA4 ((sn_idx4)(0, 1, 2, 3))
#define SN_IOTA8 ((sn_idx8)(0, 1, 2, 3, 4, 5, 6, 7))
#define SN_IOTA16 ((sn_idx16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))

/* Division that rounds down, for b > 0, and what it leaves: sn_floor_div<width>, sn_floor_mod<width>. C's rounds towards 0,
 * so b - 1 is taken off what is negative (its sign is shifted over all bits). */
#define SN_FLOOR_FUNCTIONS(T, W)                                                                                       \
    static inline T SN_JOIN(sn_floor_div, W)(T a, T b) { return (a - ((a >> SN_IDX_SIGN) & (b - 1))) / b; }            \
    static inline T SN_JOIN(sn_floor_mod, W)(T a, T b) { return a - SN_JOIN(sn_floor_div, W)(a, b) * b; }
SN_FLOOR_FUNCTIONS(sn_idx, 1)
SN_FLOOR_FUNCTIONS(sn_idx2, 2)
SN_FLOOR_FUNCTIONS(sn_idx4, 4)
SN_FLOOR_FUNCTIONS(sn_idx8, 8)
SN_FLOOR_FUNCTIONS(sn_idx16, 16)

#endif
