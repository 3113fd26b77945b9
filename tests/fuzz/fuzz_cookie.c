/* Who asks, and from where: one request's fields against sessions and keys that come and go. A
   first line is what happened before (a letter each), the rest is the fields; "@0" to "@7" in them
   are the cookies of the sessions begun so far. A plain list of who is logged in, kept beside, must
   agree; and the guard of Host, Origin and X-Forwarded-* must say what reading it slowly says. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"

#include "model/limits.h"
#include "web/web_private.h"

#define KEPT      8
#define BEGUN_MAX (BN_SESSIONS_PER_USER_MAX + KEPT)
#define MINUTE_MS 60000
#define HOUR_MS   (60 * (int64_t)MINUTE_MS)

#define SET(member, text) bn_text_clip(member, sizeof(member), BN_STR(text))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const user_ids[] = {"u1", "u2"};
static const char *const key_texts[] = {"bnk_k1_open", "bnk_k2_ann", "bnk_k3_old", "bnk_k4_few"};

/* What we believe. */
struct believed {
    int user;
    int64_t created_ms;
    int64_t seen_ms;
    bool has_ended;
    char secret[BN_COOKIE_SECRET_SIZE];
};

struct world {
    struct bn_clock clock;
    struct bn_hub hub;
    struct bn_sessions *sessions;
    struct believed begun[BEGUN_MAX];
    size_t begun_count;
    bool is_disabled[COUNT(user_ids)];
};

static void quiet(void *user)
{
    (void)user;
}

static void turn(struct world *world)
{
    while (bn_hub_turn(&world->hub))
        ;
}

static void ask(struct world *world, const struct bn_fact *fact)
{
    struct bn_err err;
    bool ok = bn_hub_ask(&world->hub, fact, NULL, NULL, &err);
    assert(ok);
    turn(world);
}

static void put_user(struct world *world, int nth, bool is_disabled)
{
    struct bn_fact fact;
    bn_fact_init(&fact, BN_KIND_USER, BN_TENANT_DEFAULT);
    bn_text_clip(fact.u.user.id, sizeof fact.u.user.id, bn_str(user_ids[nth]));
    bn_text_clip(fact.u.user.name, sizeof fact.u.user.name, bn_str(nth ? "ann" : "owner"));
    fact.u.user.role = nth ? BN_ROLE_VIEWER : BN_ROLE_ADMIN;
    fact.u.user.disabled = is_disabled;
    world->is_disabled[nth] = is_disabled;
    ask(world, &fact);
}

/* k1 made by nobody, k2 by ann, k3 expires after an hour, k4 may read the metrics. */
static void put_key(struct world *world, size_t nth)
{
    struct bn_fact fact;
    uint8_t hash[BN_HASH_SIZE];
    bn_fact_init(&fact, BN_KIND_KEY, BN_TENANT_DEFAULT);
    struct bn_key *key = &fact.u.key;
    bn_sha256(key_texts[nth], strlen(key_texts[nth]), hash);
    bn_b64url_encode(hash, sizeof hash, key->hash);
    bn_text_clip(key->id, sizeof key->id, (struct bn_str){key_texts[nth] + 4, 2});
    bn_text_clip(key->name, sizeof key->name, bn_str(key_texts[nth]));
    bn_text_clip(key->scopes, sizeof key->scopes, nth == 3 ? BN_STR("metrics") : BN_STR("all"));
    bn_text_clip(key->user_id, sizeof key->user_id, nth == 1 ? BN_STR("u2") : BN_STR(""));
    key->expires_at = nth == 2 ? world->clock.now_ms + HOUR_MS : 0;
    ask(world, &fact);
}

static void begin(struct world *world)
{
    struct bn_err err;
    bool ok = bn_secret_start(&err);
    assert(ok);
    memset(world, 0, sizeof *world);
    world->clock = (struct bn_clock){.now_ms = 1795000000000, .mono_ms = 5000};
    bn_hub_init(&world->hub, &world->clock, NULL, quiet, NULL);
    world->sessions = bn_sessions_create(&world->hub);
    bn_sessions_use_dir(world->sessions, "nowhere");
    assert(strcmp(bn_sessions_dir(world->sessions), "nowhere") == 0);
    assert(bn_sessions_throttle(world->sessions, BN_TRY_ACCOUNT));
    put_user(world, 0, false);
    put_user(world, 1, false);
    for (size_t i = 0; i < COUNT(key_texts); i++)
        put_key(world, i);
}

static void end(struct world *world)
{
    turn(world);
    bn_hub_finish(&world->hub);
    bn_sessions_destroy(world->sessions);
}

