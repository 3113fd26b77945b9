#include <stdlib.h>
#include <string.h>

#include "io/addresses.h"
#include "source/host_parts.h"
#include "wire/procfs_io.h"

#define ROWS_MAX         512
#define STATE_EVERY_NS   (5 * BN_SECOND_NS)
#define DETAILS_EVERY_NS (30 * BN_SECOND_NS)
#define ADDRESS_EVERY_NS (10 * BN_SECOND_NS)

struct nic {
    struct bn_host_row row;
    bool is_told;
    bool has_before;
    struct bn_procfs_nic before; /* its name is not kept */
    struct bn_host_due state_due;
    struct bn_host_due details_due;
    int64_t is_up;
    int64_t speed_mbps;
    char mac[24];
    char address[64];
    bool has_ipv4;
};

struct bn_host_nics {
    struct bn_host_file dev;
    struct bn_moment before;
    struct bn_host_due address_due;
    struct bn_host_rows rows;
};

struct bn_host_nics *bn_host_nics_create(void)
{
    struct bn_host_nics *nics = bn_alloc(sizeof *nics);
    nics->dev = (struct bn_host_file)BN_HOST_FILE("/proc/net/dev");
    bn_host_rows_init(&nics->rows, sizeof(struct nic), sizeof((struct bn_nic *)0)->id, ROWS_MAX);
    return nics;
}

void bn_host_nics_destroy(struct bn_host_nics *nics)
{
    bn_host_file_close(&nics->dev);
    bn_host_rows_finish(&nics->rows);
    free(nics);
}

static struct bn_str read_word(struct bn_host_sampler *s, const char *name, const char *file)
{
    struct bn_str line;
    struct bn_str text = bn_host_read_once(&s->reader, 64, "/sys/class/net/%s/%s", name, file);
    if (!bn_scan_line(&text, &line))
        return (struct bn_str){NULL, 0};
    return bn_str_trim(line);
}

/* Tunnels and bridges without a state of their own say "unknown"; their carrier then decides. */
static int64_t read_state(struct bn_host_sampler *s, const char *name)
{
    struct bn_str state = read_word(s, name, "operstate");
    if (bn_str_is(state, "up"))
        return 1;
    if (state.len > 0 && !bn_str_is(state, "unknown"))
        return 0;
    return bn_str_is(read_word(s, name, "carrier"), "1");
}

static void read_details(struct nic *nic, struct bn_host_sampler *s, const char *name)
{
    int64_t speed;
    bool has = bn_host_read_number(&s->reader, &speed, "/sys/class/net/%s/speed", name);
    nic->speed_mbps = has && speed > 0 ? speed : BN_UNKNOWN;
    struct bn_str mac = read_word(s, name, "address");
    bn_scan_label(nic->mac, sizeof nic->mac, mac);
}

/* A name that is no single folder cannot be an interface of Linux, and is not looked up. */
static bool is_folder_name(struct bn_str name)
{
    return name.len > 0 && name.p[0] != '.' && !memchr(name.p, '/', name.len);
}

static void look_at(struct nic *nic, struct bn_host_sampler *s, struct bn_str kernel_name)
{
    char name[32];
    if (!is_folder_name(kernel_name) || !bn_text_copy(name, sizeof name, kernel_name))
        return;
    if (bn_host_is_due(&nic->state_due, s, STATE_EVERY_NS)) {
        int64_t was_up = nic->is_up;
        nic->is_up = read_state(s, name);
        if (nic->is_up != was_up)
            nic->details_due.has_begun = false; /* another cable may have another speed */
    }
    if (bn_host_is_due(&nic->details_due, s, DETAILS_EVERY_NS))
        read_details(nic, s, name);
}

static void note_address(void *user, const char *name, enum bn_address_rank rank,
        const char *address)
{
    struct bn_host_nics *nics = user;
    struct nic *nic = bn_host_rows_find(&nics->rows, bn_str(name));
    if (!nic || nic->has_ipv4 || (rank == BN_ADDRESS_IPV6 && nic->address[0]))
        return;
    nic->has_ipv4 = rank == BN_ADDRESS_IPV4;
    bn_text_clip(nic->address, sizeof nic->address, bn_str(address));
}

