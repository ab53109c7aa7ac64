/* Status codes and the calling thread's last error. */
#ifndef SINTER_STATUS_H
#define SINTER_STATUS_H

#include <sinter/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One row per status: identifier suffix, text. The order is part of the ABI; append only. */
#define SINTER_STATUS_LIST(X)                                                                                          \
    X(OK, "success")                                                                                                   \
    X(INVALID_ARGUMENT, "invalid argument")                                                                            \
    X(OUT_OF_MEMORY, "out of host memory")                                                                             \
    X(OUT_OF_DEVICE_MEMORY, "out of device memory")                                                                    \
    X(NO_DEVICE, "no such OpenCL device")                                                                              \
    X(UNSUPPORTED, "not supported")                                                                                    \
    X(SHAPE, "shapes do not fit")                                                                                      \
    X(DTYPE, "wrong data type")                                                                                        \
    X(UNBOUND_DIMENSION, "a dimension has no value")                                                                   \
    X(PARSE, "malformed input")                                                                                        \
    X(IO, "input or output failed")                                                                                    \
    X(BUILD, "a kernel does not compile")                                                                              \
    X(DEVICE, "the OpenCL driver reported an error")                                                                   \
    X(CANCELLED, "cancelled by the caller")                                                                            \
    X(INTERNAL, "internal error")

typedef enum sinter_status {
#define SINTER_STATUS_ENUM(name, text) SINTER_##name,
    SINTER_STATUS_LIST(SINTER_STATUS_ENUM)
#undef SINTER_STATUS_ENUM
} sinter_status;

/* A status-returning function: zero is success and the result must be used. Unless its header says otherwise, what it returns
 * through a pointer to an object is NULL after a failure, and counts and structs are as they were or zero. A child after fork may
 * not use objects made before it: calls say UNSUPPORTED there, and releases do nothing. */
#define SINTER_MUST_USE SINTER_WARN_UNUSED

/* The text of a status ("success", "out of host memory", ...). Never NULL. Any thread. */
SINTER_API const char *sinter_status_string(sinter_status status);

/* The version of the library that is loaded ("0.1.0"), where SINTER_VERSION_STRING is that of the headers. Any thread. */
SINTER_API const char *sinter_version(void);

/* What went wrong in the last call that failed on the calling thread: what, where, and
 * where there is one the OpenCL error's name or the build log with numbered source.
 * Never NULL; "" when nothing failed yet. The text belongs to the library and stays valid
 * until the thread's next failing call. */
SINTER_API const char *sinter_last_error(void);

/* Frees what the library handed to the caller as text. NULL is allowed. */
SINTER_API void sinter_free(void *text);

#ifdef __cplusplus
}
#endif
#endif
