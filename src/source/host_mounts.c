#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "source/host_parts.h"
#include "wire/procfs_io.h"

#define ROWS_MAX      512
#define PROBES_MAX    16 /* threads; further network file systems are told without sizes */
#define LOOK_EVERY_NS (10 * BN_SECOND_NS)
#define HANGS_NS                                                                     \
    (15 * BN_SECOND_NS) /* no answer for that long: its sizes are not known any more \
                         */
#define PATH_MAX_HERE 512

enum sort { SORT_NONE, SORT_LOCAL, SORT_NETWORK };

/* One place a file system is mounted at; several share a device and only the best is told. */
struct place {
    uint64_t device;
    enum sort sort;
    bool is_whole; /* not a part of the file system mounted elsewhere (bind mount, subvolume) */
    bool is_read_only;
    bool is_sealed;
    char point[PATH_MAX_HERE];
    char source[sizeof((struct bn_mount *)0)->device];
    char type[sizeof((struct bn_mount *)0)->type];
};

struct mount {
    struct bn_host_row row;
    uint64_t device;
    enum sort sort;
    struct bn_mount record; /* as last told */
    char path[PATH_MAX_HERE];
    struct bn_fs_probe *probe;
    bool is_asked;
    int64_t asked_ns;
};

struct bn_host_mounts {
    struct bn_host_file mountinfo;
    struct bn_host_due look_due;
    struct bn_host_rows rows;
    struct place *places;
    size_t place_count;
    size_t place_cap;
    size_t probe_count;
};

struct bn_host_mounts *bn_host_mounts_create(void)
{
    struct bn_host_mounts *mounts = bn_alloc(sizeof *mounts);
    mounts->mountinfo = (struct bn_host_file)BN_HOST_FILE("/proc/self/mountinfo");
    bn_host_rows_init(&mounts->rows, sizeof(struct mount), BN_ID_MAX, ROWS_MAX);
    return mounts;
}

void bn_host_mounts_destroy(struct bn_host_mounts *mounts)
{
    for (size_t i = 0; i < mounts->rows.count; i++) {
        struct mount *mount = bn_host_rows_at(&mounts->rows, i);
        bn_fs_probe_destroy(mount->probe);
    }
    bn_host_file_close(&mounts->mountinfo);
    bn_host_rows_finish(&mounts->rows);
    free(mounts->places);
    free(mounts);
}

/* --- which are told ----------------------------------------------------------------------------
 */

static bool is_one_of(struct bn_str word, const char *const *list)
{
    for (; *list; list++)
        if (bn_str_is(word, *list))
            return true;
    return false;
}

/* Real file systems only: what can fill up and what a person put there. The root is told whatever
   it is, since there is always one; memory file systems only where a full one hurts the whole
   machine. */
static enum sort sort_of(const struct bn_procfs_mount *mount, const char *point)
{
    static const char *const local[] = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "bcachefs",
            "f2fs", "jfs", "reiserfs", "nilfs2", "vfat", "exfat", "ntfs", "ntfs3", "fuseblk",
            "hfsplus", "ufs", NULL};
    static const char *const network[] = {"nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "afs",
            "beegfs", "gpfs", "9p", "virtiofs", "ocfs2", "gfs2", NULL};
    /* Views of something that is told elsewhere or is no storage at all. */
    static const char *const views[] = {"fuse.lxcfs", "fuse.gvfsd-fuse", "fuse.portal",
            "fuse.snapfuse", "fuse.rofiles-fuse", "fuse.archivemount", NULL};
    static const char *const memory_points[] = {"/tmp", "/run", NULL};
    if (is_one_of(mount->type, local))
        return SORT_LOCAL;
    if (is_one_of(mount->type, network))
        return SORT_NETWORK;
    if (bn_str_starts(mount->type, "fuse."))
        return is_one_of(mount->type, views) ? SORT_NONE : SORT_NETWORK;
    if (strcmp(point, "/") == 0)
        return SORT_LOCAL;
    if (bn_str_is(mount->type, "tmpfs") && is_one_of(bn_str(point), memory_points))
        return SORT_LOCAL;
    return SORT_NONE;
}

static void drop_hidden(struct bn_host_mounts *mounts, const char *point)
{
    for (size_t i = 0; i < mounts->place_count; i++)
        if (strcmp(mounts->places[i].point, point) == 0) {
            mounts->places[i] = mounts->places[--mounts->place_count];
            return;
        }
}

