/* The arguments of a kernel, so that a launch can check what it is given. Drivers forget them for
 * programs from binaries, hence they are stored beside the binary. */
#ifndef SNI_KERNEL_SIGNATURE_H
#define SNI_KERNEL_SIGNATURE_H

#include <CL/cl.h>

#include "base/status.h"
#include "base/str.h"

typedef enum sni_param_kind {
    SNI_PARAM_UNKNOWN, /* the driver does not say; it checks itself */
    SNI_PARAM_BUFFER,  /* __global or __constant pointer */
    SNI_PARAM_LOCAL,   /* __local pointer */
    SNI_PARAM_SCALAR   /* by value */
} sni_param_kind;

typedef struct sni_param {
    sni_param_kind kind;
    unsigned size_bytes; /* of a scalar; 0: not known */
    char type[48], name[48];
} sni_param;

typedef struct sni_signature {
    sni_param *params;
    int count;
} sni_signature;

/* Asks the driver. */
sinter_status sni_signature_query(cl_kernel kernel, sni_signature *out_signature);
/* One line per argument: kind, size, type, name. */
void sni_signature_print(const sni_signature *signature, sni_str *out);
/* Reads what print wrote; false when it is anything else or memory is out. */
bool sni_signature_parse(const char *text, size_t length, sni_signature *out_signature);
void sni_signature_deinit(sni_signature *signature);

#endif
