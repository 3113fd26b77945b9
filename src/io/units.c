#include "io/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

#define MANAGER "org.freedesktop.systemd1"
#define UNITS_TYPE                                                                  \
    "(ssssssouso)" /* name, description, load, active, sub, followed, path, job … \
                    */
#define NS_PER_MS   1000000
#define FOREVER     UINT64_MAX /* for the library: the deadline is ours */
#define DEFAULT_BUS "unix:path=/run/dbus/system_bus_socket"

/* Texts of the answer, which outlives it. */
struct failed {
    const char *name;
    const char *description;
    const char *sub_state;
    const char *path;
};

struct reading {
    const char *address;
    const struct bn_units_limits *limits;
    struct bn_err *err;
    sd_bus *bus;
    bool is_greeted; /* the bus has let us in */
    int64_t until_ns;
    uint64_t counts[BN_UNIT_STATES];
    struct failed *failed; /* sorted by name */
    size_t failed_count;
};

const char *bn_units_address(void)
{
    const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
    return address && address[0] ? address : DEFAULT_BUS;
}

/* --- the bus ---------------------------------------------------------------------------------- */

/* The library also knows addresses that start programs. */
static bool is_socket(const char *address)
{
    struct bn_str rest = bn_str(address);
    while (rest.p)
        if (!bn_str_starts(bn_str_cut(&rest, ';'), "unix:"))
            return false;
    return true;
}

static bool fail_bus(struct reading *r, int error)
{
    if (error == -ENOMEM)
        return bn_fail(r->err, BN_E_INTERNAL, "no memory for what the system bus says");
    return bn_fail(r->err, BN_E_UNAVAILABLE, "the system bus at %.90s: %s", r->address,
            strerror(-error));
}

/* dbus-daemon asks its own database for whoever calls, and says nothing to whom it does not find:
   the dynamic users of systemd, with the versions of both that Debian 12 has. */
static bool fail_hung_up(struct reading *r)
{
    if (r->is_greeted)
        return bn_fail(r->err, BN_E_UNAVAILABLE, "systemd went away before it answered");
    return bn_fail(r->err, BN_E_UNAVAILABLE,
            "the system bus hung up before it greeted us: it may not know the user %u",
            (unsigned)geteuid());
}

static bool fail_bus_call(struct reading *r, int error)
{
    if (error == -ECONNRESET || error == -ENOTCONN || error == -EPIPE)
        return fail_hung_up(r);
    return fail_bus(r, error);
}

/* Nothing of this waits: connecting and logging in go on while the first answer is waited for. */
static bool begin(struct reading *r)
{
    if (!is_socket(r->address))
        return bn_fail(r->err, BN_E_INVALID,
                "the address of the system bus must begin with unix:, got %.90s", r->address);
    int error = sd_bus_new(&r->bus);
    if (error >= 0)
        error = sd_bus_set_address(r->bus, r->address);
    if (error >= 0)
        error = sd_bus_set_bus_client(r->bus, 1);
    if (error >= 0)
        error = sd_bus_start(r->bus);
    return error >= 0 || fail_bus(r, error);
}

static int keep(sd_bus_message *reply, void *user, sd_bus_error *error)
{
    sd_bus_message **out = user;
    (void)error;
    *out = sd_bus_message_ref(reply);
    return 1;
}

/* Until the answer is there, never past the deadline: sd_bus_call() would wait for a login without
   one. */
static bool wait_for(struct reading *r, sd_bus_message **reply)
{
    while (!*reply) {
        int64_t left_ns = r->until_ns - bn_clock_mono_ns();
        if (left_ns <= 0)
            return bn_fail(r->err, BN_E_TIMEOUT, "systemd did not answer in %lld ms",
                    (long long)r->limits->deadline_ms);
        int done = sd_bus_process(r->bus, NULL);
        r->is_greeted = r->is_greeted || sd_bus_is_ready(r->bus) > 0;
        if (done == 0)
            done = sd_bus_wait(r->bus, (uint64_t)left_ns / 1000 + 1);
        if (done < 0 && done != -EINTR && !*reply)
            return fail_bus_call(r, done);
    }
    return true;
}

/* Sends the call and waits; it is not a reason to start anything. Takes the call. */
static bool ask(struct reading *r, sd_bus_message *call, sd_bus_message **reply)
{
    sd_bus_slot *slot = NULL;
    *reply = NULL;
    int error = sd_bus_message_set_auto_start(call, 0);
    if (error >= 0)
        error = sd_bus_call_async(r->bus, &slot, call, keep, reply, FOREVER);
    sd_bus_message_unref(call);
    bool ok = error >= 0 ? wait_for(r, reply) : fail_bus(r, error);
    sd_bus_slot_unref(slot);
    return ok;
}

/* --- the list --------------------------------------------------------------------------------- */

static enum bn_unit_state state_of(const char *active)
{
    static const struct {
        const char *word;
        enum bn_unit_state state;
    } words[] = {
            {"active", BN_UNIT_OK},
            {"inactive", BN_UNIT_INACTIVE},
            {"failed", BN_UNIT_FAILED},
            {"reloading", BN_UNIT_OK},
            {"refreshing", BN_UNIT_OK},
    };

    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(words[i].word, active) == 0)
            return words[i].state;
    return BN_UNIT_CHANGING;
}