/* --- what we believe ----------------------------------------------------------------------------
 */

static bool is_over(const struct world *world, const struct believed *it)
{
    return world->clock.now_ms - it->created_ms >= BN_SESSION_ABSOLUTE_MS ||
           world->clock.now_ms - it->seen_ms > BN_SESSION_IDLE_MS;
}

static bool stands(const struct world *world, const struct believed *it)
{
    return !it->has_ended && !is_over(world, it) && !world->is_disabled[it->user];
}

static size_t count_of(const struct world *world, int user)
{
    size_t n = 0;
    for (size_t i = 0; i < world->begun_count; i++)
        n += !world->begun[i].has_ended && world->begun[i].user == user;
    return n;
}

/* One of the longest unseen has to go; which of several is not promised, so it is looked up. */
static void expect_oldest_ended(struct world *world, int user)
{
    const struct bn_session *all[BN_SESSIONS_PER_USER_MAX];
    size_t count = bn_sessions_of(world->sessions, BN_TENANT_DEFAULT, user_ids[user], all);
    struct believed *gone = NULL;
    for (size_t i = 0; i < world->begun_count; i++) {
        struct believed *it = &world->begun[i];
        uint8_t hash[BN_HASH_SIZE];
        char id[BN_ID_MAX];
        bool is_there = it->has_ended || it->user != user;
        bn_sha256(it->secret, strlen(it->secret), hash);
        bn_b64url_encode(hash, 16, id);
        for (size_t j = 0; j < count; j++)
            is_there = is_there || strcmp(all[j]->id, id) == 0;
        assert(is_there || !gone);
        gone = is_there ? gone : it;
    }
    assert(gone);
    for (size_t i = 0; i < world->begun_count; i++)
        assert(world->begun[i].has_ended || world->begun[i].user != user ||
                world->begun[i].seen_ms >= gone->seen_ms);
    gone->has_ended = true;
}

/* --- what happens -------------------------------------------------------------------------------
 */

static void log_in(struct world *world, int user)
{
    struct bn_err err;
    const struct bn_login login = {BN_TENANT_DEFAULT, user_ids[user], "192.0.2.1", BN_STR("a\xff")};
    if (world->begun_count == BEGUN_MAX)
        return;
    bool is_full = count_of(world, user) == BN_SESSIONS_PER_USER_MAX;
    char secret[BN_COOKIE_SECRET_SIZE];
    bool ok = bn_sessions_begin(world->sessions, &login, NULL, NULL, secret, &err);
    assert(ok == !world->is_disabled[user]);
    turn(world);
    if (is_full)
        expect_oldest_ended(world, user);
    if (!ok)
        return;
    struct believed *it = &world->begun[world->begun_count++];
    *it = (struct believed){.user = user, .created_ms = world->clock.now_ms};
    it->seen_ms = it->created_ms - it->created_ms % MINUTE_MS;
    memcpy(it->secret, secret, sizeof secret);
}

static void end_others(struct world *world)
{
    size_t want = count_of(world, 0);
    size_t ended = bn_sessions_end_others(world->sessions, BN_TENANT_DEFAULT, "u1", "", NULL, NULL);
    assert(ended == want);
    for (size_t i = 0; i < world->begun_count; i++)
        world->begun[i].has_ended |= world->begun[i].user == 0;
}

static void sweep(struct world *world)
{
    bn_sessions_sweep(world->sessions);
    turn(world);
    for (size_t i = 0; i < world->begun_count; i++)
        world->begun[i].has_ended |= is_over(world, &world->begun[i]);
}

static void happen(struct world *world, char what)
{
    switch (what) {
    case 'a': log_in(world, 0); break;
    case 'b': log_in(world, 1); break;
    case 'A':
        for (int i = 0; i < BN_SESSIONS_PER_USER_MAX; i++)
            log_in(world, 0);
        break;
    case 'm': world->clock.now_ms += MINUTE_MS; break;
    case 'h': world->clock.now_ms += HOUR_MS; break;
    case 'd': world->clock.now_ms += 24 * HOUR_MS; break;
    case 'x': put_user(world, 1, !world->is_disabled[1]); break;
    case 'o': end_others(world); break;
    case 's': sweep(world); break;
    default: break;
    }
    turn(world);
}

/* --- who ----------------------------------------------------------------------------------------
 */

static struct believed *owner_of(struct world *world, struct bn_str cookie)
{
    for (size_t i = 0; i < world->begun_count; i++)
        if (bn_str_is(cookie, world->begun[i].secret))
            return &world->begun[i];
    return NULL;
}

