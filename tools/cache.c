/* `sinter cache`: looks after the kernel cache on disk. */
#include <string.h>

#include "base/alloc.h"
#include "command.h"
#include "kernel/kernel.h"
#include "options.h"

static int print_path(void) {
    char *path = NULL;
    sinter_status status = sni_cache_dir(NULL, &path);
    if (status != SINTER_OK) return tool_fail(status, "cache");
    puts(path);
    sni_free(path);
    return TOOL_DONE;
}

static int print_usage(bool verify) {
    sni_cache_usage usage;
    sinter_status status = sni_cache_usage_of(NULL, verify, &usage);
    if (status != SINTER_OK) return tool_fail(status, "cache");
    printf("entries: %llu\nbytes: %llu\n", (unsigned long long)usage.entries, (unsigned long long)usage.bytes);
    if (verify) printf("bad: %llu\n", (unsigned long long)usage.bad);
    return usage.bad ? TOOL_FAILED : TOOL_DONE;
}

static int clear(void) {
    sni_cache_usage removed;
    sinter_status status = sni_cache_clear(NULL, &removed);
    if (status != SINTER_OK) return tool_fail(status, "cache");
    printf("removed: %llu\nbytes: %llu\n", (unsigned long long)removed.entries, (unsigned long long)removed.bytes);
    return TOOL_DONE;
}

int tool_cache(int argc, char **argv) {
    tool_list rest = {NULL, 0, 0};
    int code = tool_options_parse(argc, argv, NULL, &rest);
    if (code == TOOL_DONE) {
        const char *verb = rest.count == 1 ? rest.items[0] : "";
        if (!strcmp(verb, "path"))
            code = print_path();
        else if (!strcmp(verb, "stats"))
            code = print_usage(false);
        else if (!strcmp(verb, "verify"))
            code = print_usage(true);
        else if (!strcmp(verb, "clear"))
            code = clear();
        else
            code = tool_usage("cache wants one of path, stats, verify, clear");
    }
    tool_list_deinit(&rest);
    return code;
}
