#include "source/pve_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#include "model/doc_foreign.h"
#include "model/limits.h"

/* --- the envelope ---------------------------------------------------------------------------- */

/* {"data": …}; the document is the caller's to free. */
static bool open_data(struct bn_str body, struct bn_doc **doc, const struct bn_doc **out,
        struct bn_err *err)
{
    if (!bn_doc_parse_foreign(body, doc, err))
        return false;
    *out = bn_doc_is_object(*doc) ? bn_doc_at(*doc, "data") : NULL;
    return *out || bn_fail(err, BN_E_UPSTREAM, "this is no answer of a Proxmox VE: no \"data\"");
}

bool bn_pve_open_list(struct bn_str body, struct bn_doc **doc, const struct bn_doc **out,
        struct bn_err *err)
{
    if (!open_data(body, doc, out, err))
        return false;
    return bn_doc_is_list(*out) ||
           bn_fail(err, BN_E_UPSTREAM, "this is no answer of a Proxmox VE: \"data\" is %s",
                   bn_doc_type_word(*out));
}

static bool is_word(const struct bn_doc *row, const char *name, const char *word)
{
    char text[24];
    bn_foreign_text(row, name, text, sizeof text);
    return strcmp(text, word) == 0;
}

/* --- numbers --------------------------------------------------------------------------------- */

static int64_t count_of(const struct bn_doc *row, const char *name)
{
    int64_t value;
    return bn_foreign_i64(row, name, &value) ? BN_MAX(value, 0) : BN_UNKNOWN;
}

/* Just after its start a container's share is a little below 0, and two samples may make more than
   all of it. */
static double share_of(const struct bn_doc *row, const char *name)
{
    double value;
    return bn_foreign_f64(row, name, &value) && isfinite(value) ? fmin(fmax(value, 0), 1) : NAN;
}

static int64_t flag_of(const struct bn_doc *row, const char *name)
{
    bool value;
    return bn_foreign_bool(row, name, &value) ? value : BN_UNKNOWN;
}

/* More in use than there is: the two were not taken in the same moment. */
static int64_t at_most(int64_t used, int64_t total)
{
    return total > 0 ? BN_MIN(used, total) : used;
}

static bool write_id(const char *server_id, const char *part, char *out, size_t size)
{
    return snprintf(out, size, "%s/%s", server_id, part) < (int)size;
}

/* --- resources ------------------------------------------------------------------------------- */