static bool key_stands(const struct world *world, struct bn_str text)
{
    return bn_str_is(text, key_texts[0]) || bn_str_is(text, key_texts[3]) ||
           (bn_str_is(text, key_texts[1]) && !world->is_disabled[1]) ||
           (bn_str_is(text, key_texts[2]) && world->clock.now_ms < 1795000000000 + HOUR_MS);
}

/* The first cookie of that name, read by hand. */
static struct bn_str find_cookie(const struct bn_http_head *head, const char *name)
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct bn_str value = head->fields[i].value;
        size_t at = 0;
        while (bn_str_is_nocase(head->fields[i].name, "cookie") && at <= value.len) {
            size_t stop = at;
            size_t equals = SIZE_MAX;
            for (; stop < value.len && value.p[stop] != ';'; stop++)
                if (value.p[stop] == '=' && equals == SIZE_MAX)
                    equals = stop;
            if (equals < stop &&
                    bn_str_is(bn_str_trim((struct bn_str){value.p + at, equals - at}), name))
                return bn_str_trim((struct bn_str){value.p + equals + 1, stop - equals - 1});
            at = stop + 1;
        }
    }
    return (struct bn_str){NULL, 0};
}

static struct bn_str find_key(const struct bn_http_head *head)
{
    for (size_t i = 0; i < head->field_count; i++) {
        struct bn_str value = head->fields[i].value;
        if (bn_str_is_nocase(head->fields[i].name, "authorization"))
            return value.len > 7 && strncasecmp(value.p, "bearer ", 7) == 0
                           ? bn_str_trim((struct bn_str){value.p + 7, value.len - 7})
                           : (struct bn_str){NULL, 0};
    }
    return (struct bn_str){NULL, 0};
}

static void check_user(struct world *world, struct believed *it, struct bn_who *who)
{
    assert(who->kind == BN_WHO_USER && strcmp(who->user_id, user_ids[it->user]) == 0);
    assert(bn_who_may(who, BN_RIGHT_ADMIN) == (it->user == 0));
    it->seen_ms = BN_MAX(it->seen_ms, world->clock.now_ms - world->clock.now_ms % MINUTE_MS);
    struct bn_err err;
    bool is_there = bn_sessions_refresh(world->sessions, who);
    assert(is_there);
    bool ended = bn_sessions_end(world->sessions, who->tenant, who->session_id, NULL, NULL, &err);
    assert(ended && !bn_sessions_refresh(world->sessions, who));
    it->has_ended = true;
}

static void check_who(struct world *world, const struct bn_http_head *head, bool is_secure)
{
    struct bn_who who = {.name = "untouched"};
    struct bn_err err = {.code = BN_E_OK};
    struct bn_str cookie = find_cookie(head, is_secure ? "__Host-binnacle" : "binnacle");
    struct bn_str key = find_key(head);
    struct believed *it = owner_of(world, cookie);
    bool want = !cookie.p != !key.p && (key.p ? key_stands(world, key) : it && stands(world, it));
    want = want && !(head->query.len && memmem(head->query.p, head->query.len, "=bnk_", 5));
    bool got = bn_sessions_identify(world->sessions, head, is_secure, "192.0.2.1", &who, &err);
    assert(got == want);
    turn(world);
    if (key.p) { /* brought by other means it is worth the same */
        struct bn_who other;
        const bool stands_alone = bn_sessions_identify_key(world->sessions, key, "192.0.2.1",
                &other, &err);
        assert(stands_alone == key_stands(world, key));
        turn(world);
    }
    if (got)
        bn_sessions_note_use(world->sessions, &who);
    if (got && key.p) {
        assert(who.kind == BN_WHO_KEY && !bn_who_may(&who, BN_RIGHT_SELF));
        bool is_admin = bn_str_is(key, key_texts[0]) || bn_str_is(key, key_texts[2]);
        assert(bn_who_may(&who, BN_RIGHT_ADMIN) == is_admin);
        bool is_there = bn_sessions_refresh(world->sessions, &who);
        assert(is_there);
    } else if (got) {
        check_user(world, it, &who);
    } else {
        assert(err.code == BN_E_UNAUTHORIZED || err.code == BN_E_INVALID);
        assert(err.text[0] && strcmp(who.name, "untouched") == 0);
        assert(!it || !strstr(err.text, it->secret));
    }
}

/* --- from where ---------------------------------------------------------------------------------
 */

