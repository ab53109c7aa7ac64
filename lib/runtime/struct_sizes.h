/* How large arguments are whose type a kernel's source declares: drivers tell the type's name, not its size. */
#ifndef SNI_RUNTIME_STRUCT_SIZES_H
#define SNI_RUNTIME_STRUCT_SIZES_H

#include "runtime/runtime.h"

/* Fills sizes (one for each argument of the launch): the bytes of an argument that is passed by value and whose type is no built-in
 * one; 0 for the others, and where the device does not say. Only for such arguments, a second kernel is built and run. */
void sni_struct_sizes(sinter_runtime *runtime, const sni_program_source *source, const sni_launch *launch,
                      unsigned *sizes);

#endif
