/*
 * flags: the command line of a program for tests; --name value, or --name alone.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* What follows --name, or `otherwise` when it is not there. */
static inline const char *flag_text(char **argv, const char *name, const char *otherwise)
{
    for (char **arg = argv + 1; *arg; arg++)
        if (strcmp(*arg, name) == 0 && arg[1])
            return arg[1];
    return otherwise;
}

static inline int64_t flag_number(char **argv, const char *name, int64_t otherwise)
{
    int64_t value = otherwise;
    const char *text = flag_text(argv, name, NULL);
    if (text && !bn_parse_i64(bn_str(text), 0, INT64_MAX, &value)) {
        fprintf(stderr, "%s must be a number from 0, got %s\n", name, text);
        exit(2);
    }
    return value;
}

static inline bool flag_is_set(char **argv, const char *name)
{
    for (char **arg = argv + 1; *arg; arg++)
        if (strcmp(*arg, name) == 0)
            return true;
    return false;
}
