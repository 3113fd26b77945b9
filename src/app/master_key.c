#include "app/master_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#include "source/pve.h"

#define GIVE "give one with --key-file FILE, or systemd's LoadCredential=master.key:FILE"

/* The id follows from the key, so that a wrong key is known by name. */
static void name_key(struct bn_seal_key *key)
{
    uint8_t digest[BN_HASH_SIZE];
    bn_sha256(key->bytes, sizeof key->bytes, digest);
    snprintf(key->id, sizeof key->id, "%02x%02x%02x%02x", digest[0], digest[1], digest[2],
            digest[3]);
}

/* --- finding --------------------------------------------------------------------------------- */

/* "./data/" is ./data.key, and "." by its real name. */
static int write_default(const char *data, char out[static 300])
{
    size_t len = strlen(data);
    while (len > 1 && data[len - 1] == '/')
        len--;
    const char *slash = memrchr(data, '/', len);
    const char *name = slash ? slash + 1 : data;
    char *real = *name == '.' ? realpath(data, NULL) : NULL;
    const int written = real ? snprintf(out, 300, "%s.key", real)
                             : snprintf(out, 300, "%.*s.key", (int)len, data);
    free(real);
    return written;
}

static bool choose_path(const struct bn_config *config, const char *credentials,
        char out[static 300], struct bn_err *err)
{
    int len = -1;
    if (credentials && credentials[0]) {
        len = snprintf(out, 300, "%s/master.key", credentials);
        if (len < 300 && bn_file_exists(out))
            return true;
    }
    len = config->key_file[0] ? snprintf(out, 300, "%s", config->key_file)
                              : write_default(config->data, out);
    return len < 300 || bn_fail(err, BN_E_INVALID, "the path of the master key is too long");
}

/* A backup of the folder would hold the secrets and what opens them. */
static bool check_outside(const struct bn_config *config, const char *path, struct bn_err *err)
{
    char folder[300];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
            slash ? path : ".");
    char *data = realpath(config->data, NULL);
    char *home = realpath(folder, NULL);
    const size_t len = data ? strlen(data) : 0;
    const bool is_inside = data && home && strncmp(home, data, len) == 0 &&
                           (home[len] == '/' || !home[len]);
    free(data);
    free(home);
    return !is_inside ||
           bn_fail(err, BN_E_INVALID,
                   "the master key must not be in the data folder, but %.100s is", path);
}

static bool read_key(int fd, struct bn_master_key *out, struct bn_err *err)
{
    uint8_t bytes[BN_SEAL_KEY_SIZE + 1];
    struct stat info;
    const ssize_t n = read(fd, bytes, sizeof bytes);
    if (n == BN_SEAL_KEY_SIZE)
        memcpy(out->key.bytes, bytes, BN_SEAL_KEY_SIZE);
    bn_wipe(bytes, sizeof bytes);
    if (n < 0)
        return bn_fail(err, BN_E_STORAGE, "cannot read %.100s: %s", out->path, strerror(errno));
    if (n != BN_SEAL_KEY_SIZE)
        return bn_fail(err, BN_E_INVALID, "a master key has %d bytes, but %.100s has %s%zd",
                BN_SEAL_KEY_SIZE, out->path, n > BN_SEAL_KEY_SIZE ? "at least " : "", n);
    if (fstat(fd, &info) == 0 && (info.st_mode & S_IRWXO) != 0)
        return bn_fail(err, BN_E_INVALID, "anybody may read the master key: chmod 400 %.100s",
                out->path);
    name_key(&out->key);
    return true;
}

