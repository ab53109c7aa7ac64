/* What a device can do: plain data, no OpenCL types, so that every module may read it. */
#ifndef SNI_DEVICE_CAPS_H
#define SNI_DEVICE_CAPS_H

#include <stdbool.h>
#include <stdint.h>

/* Classes of device differ in kind; strategies are written for a class. */
typedef enum sni_device_class { SNI_DEVICE_CPU, SNI_DEVICE_GPU } sni_device_class;

typedef struct sni_caps {
    sni_device_class device_class; /* CL_DEVICE_TYPE_CPU, or everything else */
    char platform[128], name[128], vendor[128], driver[128], device_version[128], c_version[64];
    uint32_t vendor_id;
    uint32_t compute_units;
    uint64_t global_bytes, max_alloc_bytes, local_bytes, constant_bytes;
    uint64_t global_cache_bytes;
    uint32_t cache_line_bytes;
    bool local_is_dedicated; /* CL_LOCAL, not CL_GLOBAL */
    bool unified_memory;     /* host and device share memory */
    uint32_t max_work_group; /* work-items */
    uint32_t max_work_item[3];
    uint32_t max_parameter_bytes;
    uint32_t mem_align_bytes;    /* of sub-buffers */
    uint32_t native_float_width; /* CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, at least 1 */
    bool work_items_are_lanes;   /* no vectors of its own, and work-groups want a multiple of some size */
    uint32_t address_bits;
    bool
        divides_on_request; /* f32 division and square root are rounded correctly when a build asks for it, and only then */
    bool has_f64;
    bool has_f16_arithmetic; /* reported, or probed */
    bool has_subgroups;      /* cl_khr_subgroups or 2.1+, usable */
    uint32_t subgroup_size;  /* 0: unknown */
    bool has_inline_ptx;     /* NVIDIA: asm volatile("...") works; shuffles and mma */
    uint32_t nv_compute_major, nv_compute_minor;
    bool has_amd_builtins; /* AMD's compiler: __builtin_amdgcn_... */
    uint64_t
        static_local_bytes; /* that __local variables of a kernel may take, where a probe found more than local_bytes */
    uint32_t instructions;  /* matrix instructions that a probe found right: bits by row, device/instructions.h */
    uint32_t wgmma;         /* dtypes whose products by wgmma a probe found right: bits of device/wgmma.h */
    /* A plan's precision (sinter_precision): EXACT and FAST. */
    bool only_exact, may_round;
    bool emulate_instructions; /* for tests: they are computed by plain code */
    /* Quirks of drivers. */
    bool local_counts_twice;            /* rusticl takes twice the local memory that a kernel declares */
    bool kernel_work_group_is_no_limit; /* rusticl reports a preferred size as CL_KERNEL_WORK_GROUP_SIZE */
    int64_t most_loop_steps;            /* llvmpipe silently ends all loops of a work-item after so many; 0: none */
    char identity[40];                  /* 32 hex digits; platform, device and driver versions are in it */
    char tuning_key[40];                /* 32 hex digits, without driver versions */
} sni_caps;

#endif
