/* Build tool: writes the files of cl/ as one C table of strings.
 * usage: sinter-embed OUT.c ROOT FILE... */
#include <stdio.h>
#include <string.h>

static int embed_file(FILE *out, const char *root, const char *name) {
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", root, name) >= (int)sizeof path) return 1;
    FILE *in = fopen(path, "rb");
    if (!in) {
        perror(path);
        return 1;
    }
    fprintf(out, "    {\"%s\",\n     \"", name);
    int c;
    while ((c = fgetc(in)) != EOF) {
        if (c == '\n')
            fputs("\\n\"\n     \"", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else
            fputc(c, out);
    }
    fputs("\"},\n", out);
    fclose(in);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: %s OUT.c ROOT FILE...\n", argv[0]);
        return 2;
    }
    FILE *out = fopen(argv[1], "wb");
    if (!out) {
        perror(argv[1]);
        return 1;
    }
    fputs("/* Generated from cl/; do not edit. */\n#include \"kernel/embedded.h\"\n\n"
          "const sni_embedded_file sni_embedded_files[] = {\n",
          out);
    int failed = 0;
    for (int i = 3; i < argc; ++i) failed |= embed_file(out, argv[2], argv[i]);
    fputs("    {0, 0}};\n", out);
    return fclose(out) || failed;
}