static struct place *add_place(struct bn_host_mounts *mounts)
{
    if (mounts->place_count == mounts->place_cap) {
        mounts->place_cap = mounts->place_cap ? mounts->place_cap * 2 : 16;
        mounts->places = bn_realloc(mounts->places, mounts->place_cap * sizeof *mounts->places);
    }
    return &mounts->places[mounts->place_count++];
}

static bool is_better(const struct place *a, const struct place *b)
{
    if (a->is_whole != b->is_whole)
        return a->is_whole;
    size_t a_len = strlen(a->point);
    size_t b_len = strlen(b->point);
    return a_len != b_len ? a_len < b_len : strcmp(a->point, b->point) < 0;
}

/* Whether no other place of the same file system is the better one to tell. */
static bool is_best(const struct bn_host_mounts *mounts, const struct place *place)
{
    for (size_t i = 0; i < mounts->place_count; i++) {
        const struct place *other = &mounts->places[i];
        if (other != place && other->device == place->device && other->sort != SORT_NONE &&
                is_better(other, place))
            return false;
    }
    return true;
}

/* A service manager may give us everything read-only (ProtectSystem=strict): the root among the
   rest, whose file system is written all the time. Then that is our cage and not the machine's
   state. */
static void unseal(struct bn_host_mounts *mounts)
{
    bool is_caged = false;
    for (size_t i = 0; i < mounts->place_count; i++)
        is_caged |= mounts->places[i].is_sealed && strcmp(mounts->places[i].point, "/") == 0;
    for (size_t i = 0; is_caged && i < mounts->place_count; i++)
        mounts->places[i].is_read_only &= !mounts->places[i].is_sealed;
}

static void collect(struct bn_host_mounts *mounts, struct bn_host_sampler *s, struct bn_str text)
{
    struct bn_procfs_mount mount;
    mounts->place_count = 0;
    while (bn_procfs_mount_next(&text, &mount)) {
        char point[PATH_MAX_HERE];
        char source[PATH_MAX_HERE];
        if (bn_scan_unescape(mount.point, point, sizeof point) + 1 == sizeof point)
            continue; /* perhaps cut: it could not be asked */
        drop_hidden(mounts, point);
        enum sort sort = sort_of(&mount, point);
        if (sort == SORT_NONE || mounts->place_count == ROWS_MAX)
            continue;
        struct place *place = add_place(mounts);
        *place = (struct place){.device = mount.device,
                .sort = sort,
                .is_whole = bn_str_is(mount.root, "/"),
                .is_read_only = mount.is_read_only,
                .is_sealed = mount.is_sealed};
        memcpy(place->point, point, sizeof point);
        size_t len = bn_scan_unescape(mount.source, source, sizeof source);
        bn_scan_label(place->source, sizeof place->source, (struct bn_str){source, len});
        bn_scan_label(place->type, sizeof place->type, mount.type);
    }
    unseal(mounts);
    /* A container gets single files (/etc/hosts) from a disk of its host: no folder, not told. */
    for (size_t i = 0; i < mounts->place_count; i++) {
        struct bn_fs_size size;
        struct place *place = &mounts->places[i];
        if (!place->is_whole && place->sort == SORT_LOCAL && strcmp(place->point, "/") != 0 &&
                !s->world.fs_read(place->point, &size))
            place->sort = SORT_NONE;
    }
}

/* --- sizes -------------------------------------------------------------------------------------
 */

static void forget_sizes(struct bn_mount *record)
{
    record->total_bytes = record->used_bytes = record->available_bytes = BN_UNKNOWN;
    record->inodes_total = record->inodes_used = BN_UNKNOWN;
    record->used_pct = NAN;
}

static void note_sizes(struct bn_mount *record, const struct bn_fs_size *size)
{
    forget_sizes(record);
    if (size->total_bytes == 0 || size->free_bytes > size->total_bytes)
        return; /* no storage of its own */
    uint64_t used = size->total_bytes - size->free_bytes;
    record->total_bytes = bn_gauge(size->total_bytes);
    record->used_bytes = bn_gauge(used);
    record->available_bytes = bn_gauge(size->available_bytes);
    double reach = (double)used + (double)size->available_bytes;
    if (reach > 0)
        record->used_pct = 100 * (double)used / reach;
    if (size->inodes_total == 0 || size->inodes_free > size->inodes_total)
        return;
    record->inodes_total = bn_gauge(size->inodes_total);
    record->inodes_used = bn_gauge(size->inodes_total - size->inodes_free);
}