/* Only of this machine: a recorded one has none to ask. */
static void read_addresses(struct bn_host_nics *nics, struct bn_host_sampler *s, bool has_new)
{
    if (s->reader.root[0] || (!bn_host_is_due(&nics->address_due, s, ADDRESS_EVERY_NS) && !has_new))
        return;
    for (size_t i = 0; i < nics->rows.count; i++) {
        struct nic *nic = bn_host_rows_at(&nics->rows, i);
        nic->address[0] = 0;
        nic->has_ipv4 = false;
    }
    if (!bn_addresses_each(note_address, nics, NULL))
        return; /* unknown until the next time */
}

static void fill(struct bn_nic *out, const struct nic *nic, const struct bn_procfs_nic *now,
        int64_t elapsed_ns)
{
    const struct bn_procfs_nic *before = &nic->before;
    memcpy(out->mac, nic->mac, sizeof out->mac);
    memcpy(out->address, nic->address, sizeof out->address);
    out->is_up = nic->is_up;
    out->speed_mbps = nic->speed_mbps;
    out->rx_bytes = bn_gauge(now->rx_bytes);
    out->tx_bytes = bn_gauge(now->tx_bytes);
    if (!nic->has_before)
        return;
    out->rx_bps = bn_rate(now->rx_bytes, before->rx_bytes, elapsed_ns);
    out->tx_bps = bn_rate(now->tx_bytes, before->tx_bytes, elapsed_ns);
    out->rx_pps = bn_rate(now->rx_packets, before->rx_packets, elapsed_ns);
    out->tx_pps = bn_rate(now->tx_packets, before->tx_packets, elapsed_ns);
    out->rx_errors_ps = bn_rate(now->rx_errors, before->rx_errors, elapsed_ns) +
                        bn_rate(now->rx_drops, before->rx_drops, elapsed_ns);
    out->tx_errors_ps = bn_rate(now->tx_errors, before->tx_errors, elapsed_ns) +
                        bn_rate(now->tx_drops, before->tx_drops, elapsed_ns);
}

/* The loopback is told only where there is nothing else. */
static bool has_others(struct bn_str text)
{
    struct bn_procfs_nic nic;
    while (bn_procfs_nic_next(&text, &nic))
        if (!bn_str_is(nic.name, "lo"))
            return true;
    return false;
}

static void tell_gone(void *user, void *row)
{
    const struct nic *nic = row;
    if (nic->is_told)
        bn_host_tell_gone(user, BN_KIND_NIC, nic->row.id);
}

void bn_host_nics_sample(struct bn_host_nics *nics, struct bn_host_sampler *s)
{
    struct bn_moment at;
    struct bn_procfs_nic now;
    bool has_new = false;
    struct bn_str text = bn_host_read(&s->reader, &nics->dev);
    s->world.moment(s->world.user, &at);
    int64_t elapsed_ns = bn_elapsed(&nics->before, &at);
    bool skip_lo = has_others(text);

    bn_host_rows_begin(&nics->rows);
    struct bn_str rest = text;
    while (bn_procfs_nic_next(&rest, &now)) {
        bool is_new;
        if (skip_lo && bn_str_is(now.name, "lo"))
            continue;
        struct nic *nic = bn_host_rows_get(&nics->rows, now.name, &is_new);
        if (nic)
            look_at(nic, s, now.name);
        has_new = has_new || (nic && is_new);
    }
    bn_host_rows_end(&nics->rows, tell_gone, s);
    read_addresses(nics, s, has_new);

    rest = text;
    while (bn_procfs_nic_next(&rest, &now)) {
        struct nic *nic = bn_host_rows_find(&nics->rows, now.name);
        if (!nic)
            continue;
        fill(&bn_host_fact(s, BN_KIND_NIC, nic->row.id)->nic, nic, &now, elapsed_ns);
        bn_host_tell(s);
        nic->is_told = true;
        nic->before = now;
        nic->before.name = (struct bn_str){NULL, 0};
        nic->has_before = true;
    }
}
