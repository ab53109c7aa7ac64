/* Reading a command's options.
 *
 *     const char *device = NULL;
 *     bool json = false;
 *     tool_list inputs = {0}, models = {0};
 *     const tool_option options[] = {
 *         {"--device", TOOL_OPTION_TEXT, &device},
 *         {"--json", TOOL_OPTION_FLAG, &json},
 *         {"--input", TOOL_OPTION_LIST, &inputs},
 *         {NULL}};
 *     int code = tool_options_parse(argc, argv, options, &models);
 *     if (code != TOOL_DONE) return code;
 *
 * "--name VALUE" and "--name=VALUE" are the same; "--" ends the options. Nothing is copied: texts
 * are those of argv. Lists are freed with tool_list_deinit (also after an error). */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct tool_list {
    const char **items;
    size_t count, capacity;
} tool_list;

typedef enum tool_option_kind {
    TOOL_OPTION_FLAG, /* bool: set to true, takes no value */
    TOOL_OPTION_TEXT, /* const char * */
    TOOL_OPTION_INT,  /* long long; must be a number, 0 or more */
    TOOL_OPTION_LIST  /* tool_list: may be given several times */
} tool_option_kind;

typedef struct tool_option {
    const char *name; /* with its dashes; NULL ends the table */
    tool_option_kind kind;
    void *target;
} tool_option;

/* Fills the targets; what is no option goes to out_rest (NULL: there may be none). TOOL_DONE, or
 * TOOL_USAGE after a message, or TOOL_FAILED when memory is out. */
int tool_options_parse(int argc, char **argv, const tool_option *options, tool_list *out_rest);
bool tool_list_push(tool_list *list, const char *item);
void tool_list_deinit(tool_list *list);
/* Splits "NAME=VALUE" at the first '='. The name is copied into name (capacity bytes); returns the
 * value, or NULL when there is no '=', no name, or the name is too long. */
const char *tool_option_split(const char *text, char *name, size_t capacity);

#endif
