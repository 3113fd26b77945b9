#include "app/guest.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"

#include "hub/audit.h"

static void remember(void *user, const struct bn_fact *fact)
{
    struct bn_guest *guest = user;
    struct bn_change change;
    if (bn_live_admit(&guest->live, fact, NULL))
        bn_live_apply(&guest->live, fact, &change);
}

bool bn_guest_open(struct bn_guest *guest, bool may_make, struct bn_err *err)
{
    char path[300];
    char notice[200];
    struct bn_store_config config = {.bytes_max = guest->config.db_max_bytes, .is_guest = true};
    struct bn_clock clock;
    bn_clock_read(&clock);
    guest->now_ms = clock.now_ms;
    snprintf(path, sizeof path, "%s/binnacle.db", guest->config.data);
    if (!may_make && !bn_file_exists(path))
        return bn_fail(err, BN_E_NOT_FOUND,
                "there is no Binnacle in %s: name its folder with --data", guest->config.data);
    bn_text_clip(config.dir, sizeof config.dir, bn_str(guest->config.data));
    if (!bn_secret_start(err) || !bn_store_open(&config, &guest->store, notice, err))
        return false;
    bn_live_init(&guest->live);
    if (bn_store_load(guest->store, remember, guest, err))
        return true;
    bn_guest_close(guest);
    return false;
}

bool bn_guest_look_again(struct bn_guest *guest, struct bn_err *err)
{
    bn_live_finish(&guest->live);
    bn_live_init(&guest->live);
    return bn_store_load(guest->store, remember, guest, err);
}

void bn_guest_close(struct bn_guest *guest)
{
    bn_live_finish(&guest->live);
    bn_store_close(guest->store);
    guest->store = NULL;
}

bool bn_guest_say(struct bn_guest *guest, const struct bn_fact *fact, struct bn_err *err)
{
    struct bn_change change;
    if (!bn_live_admit(&guest->live, fact, err))
        return false;
    bn_live_apply(&guest->live, fact, &change);
    bn_store_put(guest->store, fact);
    return true;
}

bool bn_guest_audit(struct bn_guest *guest, const char *action, const char *object,
        const char *detail, struct bn_err *err)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_AUDIT, BN_TENANT_DEFAULT);
    struct bn_audit *entry = &fact.u.audit;
    bn_text_clip(entry->actor, sizeof entry->actor, BN_STR("command line"));
    bn_text_clip(entry->action, sizeof entry->action, bn_str(action));
    bn_text_clip(entry->object, sizeof entry->object, bn_str(object));
    snprintf(entry->detail, sizeof entry->detail, "%.100s%sby uid %ld", detail,
            detail[0] ? ", " : "", (long)getuid());
    entry->ok = 1;
    bn_audit_stamp(entry, guest->now_ms);
    return bn_guest_say(guest, &fact, err);
}

bool bn_guest_keep(struct bn_guest *guest, struct bn_err *err)
{
    if (!bn_store_keep(guest->store, err))
        return false;
    (void)bn_store_await_server(guest->store); /* so that what is printed holds when it is read */
    return true;
}

const struct bn_table *bn_guest_table(struct bn_guest *guest, enum bn_kind kind)
{
    return &bn_live_find(&guest->live, BN_TENANT_DEFAULT)->tables[kind];
}
