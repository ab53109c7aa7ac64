/* What the library and the helper program say to each other. The helper says SNI_PREBUILD_READY when it has its device.
 * Then, for each kernel, the library sends a line "build ENTRY OPTIONS SOURCE", the lengths of three texts in bytes, and
 * the texts; the helper answers with one of the other lines, after "last" it ends. */
#ifndef SNI_KERNEL_PREBUILD_PROTOCOL_H
#define SNI_KERNEL_PREBUILD_PROTOCOL_H

/* A helper of another version builds other kernels than the library expects, and is not used. */
#define SNI_PREBUILD_READY "sinter-builder 1"
#define SNI_PREBUILD_DONE "done"
#define SNI_PREBUILD_LAST "last" /* done, and the helper cannot go on */
#define SNI_PREBUILD_FAILED "failed"

#endif