static void drop_probe(struct bn_host_mounts *mounts, struct mount *mount)
{
    if (!mount->probe)
        return;
    bn_fs_probe_destroy(mount->probe);
    mount->probe = NULL;
    mounts->probe_count--;
}

/* The thread asks and we look again next second. */
static void ask_network(struct bn_host_mounts *mounts, struct mount *mount,
        struct bn_host_sampler *s)
{
    if (!mount->probe && mounts->probe_count < PROBES_MAX &&
            bn_fs_probe_create(mount->path, s->world.fs_read, &mount->probe, NULL))
        mounts->probe_count++;
    if (!mount->probe || mount->is_asked)
        return;
    bn_fs_probe_ask(mount->probe);
    mount->is_asked = true;
    mount->asked_ns = s->at.mono_ns;
}

static void hear_network(struct mount *mount, struct bn_host_sampler *s)
{
    struct bn_fs_size size;
    if (!mount->probe || !mount->is_asked)
        return;
    enum bn_fs_answer answer = bn_fs_probe_take(mount->probe, &size);
    if (answer == BN_FS_SIZE)
        note_sizes(&mount->record, &size);
    else if (answer == BN_FS_FAILED || s->at.mono_ns - mount->asked_ns > HANGS_NS)
        forget_sizes(&mount->record);
    if (answer != BN_FS_NOTHING)
        mount->is_asked = false;
}

/* --- one look at all of them -------------------------------------------------------------------
 */

static void refresh(struct bn_host_mounts *mounts, struct bn_host_sampler *s,
        const struct place *place)
{
    bool is_new;
    struct bn_fs_size size;
    struct mount *mount = bn_host_rows_get(&mounts->rows, bn_str(place->point), &is_new);
    if (!mount)
        return;
    if (!is_new && (mount->device != place->device || mount->sort != place->sort)) {
        drop_probe(mounts, mount); /* another file system stands there now */
        mount->is_asked = false;
        is_new = true;
    }
    if (is_new)
        forget_sizes(&mount->record);
    mount->device = place->device;
    mount->sort = place->sort;
    memcpy(mount->path, place->point, sizeof mount->path);
    memcpy(mount->record.device, place->source, sizeof mount->record.device);
    memcpy(mount->record.type, place->type, sizeof mount->record.type);
    mount->record.read_only = place->is_read_only;
    if (place->sort == SORT_NETWORK)
        ask_network(mounts, mount, s);
    else if (s->world.fs_read(mount->path, &size))
        note_sizes(&mount->record, &size);
    else
        forget_sizes(&mount->record);
}

struct gone {
    struct bn_host_mounts *mounts;
    struct bn_host_sampler *s;
};

static void tell_gone(void *user, void *row)
{
    struct gone *gone = user;
    struct mount *mount = row;
    drop_probe(gone->mounts, mount);
    bn_host_tell_gone(gone->s, BN_KIND_MOUNT, mount->row.id);
}

static void look(struct bn_host_mounts *mounts, struct bn_host_sampler *s)
{
    struct gone gone = {mounts, s};
    collect(mounts, s, bn_host_read(&s->reader, &mounts->mountinfo));
    bn_host_rows_begin(&mounts->rows);
    for (size_t i = 0; i < mounts->place_count; i++) {
        const struct place *place = &mounts->places[i];
        if (place->sort != SORT_NONE && is_best(mounts, place))
            refresh(mounts, s, place);
    }
    bn_host_rows_end(&mounts->rows, tell_gone, &gone);
}

/* Told every second with what the last look said, so that a series has no gap between two looks. */
void bn_host_mounts_sample(struct bn_host_mounts *mounts, struct bn_host_sampler *s)
{
    if (bn_host_is_due(&mounts->look_due, s, LOOK_EVERY_NS))
        look(mounts, s);
    for (size_t i = 0; i < mounts->rows.count; i++) {
        struct mount *mount = bn_host_rows_at(&mounts->rows, i);
        hear_network(mount, s);
        struct bn_mount *out = &bn_host_fact(s, BN_KIND_MOUNT, mount->row.id)->mount;
        char id[BN_ID_MAX];
        memcpy(id, out->id, sizeof id);
        *out = mount->record;
        memcpy(out->id, id, sizeof id);
        bn_host_tell(s);
    }
}
