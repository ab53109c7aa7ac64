/* Everything but OpenCL interop (sinter/opencl.h) and ONNX (sinter/onnx.h). */
#ifndef SINTER_SINTER_H
#define SINTER_SINTER_H

#include <sinter/allocator.h>
#include <sinter/buffer.h>
#include <sinter/cache.h>
#include <sinter/checkpoint.h>
#include <sinter/event.h>
#include <sinter/grad.h>
#include <sinter/graph.h>
#include <sinter/kernel.h>
#include <sinter/lora.h>
#include <sinter/optim.h>
#include <sinter/plan.h>
#include <sinter/plan_info.h>
#include <sinter/queue.h>
#include <sinter/runtime.h>
#include <sinter/status.h>
#include <sinter/types.h>

#endif