bool bn_pve_node_is_valid(const char *node)
{
    size_t len = strlen(node);
    return len > 0 && len < 64 && node[0] != '-' && node[len - 1] != '-' &&
           strspn(node, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == len;
}

static bool read_guest(const struct bn_doc *row, const char *server_id, enum bn_vm_type type,
        struct bn_pve_guest *out)
{
    struct bn_vm *vm = &out->vm;
    char number[24];
    bn_record_clear(&bn_vm_type, vm);
    bn_text_clip(vm->server_id, sizeof vm->server_id, bn_str(server_id));
    bn_foreign_text(row, "node", vm->node, sizeof vm->node);
    vm->vmid = count_of(row, "vmid");
    if (!bn_pve_node_is_valid(vm->node) || vm->vmid < 1 || vm->vmid > 999999999)
        return false;
    snprintf(number, sizeof number, "%lld", (long long)vm->vmid);
    if (!write_id(server_id, number, vm->id, sizeof vm->id))
        return false;
    vm->type = type;
    bn_foreign_text(row, "name", vm->name, sizeof vm->name);
    bn_foreign_text(row, "status", vm->status, sizeof vm->status);
    vm->cpu = share_of(row, "cpu");
    vm->maxcpu = count_of(row, "maxcpu");
    vm->maxmem = count_of(row, "maxmem");
    vm->mem = at_most(count_of(row, "mem"), vm->maxmem);
    vm->maxdisk = count_of(row, "maxdisk");
    /* The host cannot see into a virtual machine's disk and says 0 (PVE-API 6.2). */
    vm->disk = type == BN_VM_LXC ? at_most(count_of(row, "disk"), vm->maxdisk) : BN_UNKNOWN;
    vm->uptime = count_of(row, "uptime");
    vm->template = flag_of(row, "template");
    bn_foreign_text(row, "tags", vm->tags, sizeof vm->tags);
    bn_foreign_text(row, "pool", vm->pool, sizeof vm->pool);
    bn_foreign_text(row, "lock", vm->lock, sizeof vm->lock);
    bn_foreign_text(row, "hastate", vm->ha_state, sizeof vm->ha_state);
    out->net_in = count_of(row, "netin");
    out->net_out = count_of(row, "netout");
    out->disk_read = count_of(row, "diskread");
    out->disk_write = count_of(row, "diskwrite");
    return true;
}

static bool read_node(const struct bn_doc *row, const char *server_id, struct bn_node *node)
{
    bn_record_clear(&bn_node_type, node);
    bn_text_clip(node->server_id, sizeof node->server_id, bn_str(server_id));
    bn_foreign_text(row, "node", node->node, sizeof node->node);
    if (!bn_pve_node_is_valid(node->node) ||
            !write_id(server_id, node->node, node->id, sizeof node->id))
        return false;
    bn_foreign_text(row, "status", node->status, sizeof node->status);
    node->cpu = share_of(row, "cpu");
    node->maxcpu = count_of(row, "maxcpu");
    node->maxmem = count_of(row, "maxmem");
    node->mem = at_most(count_of(row, "mem"), node->maxmem);
    node->maxdisk = count_of(row, "maxdisk");
    node->disk = at_most(count_of(row, "disk"), node->maxdisk);
    node->uptime = count_of(row, "uptime");
    return true;
}

/* A row per node; what is shared is one storage, which the nodes that see it describe. */
static bool read_storage(const struct bn_doc *row, const char *server_id, struct bn_storage *out)
{
    char part[96];
    bn_record_clear(&bn_storage_type, out);
    bn_text_clip(out->server_id, sizeof out->server_id, bn_str(server_id));
    bn_foreign_text(row, "storage", out->name, sizeof out->name);
    bn_foreign_text(row, "node", out->node, sizeof out->node);
    out->is_shared = flag_of(row, "shared") == 1;
    if (!out->name[0] || !bn_pve_node_is_valid(out->node))
        return false;
    if (out->is_shared)
        out->node[0] = '\0';
    if (snprintf(part, sizeof part, "storage/%s%s%s", out->node, out->is_shared ? "" : "/",
                out->name) >= (int)sizeof part ||
            !write_id(server_id, part, out->id, sizeof out->id))
        return false;
    bn_foreign_text(row, "plugintype", out->type, sizeof out->type);
    bn_foreign_text(row, "content", out->content, sizeof out->content);
    bn_foreign_text(row, "status", out->status, sizeof out->status);
    out->maxdisk = count_of(row, "maxdisk");
    out->disk = at_most(count_of(row, "disk"), out->maxdisk);
    return true;
}

static void take_storage(const struct bn_doc *row, const char *server_id,
        struct bn_pve_listing *out)
{
    struct bn_storage storage;
    if (!read_storage(row, server_id, &storage))
        return; /* nothing hangs on it: what is listed of guests is whole all the same */
    for (size_t i = 0; storage.is_shared && i < out->storage_count; i++) {
        struct bn_storage *known = &out->storages[i];
        if (strcmp(known->id, storage.id) != 0)
            continue;
        /* Of a node that is away: no sizes, or old ones. */
        if (known->maxdisk == BN_UNKNOWN || (strcmp(known->status, "available") != 0 &&
                                                    strcmp(storage.status, "available") == 0))
            *known = storage;
        return;
    }
    if (out->storage_count < BN_STORAGES_LISTED_MAX)
        out->storages[out->storage_count++] = storage;
}

static void take_row(const struct bn_doc *row, const char *server_id, struct bn_pve_listing *out)
{
    const bool is_lxc = is_word(row, "type", "lxc");
    if (is_lxc || is_word(row, "type", "qemu")) {
        if (out->guest_count < BN_VMS_PER_SERVER_MAX &&
                read_guest(row, server_id, is_lxc ? BN_VM_LXC : BN_VM_QEMU,
                        &out->guests[out->guest_count]))
            out->guest_count++;
        else
            out->skipped++;
    } else if (is_word(row, "type", "node")) {
        struct bn_node *node = &out->nodes[out->node_count];
        if (out->node_count < BN_PVE_MEMBERS_MAX && read_node(row, server_id, node)) {
            out->has_numbers |= node->maxmem != BN_UNKNOWN;
            out->node_count++;
        } else {
            out->skipped++;
        }
    } else if (is_word(row, "type", "storage")) {
        take_storage(row, server_id, out);
    }
}

bool bn_pve_read_resources(struct bn_str body, const char *server_id, struct bn_pve_listing *out,
        struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    const struct bn_doc *list;
    *out = (struct bn_pve_listing){.guests = NULL};
    if (!bn_pve_open_list(body, &doc, &list, err))
        return false;
    const size_t count = bn_doc_count(list);
    out->guests = bn_alloc_array(BN_MIN(count, BN_VMS_PER_SERVER_MAX) + 1, sizeof *out->guests);
    out->nodes = bn_alloc_array(BN_MIN(count, BN_PVE_MEMBERS_MAX) + 1, sizeof *out->nodes);
    out->storages = bn_alloc_array(BN_MIN(count, BN_STORAGES_LISTED_MAX) + 1,
            sizeof *out->storages);
    for (size_t i = 0; i < count; i++)
        if (bn_doc_is_object(bn_doc_item(list, i)))
            take_row(bn_doc_item(list, i), server_id, out);
    return true;
}

void bn_pve_listing_finish(struct bn_pve_listing *listing)
{
    free(listing->guests);
    free(listing->nodes);
    free(listing->storages);
    *listing = (struct bn_pve_listing){.guests = NULL};
}

/* --- the cluster ----------------------------------------------------------------------------- */

static void read_member(const struct bn_doc *row, struct bn_pve_cluster *out)
{
    struct bn_pve_member *member = &out->members[out->member_count];
    *member = (struct bn_pve_member){.is_online = false};
    bn_foreign_text(row, "name", member->node, sizeof member->node);
    if (!bn_pve_node_is_valid(member->node))
        return;
    bn_foreign_text(row, "ip", member->ip, sizeof member->ip);
    member->is_online = flag_of(row, "online") == 1;
    member->is_local = flag_of(row, "local") == 1;
    out->member_count++;
}

bool bn_pve_read_cluster(struct bn_str body, struct bn_pve_cluster *out, struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    const struct bn_doc *list;
    if (!bn_pve_open_list(body, &doc, &list, err))
        return false;
    *out = (struct bn_pve_cluster){.is_quorate = BN_UNKNOWN};
    for (size_t i = 0; i < bn_doc_count(list); i++) {
        const struct bn_doc *row = bn_doc_item(list, i);
        if (!bn_doc_is_object(row))
            continue;
        if (is_word(row, "type", "cluster")) {
            bn_foreign_text(row, "name", out->name, sizeof out->name);
            out->is_quorate = flag_of(row, "quorate");
        } else if (is_word(row, "type", "node") && out->member_count < BN_PVE_MEMBERS_MAX) {
            read_member(row, out);
        }
    }
    return true;
}

bool bn_pve_read_nodes(struct bn_str body, int64_t *out_count, struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    const struct bn_doc *list;
    if (!bn_pve_open_list(body, &doc, &list, err))
        return false;
    *out_count = (int64_t)bn_doc_count(list);
    return true;
}

size_t bn_pve_read_fingerprints(struct bn_str body, bn_fingerprint *out, size_t max)
{
    BN_DOC_AUTO *doc = NULL;
    const struct bn_doc *list;
    size_t count = 0;
    if (!bn_pve_open_list(body, &doc, &list, NULL))
        return 0;
    for (size_t i = 0; i < bn_doc_count(list) && count < max; i++) {
        const struct bn_doc *row = bn_doc_item(list, i);
        if (!bn_doc_is_object(row))
            continue;
        bn_foreign_text(row, "ssl_fingerprint", out[count], sizeof *out);
        count += out[count][0] != '\0';
    }
    return count;
}

/* --- the rest -------------------------------------------------------------------------------- */

/* The digits at the front, four at most; -1 without any. */
static int read_part(struct bn_str *rest)
{
    int value = 0;
    int digits = 0;
    while (rest->len > 0 && digits < 4 && rest->p[0] >= '0' && rest->p[0] <= '9') {
        value = 10 * value + (rest->p[0] - '0');
        rest->p++;
        rest->len--;
        digits++;
    }
    return digits ? value : -1;
}

bool bn_pve_read_version(struct bn_str body, struct bn_pve_version *out, struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    const struct bn_doc *data;
    if (!open_data(body, &doc, &data, err))
        return false;
    *out = (struct bn_pve_version){.major = -1, .minor = -1};
    if (bn_doc_is_object(data))
        bn_foreign_text(data, "version", out->text, sizeof out->text);
    if (!out->text[0])
        return bn_fail(err, BN_E_UPSTREAM, "this is no answer of a Proxmox VE: no version");
    struct bn_str rest = bn_str(out->text);
    out->major = read_part(&rest);
    if (out->major >= 0 && rest.len > 0 && rest.p[0] == '.') {
        (void)bn_str_cut(&rest, '.');
        out->minor = rest.p ? read_part(&rest) : -1;
    }
    return true;
}

bool bn_pve_read_upid(struct bn_str body, char *out, size_t size, struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    const struct bn_doc *data;
    struct bn_str text;
    char node[64];
    if (!open_data(body, &doc, &data, err))
        return false;
    if (bn_doc_get_text(data, &text) && bn_text_copy(out, size, text) &&
            bn_pve_upid_node(out, node, sizeof node))
        return true;
    return bn_fail(err, BN_E_UPSTREAM, "this is no task of a Proxmox VE: no UPID");
}

bool bn_pve_read_task(struct bn_str body, struct bn_pve_task *out, struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    const struct bn_doc *data;
    char status[24];
    if (!open_data(body, &doc, &data, err))
        return false;
    *out = (struct bn_pve_task){.is_running = false};
    if (bn_doc_is_object(data))
        bn_foreign_text(data, "status", status, sizeof status);
    else
        status[0] = '\0';
    if (strcmp(status, "running") == 0) {
        out->is_running = true;
        return true;
    }
    if (strcmp(status, "stopped") != 0)
        return bn_fail(err, BN_E_UPSTREAM, "a task is running or stopped, this one is \"%s\"",
                status);
    bn_foreign_text(data, "exitstatus", out->exit_status, sizeof out->exit_status);
    return true;
}

bool bn_pve_task_is_ok(const struct bn_pve_task *task)
{
    return !task->is_running && (strcmp(task->exit_status, "OK") == 0 ||
                                        strncmp(task->exit_status, "WARNINGS: ", 10) == 0);
}

int64_t bn_pve_task_warnings(const struct bn_pve_task *task)
{
    static const char word[] = "WARNINGS: ";
    int64_t count = 0;
    if (strncmp(task->exit_status, word, sizeof word - 1) != 0 ||
            !bn_parse_i64(bn_str(task->exit_status + sizeof word - 1), 1, 1000000, &count))
        return strncmp(task->exit_status, word, sizeof word - 1) == 0 ? 1 : 0;
    return count;
}

/* Tasks draw progress with carriage returns and backspaces; what they end with is what is read. */
static void drop_controls(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++)
        if ((unsigned char)*from >= ' ' && *from != 0x7F)
            *to++ = *from;
    *to = '\0';
}