/* The manager's order is that of a hash table: sorted, the same ones are told each time. */
static void note_failed(struct reading *r, const struct failed *unit)
{
    size_t at = r->failed_count;
    while (at > 0 && strcmp(unit->name, r->failed[at - 1].name) < 0)
        at--;
    if (at == r->limits->failed_max)
        return;
    if (r->failed_count < r->limits->failed_max)
        r->failed_count++;
    memmove(&r->failed[at + 1], &r->failed[at], (r->failed_count - at - 1) * sizeof *unit);
    r->failed[at] = *unit;
}

static bool fail_refused(struct reading *r, const sd_bus_error *error)
{
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED))
        return bn_fail(r->err, BN_E_FORBIDDEN, "the system bus does not let us ask systemd");
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
        return bn_fail(r->err, BN_E_UNAVAILABLE, "there is no systemd on the system bus");
    if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
            sd_bus_error_has_name(error, SD_BUS_ERROR_DISCONNECTED))
        return fail_hung_up(r);
    return bn_fail(r->err, BN_E_UPSTREAM, "systemd answered %.64s",
            error->name ? error->name : "an error without a name");
}

static bool read_list(struct reading *r, sd_bus_message *list)
{
    size_t count = 0;
    const char *skip[3];
    const char *load;
    const char *active;
    uint32_t job;
    if (sd_bus_message_is_method_error(list, NULL))
        return fail_refused(r, sd_bus_message_get_error(list));
    struct failed unit;
    int more = sd_bus_message_enter_container(list, 'a', UNITS_TYPE) > 0 ? 1 : -EBADMSG;
    while (more > 0 && (more = sd_bus_message_read(list, UNITS_TYPE, &unit.name, &unit.description,
                                &load, &active, &unit.sub_state, &skip[0], &unit.path, &job,
                                &skip[1], &skip[2])) > 0) {
        if (++count > r->limits->units_max)
            return bn_fail(r->err, BN_E_TOO_MANY, "systemd has more than %zu units",
                    r->limits->units_max);
        enum bn_unit_state state = state_of(active);
        r->counts[state]++;
        if (state == BN_UNIT_FAILED)
            note_failed(r, &unit);
    }
    return more == 0 || bn_fail(r->err, BN_E_UPSTREAM, "what systemd answered is no list of units");
}

/* --- since when ------------------------------------------------------------------------------- */

/* 0 when it cannot be learned: the unit may be gone meanwhile, and the rest is worth telling. */
static int64_t failed_ms(struct reading *r, const char *path)
{
    sd_bus_message *call = NULL;
    sd_bus_message *reply = NULL;
    uint64_t us = 0;
    if (sd_bus_message_new_method_call(r->bus, &call, MANAGER, path,
                "org.freedesktop.DBus.Properties", "Get") < 0)
        return 0;
    if (sd_bus_message_append(call, "ss", MANAGER ".Unit", "InactiveEnterTimestamp") < 0) {
        sd_bus_message_unref(call);
        return 0;
    }
    if (ask(r, call, &reply) && sd_bus_message_read(reply, "v", "t", &us) < 0)
        us = 0;
    sd_bus_message_unref(reply);
    return (int64_t)(us / 1000);
}

static void tell(struct reading *r, struct bn_units *out)
{
    memcpy(out->counts, r->counts, sizeof out->counts);
    out->failed_count = r->failed_count;
    r->err = NULL; /* what fails from here on leaves a time unknown */
    for (size_t i = 0; i < r->failed_count; i++) {
        struct bn_failed_unit *unit = &out->failed[i];
        const struct failed *from = &r->failed[i];
        bn_text_clip(unit->name, sizeof unit->name, bn_str(from->name));
        bn_text_clip(unit->description, sizeof unit->description, bn_str(from->description));
        bn_text_clip(unit->sub_state, sizeof unit->sub_state, bn_str(from->sub_state));
        unit->failed_ms = failed_ms(r, from->path);
    }
}

/* --- one question ----------------------------------------------------------------------------- */

static bool read_units(struct reading *r, struct bn_units *out)
{
    sd_bus_message *call = NULL;
    sd_bus_message *list = NULL;
    int error = sd_bus_message_new_method_call(r->bus, &call, MANAGER, "/org/freedesktop/systemd1",
            MANAGER ".Manager", "ListUnits");
    if (error < 0)
        return fail_bus(r, error);
    bool ok = ask(r, call, &list) && read_list(r, list);
    if (ok)
        tell(r, out);
    sd_bus_message_unref(list);
    return ok;
}

bool bn_units_read(const char *address, const struct bn_units_limits *limits, struct bn_units *out,
        struct bn_err *err)
{
    struct reading r = {.address = address,
            .limits = limits,
            .err = err,
            .until_ns = bn_clock_mono_ns() + limits->deadline_ms * NS_PER_MS,
            .failed = bn_alloc_array(limits->failed_max, sizeof(struct failed))};
    bool ok = begin(&r) && read_units(&r, out);
    sd_bus_close_unref(r.bus);
    free(r.failed);
    return ok;
}
