/* The functions of every type with SN_W lanes; for common/math.cl. */
#define SN_I32 SN_JOIN(int, SN_LANES)
#define SN_I64 SN_JOIN(long, SN_LANES)

#define SN_T SN_JOIN(float, SN_LANES)
#include "common/math_float.cl"
#undef SN_T
#define SN_T SN_JOIN(int, SN_LANES)
#include "common/math_int.cl"
#undef SN_T
#define SN_T SN_JOIN(long, SN_LANES)
#include "common/math_int.cl"
#undef SN_T
#ifdef cl_khr_fp64
#define SN_T SN_JOIN(double, SN_LANES)
#include "common/math_double.cl"
#undef SN_T
#endif

#undef SN_I32
#undef SN_I64
