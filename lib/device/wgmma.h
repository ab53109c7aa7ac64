/* A product by wgmma as definitions of OpenCL C: what cl/gemm/gpu_wgmma.cl wants to be defined. Plain data, whatever the
 * device. */
#ifndef SNI_DEVICE_WGMMA_H
#define SNI_DEVICE_WGMMA_H

#include <sinter/types.h>

#include "base/str.h"
#include "device/caps.h"

enum { SNI_WGMMA_K = 64 /* elements of k in a stage */, SNI_WGMMA_ROWS = 64 /* of a warpgroup */ };

typedef struct sni_wgmma {
    sinter_dtype dtype; /* F16 or BF16 */
    int groups;         /* warpgroups that multiply: 1 or 2 */
    int bn;             /* columns of a tile: 64, 128, 192 or 256 */
    int stages;
    bool a_along_k, b_along_k; /* do neighbouring elements of memory lie along k? */
} sni_wgmma;

/* The bit of sni_caps.wgmma for a dtype; 0: wgmma does not multiply it exactly. */
uint32_t sni_wgmma_bit(sinter_dtype dtype);
/* May the device have it? Whether it does is found out by a probe. */
bool sni_wgmma_possible(const sni_caps *caps);
/* Does it fit the local memory that variables may take, and take so much that a multiprocessor runs one work-group? */
bool sni_wgmma_fits(const sni_wgmma *w, const sni_caps *caps);
int sni_wgmma_items(const sni_wgmma *w); /* of a work-group */
void sni_wgmma_print(const sni_wgmma *w, sni_str *out);

/* A product of f32 by planes of bf16: what cl/gemm/gpu_planes.cl wants to be defined. */
typedef struct sni_planes {
    int groups; /* warpgroups that multiply: 1 or 2 */
    int bn;     /* columns of a tile: 64 or 128 */
    int stages; /* of 32 k */
    int planes; /* 3; or 2: numbers are rounded to 16 bits */
    bool a_along_k, b_along_k;
    bool a_window, b_window; /* a work-item loads of one row (column) of the tile; along k */
} sni_planes;

enum { SNI_PLANES_K = 32 };

bool sni_planes_fits(const sni_planes *p, const sni_caps *caps);
int sni_planes_items(const sni_planes *p);
void sni_planes_print(const sni_planes *p, sni_str *out);

/* Attention: what cl/attention/gpu_attention_wgmma.cl wants to be defined. */
typedef struct sni_wgmma_attention {
    sinter_dtype dtype;       /* F16 or BF16 */
    int keys, columns, depth; /* of a block: 64, 128 or 256, depth at least the program's */
    int blocks;               /* of k and v each in local memory */
} sni_wgmma_attention;

enum { SNI_WGMMA_ATTENTION_ROWS = 128 /* of a work-group */ };

/* Besides what sni_wgmma_fits says: do sums, scores and weights fit in registers? */
bool sni_wgmma_attention_fits(const sni_wgmma_attention *w, const sni_caps *caps);
int sni_wgmma_attention_items(void);
void sni_wgmma_attention_print(const sni_wgmma_attention *w, sni_str *out);

#endif