/* Empty until nothing proves to be sealed with another one; an empty file is none. */
static bool begin_key(const struct bn_config *config, struct bn_master_key *out, struct bn_err *err)
{
    struct bn_err why;
    out->fd = open(out->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
    if (out->fd < 0) {
        bn_fail(&why, BN_E_STORAGE, "there is no master key, and %.60s cannot be made: %s; " GIVE,
                out->path, strerror(errno));
        bn_text_clip(out->absent, sizeof out->absent, bn_str(why.text));
        /* What was asked for must be; the place nobody chose may be missing. */
        return !config->key_file[0] || bn_fail(err, why.code, "%s", why.text);
    }
    (void)flock(out->fd, LOCK_EX | LOCK_NB); /* ours until it is kept: see drop_empty() */
    bn_random(out->key.bytes, sizeof out->key.bytes);
    name_key(&out->key);
    return true;
}

/* A start that was refused left an empty file; one that is under way elsewhere holds it. */
static bool drop_empty(const char *path, struct bn_err *err)
{
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    const bool is_empty = fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size == 0;
    const bool is_held = is_empty && flock(fd, LOCK_EX | LOCK_NB) != 0;
    if (is_empty && !is_held)
        (void)unlink(path);
    close(fd);
    return !is_held ||
           bn_fail(err, BN_E_CONFLICT, "another server is just making the master key %.100s", path);
}

bool bn_master_key_find(const struct bn_config *config, const char *credentials,
        struct bn_master_key *out, struct bn_err *err)
{
    *out = (struct bn_master_key){.fd = -1};
    (void)mlock(out, sizeof *out); /* where it may: out of the swap */
    if (!choose_path(config, credentials, out->path, err) ||
            !check_outside(config, out->path, err) || !drop_empty(out->path, err))
        return false;
    const int fd = open(out->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return begin_key(config, out, err);
    if (fd < 0)
        return bn_fail(err, BN_E_STORAGE, "cannot open the master key %.80s: %s", out->path,
                strerror(errno));
    const bool was_read = read_key(fd, out, err);
    close(fd);
    return was_read;
}

/* --- judging --------------------------------------------------------------------------------- */

struct count {
    size_t sealed;
    size_t opened;
    char other[32]; /* id of a key that sealed one of the others */
};

static void try_token(const struct bn_master_key *key, const char *tenant,
        const struct bn_server *server, struct count *count)
{
    char aad[BN_TOKEN_AAD_SIZE];
    char plain[640];
    size_t len = 0;
    if (!server->token[0])
        return;
    count->sealed++;
    bn_token_aad(tenant, server->id, aad);
    if (bn_unseal(&key->key, aad, bn_str(server->token), plain, sizeof plain, &len)) {
        count->opened++;
        bn_wipe(plain, sizeof plain);
        return;
    }
    struct bn_str rest = bn_str(server->token);
    (void)bn_str_cut(&rest, '.');
    bn_text_clip(count->other, sizeof count->other, rest.p ? bn_str_cut(&rest, '.') : rest);
}

static bool keep(struct bn_master_key *key, struct bn_err *err)
{
    const bool is_kept = write(key->fd, key->key.bytes, sizeof key->key.bytes) ==
                                 (ssize_t)sizeof key->key.bytes &&
                         fsync(key->fd) == 0;
    const int why = errno;
    close(key->fd);
    key->fd = -1;
    return is_kept || bn_fail(err, BN_E_STORAGE, "cannot write the master key %.80s: %s", key->path,
                              strerror(why));
}

bool bn_master_key_keep(struct bn_master_key *key, const struct bn_live *live, struct bn_err *err)
{
    struct count count = {0};
    for (struct bn_tenant_live *tenant = live->tenants; tenant; tenant = tenant->next)
        bn_table_each(row, &tenant->tables[BN_KIND_SERVER])
                try_token(key, tenant->id, (const void *)row->record, &count);
    if (count.sealed > 0 && count.opened == 0 && (key->fd >= 0 || key->absent[0]))
        return bn_fail(err, BN_E_INVALID,
                "the master key is missing: %zu tokens are sealed with key %s, and there is no "
                "%.60s: put it back",
                count.sealed, count.other, key->path);
    if (count.sealed > 0 && count.opened == 0)
        return bn_fail(err, BN_E_INVALID,
                "the master key is the wrong one: %zu tokens are sealed with key %s, and %.60s is "
                "key %s",
                count.sealed, count.other, key->path, key->key.id);
    return key->fd < 0 || keep(key, err);
}

void bn_master_key_forget(struct bn_master_key *key)
{
    if (key->fd >= 0)
        close(key->fd);
    bn_wipe(key, sizeof *key);
    key->fd = -1;
}