static bool read_line(const struct bn_doc *row, struct bn_output *out)
{
    bn_record_clear(&bn_output_type, out);
    if (!bn_doc_is_object(row))
        return false;
    out->n = count_of(row, "n");
    bn_foreign_text(row, "t", out->text, sizeof out->text);
    drop_controls(out->text);
    return out->n != BN_UNKNOWN && out->n > 0;
}

bool bn_pve_read_log(struct bn_str body, struct bn_output *out, size_t *n, int64_t *out_total,
        struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    const struct bn_doc *list;
    size_t count = 0;
    if (!bn_pve_open_list(body, &doc, &list, err))
        return false;
    const size_t rows = bn_doc_count(list);
    *out_total = count_of(doc, "total");
    if (*out_total == BN_UNKNOWN)
        *out_total = (int64_t)rows;
    for (size_t i = rows > *n ? rows - *n : 0; i < rows; i++)
        count += read_line(bn_doc_item(list, i), &out[count]);
    if (count == 1 && out[0].n == 1 && strcmp(out[0].text, "no content") == 0)
        count = 0;
    *n = count;
    return true;
}

bool bn_pve_read_guest_status(struct bn_str body, char *out, size_t size, struct bn_err *err)
{
    BN_DOC_AUTO *doc = NULL;
    const struct bn_doc *data;
    char status[24] = "";
    if (!open_data(body, &doc, &data, err))
        return false;
    if (bn_doc_is_object(data))
        bn_foreign_text(data, "status", status, sizeof status);
    if (!status[0] || !bn_text_copy(out, size, bn_str(status)))
        return bn_fail(err, BN_E_UPSTREAM, "this is no state of a guest: no status");
    return true;
}

