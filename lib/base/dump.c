#include "base/dump.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"

struct sni_dump {
    char *dir; /* NULL: could not be made */
    int files;
    bool warned;
};

static _Thread_local sni_dump *t_dump;

static void warn(sni_dump *dump, const char *what, const char *path, int error) {
    if (!dump->warned) sni_log(SNI_LOG_WARNING, "SINTER_DUMP: cannot %s %s: %s", what, path, strerror(error));
    dump->warned = true;
}

/* A directory that nobody has yet. Numbers of processes come again, so that one of an earlier process may be in the way. */
#define MOST_TRIES 100000

static char *make_dir(sni_dump *dump, const char *root) {
    static atomic_int number;
    if (sni_dir_create(root) != SINTER_OK) {
        warn(dump, "make", root, errno);
        return NULL;
    }
    for (int i = 0; i < MOST_TRIES; ++i) {
        sni_str path = SNI_STR_INIT;
        sni_str_printf(&path, "%s/%ld-%d", root, (long)getpid(), atomic_fetch_add(&number, 1));
        if (!path.failed && mkdir(path.text, 0777) == 0) return sni_str_take(&path);
        int error = path.failed ? ENOMEM : errno;
        sni_str_deinit(&path);
        if (error == EEXIST) continue;
        warn(dump, "make a directory in", root, error);
        return NULL;
    }
    warn(dump, "make a directory in", root, EEXIST);
    return NULL;
}

sni_dump *sni_dump_begin(void) {
    sni_dump *before = t_dump;
    const char *root = sni_env("SINTER_DUMP");
    t_dump = root ? sni_calloc(1, sizeof *t_dump) : NULL;
    if (t_dump) t_dump->dir = make_dir(t_dump, root);
    return before;
}

void sni_dump_end(sni_dump *before) {
    if (t_dump) sni_free(t_dump->dir);
    sni_free(t_dump);
    t_dump = before;
}

bool sni_dump_wanted(void) {
    return t_dump && t_dump->dir;
}

static bool is_plain(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
}

static void write_file(const char *path, const sni_str *text) {
    FILE *file = fopen(path, "wb");
    bool whole = file && fwrite(sni_str_text(text), 1, text->length, file) == text->length;
    int error = errno;
    if (file && fclose(file) != 0 && whole) {
        whole = false;
        error = errno;
    }
    if (!whole) warn(t_dump, "write", path, error);
}

void sni_dump_write(const char *name, const char *ending, sni_str *text) {
    sni_str path = SNI_STR_INIT;
    if (sni_dump_wanted()) {
        sni_str_printf(&path, "%s/%02d-", t_dump->dir, t_dump->files++);
        for (; *name; ++name) sni_str_append_n(&path, is_plain(*name) ? name : "_", 1);
        sni_str_printf(&path, ".%s", ending);
        if (path.failed || text->failed)
            warn(t_dump, "write to", t_dump->dir, ENOMEM);
        else
            write_file(path.text, text);
    }
    sni_str_deinit(&path);
    sni_str_deinit(text);
}
