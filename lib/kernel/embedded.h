/* The files of cl/, embedded at build time. */
#ifndef SNI_KERNEL_EMBEDDED_H
#define SNI_KERNEL_EMBEDDED_H

typedef struct sni_embedded_file {
    const char *name; /* path below cl/, such as "common/math.cl"; NULL ends the table */
    const char *text;
} sni_embedded_file;

extern const sni_embedded_file sni_embedded_files[];

#endif
