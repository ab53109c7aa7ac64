/* PTX that the driver's OpenCL C compiler does not let through.
 *
 * wgmma and setmaxnreg exist only for the target sm_90a, and NVIDIA's compiler names sm_90. A kernel that wants them has them
 * in inline assembly behind "//@", a comment for the first compilation. The program's binary is PTX text: the patch takes the
 * marks away, names the target sm_90a, and declares memory for tensor maps; the text is then loaded as a binary. */
#ifndef SNI_KERNEL_PATCH_H
#define SNI_KERNEL_PATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Must stand in the source of a kernel that is to be patched, so that it is in the kernel's key; the number grows with every
 * change of what the patch does. */
#define SNI_PATCH_MARK "SN_PTX_PATCH 1"

bool sni_patch_wanted(const char *source);
/* The patched text of a binary, with a final NUL that is not counted; sni_free. UNSUPPORTED: it is no PTX text for sm_90, or
 * holds no mark. OUT_OF_MEMORY. */
sinter_status sni_patch_ptx(const unsigned char *binary, size_t size_bytes, char **out_text, size_t *out_length);

#endif
