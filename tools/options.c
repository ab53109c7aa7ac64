/* Reading a command's options; see options.h. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

bool tool_list_push(tool_list *list, const char *item) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;
        const char **items = realloc(list->items, capacity * sizeof *items);
        if (!items) return false;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = item;
    return true;
}

void tool_list_deinit(tool_list *list) {
    free(list->items);
    *list = (tool_list){0};
}

const char *tool_option_split(const char *text, char *name, size_t capacity) {
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) return NULL;
    size_t length = (size_t)(equals - text);
    if (length >= capacity) return NULL;
    memcpy(name, text, length);
    name[length] = 0;
    return equals + 1;
}

/* The option that arg names; *out_value is what stands behind '=' or NULL. */
static const tool_option *find_option(const tool_option *options, const char *arg, const char **out_value) {
    size_t length = strcspn(arg, "=");
    *out_value = arg[length] ? arg + length + 1 : NULL;
    for (const tool_option *option = options; option && option->name; ++option)
        if (strlen(option->name) == length && !strncmp(option->name, arg, length)) return option;
    return NULL;
}

static int out_of_memory(void) {
    fputs("sinter: out of memory\n", stderr);
    return TOOL_FAILED;
}

static int store_int(const tool_option *option, const char *value) {
    char *end = NULL;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno || end == value || *end || number < 0)
        return tool_usage("%s wants a number, not '%s'", option->name, value);
    *(long long *)option->target = number;
    return TOOL_DONE;
}

static int store_value(const tool_option *option, const char *value) {
    switch (option->kind) {
    case TOOL_OPTION_TEXT:
        *(const char **)option->target = value;
        return TOOL_DONE;
    case TOOL_OPTION_INT:
        return store_int(option, value);
    case TOOL_OPTION_LIST:
        return tool_list_push(option->target, value) ? TOOL_DONE : out_of_memory();
    case TOOL_OPTION_FLAG:
        break;
    }
    return tool_usage("%s takes no value", option->name);
}

static int parse_rest(const char *arg, tool_list *out_rest) {
    if (!out_rest) return tool_usage("unexpected argument '%s'", arg);
    return tool_list_push(out_rest, arg) ? TOOL_DONE : out_of_memory();
}

int tool_options_parse(int argc, char **argv, const tool_option *options, tool_list *out_rest) {
    bool ended = false;
    int code = TOOL_DONE;
    for (int i = 1; i < argc && code == TOOL_DONE; ++i) {
        const char *arg = argv[i], *value = NULL;
        if (ended || arg[0] != '-' || !arg[1]) {
            code = parse_rest(arg, out_rest);
            continue;
        }
        if (!strcmp(arg, "--")) {
            ended = true;
            continue;
        }
        const tool_option *option = find_option(options, arg, &value);
        if (!option) return tool_usage("unknown option '%s'", arg);
        if (option->kind == TOOL_OPTION_FLAG && !value) {
            *(bool *)option->target = true;
            continue;
        }
        if (!value && i + 1 >= argc) return tool_usage("%s wants a value", option->name);
        code = store_value(option, value ? value : argv[++i]);
    }
    return code;
}
