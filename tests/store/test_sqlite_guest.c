#include <sys/wait.h>

#include "sql.h"
#include "store_test.h"

/* A second program: forked before the store is opened here, because a connection must not be
   carried through fork(); it begins when told and says with one byte that it is done. */
struct other {
    pid_t pid;
    int go;
    int done;
};

static void other_start(struct other *other, void (*work)(struct place *place), struct place *place)
{
    int go[2];
    int done[2];
    CHECK_INT(pipe(go), 0);
    CHECK_INT(pipe(done), 0);
    other->pid = fork();
    CHECK(other->pid >= 0);
    if (other->pid == 0) {
        char c;
        close(go[1]);
        if (read(go[0], &c, 1) == 1)
            work(place);
        if (write(done[1], "d", 1) != 1)
            _exit(1);
        _exit(0);
    }
    close(go[0]);
    close(done[1]);
    other->go = go[1];
    other->done = done[0];
}

static void other_run(struct other *other)
{
    char c;
    CHECK_INT(write(other->go, "g", 1), 1);
    CHECK_INT(read(other->done, &c, 1), 1);
    int status;
    CHECK_INT(waitpid(other->pid, &status, 0), other->pid);
    CHECK_INT(status, 0);
    close(other->go);
    close(other->done);
}

static struct bn_store *guest_open(struct place *place)
{
    struct bn_store_config config = place_config(place);
    struct bn_store *store = NULL;
    struct bn_err err;
    char notice[200];
    config.is_guest = true;
    if (!bn_store_open(&config, &store, notice, &err))
        fail_msg("guest: %s", err.text);
    return store;
}

static void guest_adds_and_removes(struct place *place)
{
    struct bn_store *store = guest_open(place);
    if (count_rows(store) != 1)
        _exit(2);
    struct bn_fact bob = user_fact("u2", "bob");
    struct bn_fact ann = user_fact("u1", "ann");
    ann.op = BN_GONE;
    bn_store_put(store, &bob);
    put_now(store, &ann);
    bn_store_close(store);
}

struct told {
    struct bn_fact facts[8];
    size_t count;
};

static void take(void *user, const struct bn_fact *fact)
{
    struct told *told = user;
    if (told->count < COUNT(told->facts))
        told->facts[told->count++] = *fact;
}

BN_TEST(what_a_guest_writes_reaches_the_running_server_within_two_seconds)
{
    struct place place;
    struct other other;
    place_init(&place);
    other_start(&other, guest_adds_and_removes, &place);
    struct bn_store *store = place_open(&place);
    struct bn_fact ann = user_fact("u1", "ann");
    put_now(store, &ann);
    other_run(&other);
    struct told told = {.count = 0};
    int64_t from_ns = bn_clock_mono_ns();
    while (told.count < 2 && bn_clock_mono_ns() - from_ns < INT64_C(2000000000)) {
        pause_ms(20);
        bn_store_collect_foreign(store, take, &told);
    }
    CHECK_INT(told.count, 2);
    CHECK_STR(told.facts[0].u.user.name, "bob");
    CHECK_INT(told.facts[0].op, BN_PUT);
    CHECK_INT(told.facts[0].u.user.role, BN_ROLE_MANAGER);
    CHECK_STR(told.facts[1].u.user.id, "u1");
    CHECK_INT(told.facts[1].op, BN_GONE);
    CHECK(told.facts[0].replay && told.facts[1].replay);
    pause_ms(1300);
    bn_store_collect_foreign(store, take, &told);
    CHECK_INT(told.count, 2); /* told once */
    CHECK_INT(count_rows(store), 1);
    bn_store_close(store);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM notes"), 2);
    store = place_open(&place); /* whoever begins anew reads the rows: notes are of no use to it */
    for (int i = 0; i < 300 && ask_sql(&place, "SELECT count(*) FROM notes") > 1; i++)
        pause_ms(10);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM notes"), 1); /* the newest, for its number */
    bn_store_collect_foreign(store, take, &told);
    CHECK_INT(told.count, 2);
    bn_store_close(store);
    place_finish(&place);
}

static void guest_adds_and_waits(struct place *place)
{
    struct bn_store *store = guest_open(place);
    struct bn_fact bob = user_fact("u2", "bob");
    put_now(store, &bob);
    if (!bn_store_await_server(store))
        _exit(3);
    bn_store_close(store);
}

BN_TEST(a_guest_that_waits_ends_when_the_server_has_heard_it)
{
    struct place place;
    struct other other;
    place_init(&place);
    other_start(&other, guest_adds_and_waits, &place);
    struct bn_store *store = place_open(&place);
    struct bn_fact ann = user_fact("u1", "ann");
    put_now(store, &ann);
    other_run(&other);
    struct told told = {.count = 0};
    bn_store_collect_foreign(store, take, &told); /* at once: no second to wait for */
    CHECK_INT(told.count, 1);
    CHECK_STR(told.facts[0].u.user.name, "bob");
    CHECK(bn_store_await_server(store)); /* the owner waits for nobody */
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_server_does_not_hear_itself)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact ann = user_fact("u1", "ann");
    put_now(store, &ann);
    pause_ms(1200);
    struct told told = {.count = 0};
    bn_store_collect_foreign(store, take, &told);
    CHECK_INT(told.count, 0);
    bn_store_close(store);
    place_finish(&place);
}

static void guest_adds_many(struct place *place)
{
    struct bn_store *store = guest_open(place);
    for (int i = 0; i < 200; i++) {
        char id[16];
        snprintf(id, sizeof id, "g%d", i);
        struct bn_fact fact = user_fact(id, id);
        put_now(store, &fact);
    }
    bn_store_close(store);
}