#define ERRORS_MAX 64 /* parameters named in one refusal */

/* {"errors":{"vmid":"…"}}: "vmid: …; port: …" */
static bool read_errors(const struct bn_doc *errors, char *out, size_t size)
{
    BN_BUF_AUTO said;
    void *at = NULL;
    const char *name;
    int count = 0;
    bn_buf_init(&said, 64 << 10);
    for (const struct bn_doc *value; (value = bn_doc_next(errors, &at, &name));) {
        struct bn_str text;
        char member[80];
        char piece[160];
        if (!bn_doc_get_text(value, &text) || ++count > ERRORS_MAX)
            continue;
        while (text.len > 0 && text.p[text.len - 1] == '\n')
            text.len--;
        bn_text_clip(member, sizeof member, bn_str(name));
        bn_text_clip(piece, sizeof piece, text);
        bn_buf_printf(&said, "%s%s: %s", said.len ? "; " : "", member, piece);
    }
    bn_text_clip(out, size, bn_buf_str(&said));
    return out[0] != '\0';
}

static void trim_end(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r' || text[len - 1] == ' '))
        text[--len] = '\0';
}

void bn_pve_read_refusal(int status, const char *reason, struct bn_str body, char *out, size_t size)
{
    BN_DOC_AUTO *doc = NULL;
    out[0] = '\0';
    if (body.len > 0 && bn_doc_parse_foreign(body, &doc, NULL) && bn_doc_is_object(doc)) {
        const struct bn_doc *errors = bn_doc_at(doc, "errors");
        if (errors && bn_doc_is_object(errors) && read_errors(errors, out, size))
            return;
        bn_foreign_text(doc, "message", out, size);
        trim_end(out);
    }
    if (!out[0])
        bn_text_clip(out, size, bn_str(reason));
    if (!out[0])
        snprintf(out, size, "status %d without a word", status);
}

