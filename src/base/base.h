/*
 * base: attributes, counts, and the intrusive list every owner keeps its things on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BN_MUST_CHECK       __attribute__((warn_unused_result))
#define BN_PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))
#define BN_CLEANUP(fn)      __attribute__((cleanup(fn)))
#define BN_UNUSED           __attribute__((unused))

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BN_MIN(a, b) ((a) < (b) ? (a) : (b))
#define BN_MAX(a, b) ((a) > (b) ? (a) : (b))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* A circular list whose links live inside the things listed. A head is a link too; an unlisted
   link points at itself, so leaving twice is harmless. */
struct bn_list {
    struct bn_list *next;
    struct bn_list *prev;
};

static inline void bn_list_init(struct bn_list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool bn_list_is_empty(const struct bn_list *list)
{
    return list->next == list;
}

/* Puts link before head, which is the end of the list. */
static inline void bn_list_append(struct bn_list *head, struct bn_list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void bn_list_remove(struct bn_list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    bn_list_init(link);
}

/* NOLINTBEGIN(bugprone-macro-parentheses): `it` is declared here, where none may stand. */
#define bn_list_each(it, head) for (struct bn_list *it = (head)->next; it != (head); it = it->next)

/* The body may remove `it`. */
#define bn_list_each_safe(it, tmp, head) \
    for (struct bn_list *it = (head)->next, *tmp = it->next; it != (head); it = tmp, tmp = it->next)
/* NOLINTEND(bugprone-macro-parentheses) */

/* Small internal allocations: never NULL. On a server the failure branch could never be tested
   honestly, so the process stops with one line. What a stranger sizes goes through bn_buf. */
void *bn_alloc(size_t size) __attribute__((malloc, alloc_size(1), returns_nonnull));
void *bn_alloc_array(size_t count, size_t size)
        __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *bn_realloc(void *ptr, size_t size) __attribute__((alloc_size(2), returns_nonnull));
char *bn_strdup(const char *text) __attribute__((malloc, returns_nonnull));

/* For a program that runs for months, before its first thread: what is large and short-lived goes
   back to the kernel at once, and threads share two heaps. A simulated day of a machine with 64
   cores kept 13.5 MB so, and 14 to 16 MB in steps of one without. */
void bn_memory_prepare(void);