BN_TEST(a_guest_and_a_busy_server_do_not_refuse_each_other)
{
    struct place place;
    struct other other;
    place_init(&place);
    other_start(&other, guest_adds_many, &place);
    struct bn_store *store = place_open(&place);
    CHECK_INT(write(other.go, "g", 1), 1);
    struct heard heard = {0};
    size_t sent = 0;
    struct timeval none = {0};
    fd_set done;
    do {
        char id[16];
        snprintf(id, sizeof id, "s%zu", sent);
        struct bn_fact fact = user_fact(id, id);
        bn_store_put(store, &fact);
        bn_store_flush(store);
        sent++;
        do { /* a slow disk is not what is asked about here */
            pause_ms(1);
            bn_store_collect(store, hear_ack, &heard);
        } while (sent - heard.count > BN_STORE_QUEUE_MAX / 2);
        FD_ZERO(&done);
        FD_SET(other.done, &done);
    } while (select(other.done + 1, &done, NULL, NULL, &none) == 0 && sent < 20000);
    int status;
    CHECK_INT(waitpid(other.pid, &status, 0), other.pid);
    CHECK_INT(status, 0);
    close(other.go);
    close(other.done);
    await_acks(store, &heard, sent);
    CHECK_INT(heard.ok, sent);
    CHECK_INT(count_rows(store), sent + 200);
    bn_store_close(store);
    check_integrity(&place);
    place_finish(&place);
}

BN_TEST(a_guest_without_a_server_makes_the_store_itself)
{
    struct place place;
    place_init(&place);
    struct bn_store *guest = guest_open(&place);
    struct bn_fact ann = user_fact("u1", "ann");
    put_now(guest, &ann);
    bn_store_close(guest);
    struct bn_store *store = place_open(&place);
    CHECK_INT(count_rows(store), 1);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(a_server_waits_a_moment_for_a_guest_that_holds_the_folder)
{
    struct place place;
    place_init(&place);
    pid_t pid = fork();
    CHECK(pid >= 0);
    char path[300];
    place_path(&place, "reserve", path);
    if (pid == 0) {
        struct bn_store *guest = guest_open(&place);
        pause_ms(300);
        bn_store_close(guest);
        _exit(0);
    }
    for (int i = 0; i < 1000 && access(path, F_OK) != 0; i++)
        pause_ms(2);
    struct bn_store *store = place_open(&place);
    bn_store_close(store);
    int status;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    CHECK_INT(status, 0);
    place_finish(&place);
}

static bool try_to_keep(struct bn_store *store, const struct bn_fact *fact, struct bn_err *err)
{
    bn_store_put(store, fact);
    return bn_store_keep(store, err);
}

/* Each of the two looked, and saw nobody of that name. */
BN_TEST(two_programs_cannot_add_the_same_name)
{
    struct place place;
    struct bn_err err;
    place_init(&place);
    struct bn_store *server = place_open(&place);
    struct bn_store *guest = guest_open(&place);
    struct bn_fact ann = user_fact("u1", "ann");
    struct bn_fact shouted = user_fact("u2", "ANN");
    CHECK(try_to_keep(server, &ann, &err));
    CHECK(!try_to_keep(guest, &shouted, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_STR(err.field, "name");
    CHECK_STR(err.text, "there is already a user with the name ANN");
    struct bn_fact bob = user_fact("u3", "bob");
    CHECK(try_to_keep(guest, &bob, &err));
    struct bn_fact other = user_fact("u4", "Bob");
    CHECK(!try_to_keep(server, &other, &err));
    CHECK_INT(err.code, BN_E_CONFLICT);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM users"), 2);
    bn_store_close(guest);
    bn_store_close(server);
    place_finish(&place);
}

BN_TEST(a_name_is_unique_within_its_tenant_and_may_stay_its_own)
{
    struct place place;
    struct bn_err err;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    struct bn_fact ann = user_fact("u1", "ann");
    CHECK(try_to_keep(store, &ann, &err));
    snprintf(ann.u.user.name, sizeof ann.u.user.name, "Ann");
    CHECK(try_to_keep(store, &ann, &err));
    struct bn_fact elsewhere = user_fact("u1", "ann");
    snprintf(elsewhere.tenant, sizeof elsewhere.tenant, "other");
    CHECK(try_to_keep(store, &elsewhere, &err));
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM users"), 2);
    bn_store_close(store);
    place_finish(&place);
}

BN_TEST(of_two_who_had_the_same_name_already_the_older_keeps_it)
{
    struct place place;
    place_init(&place);
    struct bn_store *store = place_open(&place);
    static const char *const ids[] = {"first-one", "second-one", "third-one"};
    for (size_t i = 0; i < COUNT(ids); i++) {
        struct bn_fact fact = user_fact(ids[i], ids[i]);
        put_now(store, &fact);
    }
    bn_store_close(store);
    ask_sql(&place, "DROP INDEX users_name");
    ask_sql(&place, "UPDATE users SET name = CASE id WHEN 'second-one' THEN 'ANN' ELSE 'ann' END");
    bn_store_close(place_open(&place));
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM users WHERE id = 'first-one' AND name = 'ann'"),
            1);
    CHECK_INT(
            ask_sql(&place,
                    "SELECT count(*) FROM users WHERE id = 'second-one' AND name = 'ANN.second-o'"),
            1);
    CHECK_INT(
            ask_sql(&place,
                    "SELECT count(*) FROM users WHERE id = 'third-one' AND name = 'ann.third-on'"),
            1);
    CHECK_INT(ask_sql(&place, "SELECT count(*) FROM sqlite_schema WHERE name = 'users_name'"), 1);
    place_finish(&place);
}

BN_TEST_MAIN()
