/* All functions of cl/common for a kernel of one's own, with no macro to define first:
 *
 *     #include "common/math.cl"
 *     ... sn_exp_float(x), sn_exp_float4(v), sn_mod_int(a, b), sn_load_bf16(p, i), sn_loadv_f16(8, p, i) ...
 *
 * sn_<function>_<type> for float, int, long and, where the device has it, double, as scalars and vectors of 2, 4, 8 and
 * 16; loads and stores by dtype are those of common/memory.cl. `sinter ops --kernel-functions` lists them. */
#ifndef SN_MATH_CL
#define SN_MATH_CL

#ifdef cl_khr_fp64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#include "common/types.cl"
#include "common/memory.cl"

/* SN_LANES is what follows the name of a scalar type: nothing, or the number of lanes. */
#define SN_W 1
#define SN_LANES
#include "common/math_width.cl"
#undef SN_W
#undef SN_LANES

#define SN_W 2
#define SN_LANES 2
#include "common/math_width.cl"
#undef SN_W
#undef SN_LANES

#define SN_W 4
#define SN_LANES 4
#include "common/math_width.cl"
#undef SN_W
#undef SN_LANES

#define SN_W 8
#define SN_LANES 8
#include "common/math_width.cl"
#undef SN_W
#undef SN_LANES

#define SN_W 16
#define SN_LANES 16
#include "common/math_width.cl"
#undef SN_W
#undef SN_LANES

#endif
