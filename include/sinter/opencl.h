/* Interop with a program's own OpenCL objects. The only public header that includes CL/cl.h. */
#ifndef SINTER_OPENCL_H
#define SINTER_OPENCL_H

#include <CL/cl.h>

#include <sinter/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

/* As sinter_runtime_create on the caller's context, device and in-order queue. The runtime
 * retains all three. options->device is ignored. */
SINTER_API SINTER_MUST_USE sinter_status sinter_runtime_create_from_opencl(cl_context context, cl_device_id device,
                                                                           cl_command_queue queue,
                                                                           const sinter_runtime_options *options,
                                                                           sinter_runtime **out_runtime);
/* Wraps a cl_mem of the runtime's context; it is retained until the buffer is released. */
SINTER_API SINTER_MUST_USE sinter_status sinter_buffer_wrap(sinter_runtime *runtime, cl_mem memory,
                                                            sinter_buffer **out_buffer);
/* The runtime's own objects; not retained for the caller. */
SINTER_API cl_context sinter_runtime_cl_context(const sinter_runtime *runtime);
SINTER_API cl_device_id sinter_runtime_cl_device(const sinter_runtime *runtime);
SINTER_API cl_command_queue sinter_runtime_cl_queue(const sinter_runtime *runtime);
SINTER_API cl_mem sinter_buffer_cl_mem(const sinter_buffer *buffer);

#ifdef __cplusplus
}
#endif
#endif