static bool is_hex_part(struct bn_str part, size_t min, size_t max)
{
    uint64_t value;
    return part.p && part.len >= min && part.len <= max && bn_parse_hex(part, &value);
}

bool bn_pve_upid_node(const char *upid, char *out, size_t size)
{
    struct bn_str rest = bn_str(upid);
    char node[64];
    if (!bn_str_is(bn_str_cut(&rest, ':'), "UPID") || !rest.p ||
            !bn_text_copy(node, sizeof node, bn_str_cut(&rest, ':')) || !bn_pve_node_is_valid(node))
        return false;
    if (!rest.p || !is_hex_part(bn_str_cut(&rest, ':'), 8, 8) || !rest.p ||
            !is_hex_part(bn_str_cut(&rest, ':'), 8, 9) || !rest.p ||
            !is_hex_part(bn_str_cut(&rest, ':'), 8, 8))
        return false;
    for (int part = 0; part < 3; part++) { /* type, id, user: then the last colon */
        struct bn_str word = rest.p ? bn_str_cut(&rest, ':') : rest;
        if (!word.p || (part != 1 && word.len == 0))
            return false;
        for (size_t i = 0; i < word.len; i++)
            if (word.p[i] <= ' ' || word.p[i] == '/' || word.p[i] >= 0x7F)
                return false;
    }
    return rest.p && rest.len == 0 && bn_text_copy(out, size, bn_str(node));
}

void bn_pve_upid_type(const char *upid, char *out, size_t size)
{
    struct bn_str rest = bn_str(upid);
    struct bn_str part = rest;
    char node[64];
    out[0] = '\0';
    if (!bn_pve_upid_node(upid, node, sizeof node))
        return;
    for (int i = 0; i < 6; i++) /* UPID, node, pid, pstart, starttime, type */
        part = bn_str_cut(&rest, ':');
    bn_text_clip(out, size, part);
}
