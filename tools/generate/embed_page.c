/* Build tool: joins the files of the explain page into two C strings, what stands before the plan's data and what stands
 * behind it.
 * usage: sinter-embed-page OUT.c BEFORE... -- AFTER... */
#include <stdio.h>
#include <string.h>

static int embed_file(FILE *out, const char *path) {
    FILE *in = fopen(path, "rb");
    if (!in) {
        perror(path);
        return 1;
    }
    int c;
    while ((c = fgetc(in)) != EOF) {
        if (c == '\n')
            fputs("\\n\"\n    \"", out);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c >= ' ' && c < 0x7f)
            fputc(c, out);
        else
            fprintf(out, "\\%03o", (unsigned)c);
    }
    fclose(in);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: %s OUT.c BEFORE... -- AFTER...\n", argv[0]);
        return 2;
    }
    FILE *out = fopen(argv[1], "wb");
    if (!out) {
        perror(argv[1]);
        return 1;
    }
    int failed = 0;
    fputs("/* Generated from lib/plan/page/; do not edit. */\n#include \"plan/page.h\"\n\n"
          "const char sni_page_before[] =\n    \"",
          out);
    for (int i = 2; i < argc; ++i) {
        if (strcmp(argv[i], "--") == 0)
            fputs("\";\n\nconst char sni_page_after[] =\n    \"", out);
        else
            failed |= embed_file(out, argv[i]);
    }
    fputs("\";\n", out);
    return fclose(out) || failed;
}
