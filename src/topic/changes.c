#include "topic/changes.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct commit {
    uint64_t seq;
    uint64_t end; /* count of all changes ever, after this commit */
};

struct bn_changes {
    struct bn_changed *ring;
    size_t cap;     /* a power of two, grows to BN_TOPIC_RING_CHANGES */
    uint64_t first; /* changes are counted from the start; those in first..end are remembered */
    uint64_t end;
    uint64_t committed; /* end of the last commit */
    struct commit commits[BN_TOPIC_RING_COMMITS];
    uint64_t commit_first;
    uint64_t commit_end;
};

struct bn_changes *bn_changes_create(void)
{
    return bn_alloc(sizeof(struct bn_changes));
}

void bn_changes_destroy(struct bn_changes *changes)
{
    if (!changes)
        return;
    free(changes->ring);
    free(changes);
}

static struct bn_changed *at(const struct bn_changes *changes, uint64_t i)
{
    return &changes->ring[i & (changes->cap - 1)];
}

static struct commit *commit_at(struct bn_changes *changes, uint64_t i)
{
    return &changes->commits[i % BN_TOPIC_RING_COMMITS];
}

static void forget_oldest_commit(struct bn_changes *changes)
{
    changes->first = commit_at(changes, changes->commit_first)->end;
    changes->commit_first++;
}

static void grow(struct bn_changes *changes)
{
    size_t cap = changes->cap ? changes->cap * 2 : 64;
    struct bn_changed *ring = bn_alloc_array(cap, sizeof *ring);
    for (uint64_t i = changes->first; i < changes->end; i++)
        ring[i & (cap - 1)] = *at(changes, i);
    free(changes->ring);
    changes->ring = ring;
    changes->cap = cap;
}

static void make_room(struct bn_changes *changes)
{
    if (changes->end - changes->first < changes->cap)
        return;
    if (changes->cap >= BN_TOPIC_RING_CHANGES && changes->commit_first < changes->commit_end)
        while (changes->end - changes->first == changes->cap &&
                changes->commit_first < changes->commit_end)
            forget_oldest_commit(changes);
    else
        grow(changes); /* one commit larger than the ring: bounded by the rows of the tables shown
                        */
}

static void append(struct bn_changes *changes, const struct bn_changed *what, const char *key)
{
    make_room(changes);
    struct bn_changed *changed = at(changes, changes->end++);
    *changed = *what;
    bn_text_clip(changed->key, sizeof changed->key, bn_str(key));
}

void bn_changes_add(struct bn_changes *changes, uint64_t stamp, uint8_t section, struct bn_row *row,
        const char *key, uint64_t fields)
{
    if (row->changed_at == stamp) {
        at(changes, row->changed)->fields |= fields;
        return;
    }
    append(changes, &(struct bn_changed){.fields = fields, .section = section}, key);
    row->changed_at = stamp;
    row->changed = changes->end - 1;
}

void bn_changes_add_gone(struct bn_changes *changes, uint8_t section, const char *key)
{
    append(changes,
            &(struct bn_changed){.fields = BN_MASK_ALL, .section = section, .was_gone = true}, key);
}

bool bn_changes_has_pending(const struct bn_changes *changes)
{
    return changes->end > changes->committed;
}

void bn_changes_commit(struct bn_changes *changes, uint64_t seq)
{
    if (changes->commit_end - changes->commit_first == BN_TOPIC_RING_COMMITS)
        forget_oldest_commit(changes);
    *commit_at(changes, changes->commit_end++) = (struct commit){seq, changes->end};
    changes->committed = changes->end;
}

size_t bn_changes_bytes(const struct bn_changes *changes)
{
    return changes->cap * sizeof *changes->ring;
}

uint64_t bn_changes_oldest_after(const struct bn_changes *changes, uint64_t seq)
{
    return seq - (changes->commit_end - changes->commit_first);
}

static int compare(const void *a, const void *b)
{
    const struct bn_changed *x = a;
    const struct bn_changed *y = b;
    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    return strcmp(x->key, y->key);
}

size_t bn_changes_since(const struct bn_changes *changes, uint64_t after, struct bn_changed **out)
{
    uint64_t begin = changes->first;
    for (uint64_t i = changes->commit_end; i > changes->commit_first; i--) {
        const struct commit *commit = &changes->commits[(i - 1) % BN_TOPIC_RING_COMMITS];
        if (commit->seq <= after) {
            begin = commit->end;
            break;
        }
    }
    size_t n = (size_t)(changes->committed - begin);
    struct bn_changed *list = bn_alloc_array(n, sizeof *list);
    for (size_t i = 0; i < n; i++)
        list[i] = *at(changes, begin + i);
    qsort(list, n, sizeof *list, compare);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && compare(&list[kept - 1], &list[i]) == 0) {
            list[kept - 1].fields |= list[i].fields;
            list[kept - 1].was_gone |= list[i].was_gone;
        } else {
            list[kept++] = list[i];
        }
    }
    *out = list;
    return kept;
}
