/* Costs that follow from a device's capabilities, where nothing was measured. */
#include "device/costs.h"

/* A row each: of one compute unit at about the usual clock. */
typedef struct unit {
    double launch_ns, bytes_per_ns, f32_ops_per_ns, tile, block, computed, scattered;
} unit;

/* A core with its vectors: two operations a lane and cycle at 3 GHz; a stream of memory of its own; products read an operand
 * again after 256 columns (cl/gemm/gemm.inc), and pack it anyway, by vectors; an element that is looked for by itself takes
 * 5 ns. */
static unit of_cpu(const sni_caps *caps) {
    double lanes = caps->native_float_width > 1 ? caps->native_float_width : 1;
    return (unit){5000, 8, 6 * lanes, 256, 256, 0.01, 30 * lanes};
}

/* 64 to 128 lanes at 1.5 GHz or more; memory keeps up with one byte a lane and five cycles. Tiles are 64 to 128 wide;
 * what is only loaded goes there while others are multiplied. Attention's kernels (lib/codegen/attention_*.c) hold up to 256
 * columns on every device. */
static unit of_gpu(void) {
    return (unit){4000, 20, 200, 64, 256, 0.2, 20};
}

void sni_costs_derive(const sni_caps *caps, sni_costs *out) {
    unit one = caps->device_class == SNI_DEVICE_CPU ? of_cpu(caps) : of_gpu();
    double units = caps->compute_units ? caps->compute_units : 1;
    *out = (sni_costs){.launch_ns = one.launch_ns,
                       .bytes_per_ns = one.bytes_per_ns * units,
                       .f32_ops_per_ns = one.f32_ops_per_ns * units,
                       .tile = one.tile,
                       .block = one.block,
                       .computed = one.computed,
                       .scattered = one.scattered,
                       .symbolic_size = 64};
}