static void check_origin(const struct bn_http_head *head, bool is_secure)
{
    struct bn_str origin = bn_http_find(head, "origin");
    struct bn_str site = bn_http_find(head, "sec-fetch-site");
    bool is_own_site = !site.p || bn_str_is(site, "same-origin") || bn_str_is(site, "none");
    char own[2][BN_HTTP_HEAD_BYTES_MAX];
    snprintf(own[0], sizeof own[0], "https://%.*s", BN_ARG(head->host));
    snprintf(own[1], sizeof own[1], "http://%.*s", BN_ARG(head->host));
    bool is_own = false;
    for (int i = 0; i < (is_secure ? 1 : 2); i++)
        is_own |= head->host.len && origin.len == strlen(own[i]) &&
                  memcmp(origin.p, own[i], strcspn(own[i], ":") + 3) == 0 &&
                  strncasecmp(origin.p, own[i], origin.len) == 0;
    assert(bn_guard_origin(head, is_secure) == (is_own && is_own_site));
    assert(bn_guard_is_foreign(head, is_secure) == (!is_own_site || (origin.p && !is_own)));
}

static void check_guard(const struct bn_http_head *head, bool is_secure, bool is_proxy)
{
    struct bn_web_config config = {.host_count = 1, .proxy_count = 2};
    struct bn_arena arena;
    bool ok = bn_net_parse(BN_STR("10.0.0.0/8"), &config.proxies[0], NULL) &&
              bn_net_parse(BN_STR("fd00::/8"), &config.proxies[1], NULL);
    assert(ok);
    SET(config.hosts[0], "ops.example");
    struct bn_str name = bn_guard_host_name(head->host);
    struct bn_addr addr;
    assert(name.len <= head->host.len);
    if (bn_guard_host(&config, head->host) && name.len && !bn_addr_parse(name, &addr) &&
            !bn_str_is_nocase(name, "localhost") && !bn_str_is_nocase(name, "ops.example")) {
        char own[128];
        assert(gethostname(own, sizeof own) == 0 && bn_str_is_nocase(name, own));
    }
    check_origin(head, is_secure);
    assert(bn_guard_is_unsafe(head->method) ==
            !(bn_str_is(head->method, "GET") || bn_str_is(head->method, "HEAD")));
    bn_arena_init(&arena, 64 << 10);
    const char *peer = is_proxy ? "10.0.0.1" : "192.0.2.1";
    struct bn_request req = {.head = head, .arena = &arena, .address = peer};
    req.is_secure = is_secure;
    bn_guard_client(&config, &req);
    assert(bn_addr_parse(bn_str(req.address), &addr) && req.is_secure >= is_secure);
    assert(is_proxy || (req.address == peer && req.is_secure == is_secure));
    bn_arena_finish(&arena);
}

/* --- one input ----------------------------------------------------------------------------------
 */

/* "@3" becomes the cookie of the fourth session, and an LF the end of a field. */
static void put_fields(const struct world *world, const uint8_t *p, size_t len, struct bn_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        if (p[i] == '@' && i + 1 < len && p[i + 1] >= '0' && p[i + 1] < '0' + KEPT) {
            size_t nth = (size_t)(p[++i] - '0');
            bn_buf_puts(out, nth < world->begun_count ? world->begun[nth].secret : "nobody");
        } else if (p[i] == '\n') {
            bn_buf_puts(out, "\r\n");
        } else {
            bn_buf_putc(out, (char)p[i]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    const uint8_t *lf = size ? memchr(data, '\n', size) : NULL;
    size_t before = lf ? (size_t)(lf - data) : 0;
    BN_BUF_AUTO text;
    struct bn_http http;
    enum bn_http_event event;
    bn_buf_init(&text, 64 << 10);
    if (!lf || before > 24)
        return 0;
    begin(&world);
    for (size_t i = 0; i < before; i++)
        happen(&world, (char)data[i]);
    put_fields(&world, lf + 1, size - before - 1, &text);
    bn_buf_puts(&text, "\r\n\r\n");
    bn_http_init(&http);
    bn_http_parse(&http, text.p, text.len, &event);
    if (event == BN_HTTP_HEAD) {
        bool is_secure = memchr(data, 'T', before) != NULL;
        check_guard(http.head, is_secure, memchr(data, 'P', before) != NULL);
        check_who(&world, http.head, is_secure);
        char cookie[BN_SET_COOKIE_SIZE];
        bn_cookie_put(world.begun_count ? world.begun[0].secret : NULL, is_secure, "/ops", cookie);
        assert(strstr(cookie, "; HttpOnly; SameSite=Strict"));
        assert(!strstr(cookie, "; Secure") == !is_secure);
    }
    bn_http_finish(&http);
    end(&world);
    return 0;
}
