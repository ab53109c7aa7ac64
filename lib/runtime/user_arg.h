/* What a hand-written kernel declares its arguments to be. */
#ifndef SNI_RUNTIME_USER_ARG_H
#define SNI_RUNTIME_USER_ARG_H

#include <CL/cl.h>

#include <sinter/kernel.h>

#include "base/status.h"
#include "base/str.h"

typedef struct sni_user_arg {
    bool known;           /* false: the driver does not tell; anything goes */
    sinter_arg_kind kind;
    size_t size_bytes;    /* of a scalar; 0: not known (a struct) */
    char *type;           /* "float", "__global float*"; NULL when not known */
    char *name;           /* NULL when not known */
} sni_user_arg;

/* Asks the driver about count arguments. UNSUPPORTED: one that this interface cannot pass, such as
 * an image. */
sinter_status sni_user_args_query(cl_kernel kernel, int count, sni_user_arg **out_args);
void sni_user_args_release(sni_user_arg *args, int count);
/* Does a caller's argument fit? INVALID_ARGUMENT names index and what is wanted. */
sinter_status sni_user_arg_check(const sni_user_arg *wanted, int index, const sinter_arg *arg);
/* Appends "__global float* out, int n". */
void sni_user_args_list(const sni_user_arg *args, int count, sni_str *out);
/* Bytes of a value of an OpenCL C type ("uint4": 16), 0 when it is no built-in one. */
size_t sni_user_type_size(const char *type);

#endif
