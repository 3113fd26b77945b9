#include "wire/procfs_io.h"

#include <string.h>

bool bn_procfs_disk_next(struct bn_str *text, struct bn_procfs_disk *out)
{
    struct bn_str line;
    while (bn_scan_line(text, &line)) {
        uint64_t value[10]; /* reads merged sectors ms, writes merged sectors ms, in flight, busy ms
                             */
        uint64_t number;
        if (!bn_scan_u64(&line, &number) || !bn_scan_u64(&line, &number))
            continue;
        struct bn_str name = bn_scan_word(&line);
        if (name.len == 0 || bn_scan_numbers(&line, value, COUNT(value)) < COUNT(value))
            continue;
        *out = (struct bn_procfs_disk){.name = name,
                .reads = value[0],
                .read_sectors = value[2],
                .read_ms = value[3],
                .writes = value[4],
                .write_sectors = value[6],
                .write_ms = value[7],
                .busy_ms = value[9]};
        return true;
    }
    return false;
}

bool bn_procfs_nic_next(struct bn_str *text, struct bn_procfs_nic *out)
{
    struct bn_str line;
    while (bn_scan_line(text, &line)) {
        /* bytes packets errs drop fifo frame compressed multicast, the same of sending (fewer used)
         */
        uint64_t value[12];
        struct bn_str name = bn_str_trim(bn_str_cut(&line, ':'));
        if (!line.p || name.len == 0 || bn_scan_numbers(&line, value, COUNT(value)) < COUNT(value))
            continue;
        *out = (struct bn_procfs_nic){.name = name,
                .rx_bytes = value[0],
                .rx_packets = value[1],
                .rx_errors = value[2],
                .rx_drops = value[3],
                .tx_bytes = value[8],
                .tx_packets = value[9],
                .tx_errors = value[10],
                .tx_drops = value[11]};
        return true;
    }
    return false;
}

/* --- mounts ------------------------------------------------------------------------------------
 */

static bool read_device(struct bn_str word, uint64_t *out)
{
    uint64_t major;
    uint64_t minor;
    struct bn_str first = bn_str_cut(&word, ':');
    if (!word.p || !bn_parse_u64(first, &major) || !bn_parse_u64(word, &minor) ||
            major > UINT32_MAX || minor > UINT32_MAX)
        return false;
    *out = major << 32 | minor;
    return true;
}

static bool has_option(struct bn_str options, const char *name)
{
    while (options.p)
        if (bn_str_is(bn_str_cut(&options, ','), name))
            return true;
    return false;
}

/* proc(5): id parent major:minor root point options [tag[:value]]… - type source superoptions */
static bool read_mount(struct bn_str line, struct bn_procfs_mount *out)
{
    struct bn_str word;
    uint64_t number;
    if (!bn_scan_u64(&line, &number) || !bn_scan_u64(&line, &number) ||
            !read_device(bn_scan_word(&line), &out->device))
        return false;
    out->root = bn_scan_word(&line);
    out->point = bn_scan_word(&line);
    struct bn_str options = bn_scan_word(&line);
    do
        word = bn_scan_word(&line);
    while (word.len > 0 && !bn_str_is(word, "-"));
    out->type = bn_scan_word(&line);
    out->source = bn_scan_word(&line);
    struct bn_str super = bn_scan_word(&line);
    if (super.len == 0) { /* an empty source leaves two blanks, which read as one */
        super = out->source;
        out->source.len = 0;
    }
    bool is_whole_read_only = has_option(super, "ro");
    out->is_read_only = is_whole_read_only || has_option(options, "ro");
    out->is_sealed = out->is_read_only && !is_whole_read_only;
    return out->point.len > 0 && out->type.len > 0 && super.len > 0;
}

bool bn_procfs_mount_next(struct bn_str *text, struct bn_procfs_mount *out)
{
    struct bn_str line;
    while (bn_scan_line(text, &line)) {
        struct bn_procfs_mount mount;
        if (read_mount(line, &mount)) {
            *out = mount;
            return true;
        }
    }
    return false;
}

/* --- connections -------------------------------------------------------------------------------
 */

size_t bn_procfs_tcp(struct bn_str text, uint64_t counts[BN_TCP_STATES])
{
    struct bn_str rest = text;
    size_t used = 0;
    struct bn_str line;
    while (bn_scan_line(&rest, &line)) {
        uint64_t state;
        used = text.len - rest.len;
        struct bn_str number = bn_scan_word(&line); /* "  12:", and "sl" above the column */
        if (number.len == 0 || number.p[number.len - 1] != ':')
            continue;
        bn_scan_word(&line);
        bn_scan_word(&line);
        if (bn_parse_hex(bn_scan_word(&line), &state) && state > 0 && state < BN_TCP_STATES)
            counts[state]++;
    }
    return used;
}
