#include "why_trace.h"

/* What a name leads to, as a cause: its edges, and chance. */

#define A  "10.0.0.3"
#define B  "10.0.0.9"
#define V6 "2001:db8::3"

static void lead_to(size_t from, size_t to, const char *address)
{
    for (size_t i = from; i < to; i++)
        snprintf(trace.checks[i].address, sizeof trace.checks[i].address, "%s", address);
}

/* 40 checks by name, the last 10 fail. */
static void make_named(const char *before, const char *after)
{
    make_plain(40, 30, "refused", "tcp");
    snprintf(trace.server.host, sizeof trace.server.host, "pve3.lan");
    lead_to(0, 30, before);
    lead_to(30, 40, after);
}

BN_TEST(another_address_from_the_first_failure_on_is_the_cause)
{
    make_named(A, B);
    judge();
    CHECK_STR(why.findings[0].kind, "dns_changed");
    CHECK(why.findings[0].is_cause && why.findings[0].confidence > 0.9);
    CHECK_STR(why.findings[0].title,
            "The DNS answer changed: its name leads to 10.0.0.9, and 10.0.0.3 is what works");
    CHECK_STR(why.findings[0].evidence, "10 of 10 checks at 10.0.0.9 failed, 0 of 30 at 10.0.0.3;"
                                        " last 2 min ago");
    CHECK(!excludes("dns"));
    CHECK_STR(why.advice[0].kind, "look_at_network");
}

BN_TEST(back_at_the_old_address_it_works_and_that_is_said_too)
{
    make_named(A, B);
    for (int i = 0; i < 12; i++)
        snprintf(add(NOW - 119000 + i * 9000, "", "")->address, 48, A);
    judge();
    CHECK_INT(why.state, BN_WHY_OK);
    CHECK_STR(why.findings[0].kind, "dns_changed");
}

BN_TEST(what_fails_long_after_the_change_is_not_of_it)
{
    make_named(A, A);
    lead_to(26, 40, B); /* four were fine there */
    judge();
    CHECK(!has("dns_changed") && !has("address") && !has("ipv6"));
    make_named(A, A);
    judge();
    CHECK(!has("dns_changed"));
    CHECK_STR(excluded("dns"),
            "Not DNS: its name leads to 10.0.0.3, when it works as when it fails");
}

BN_TEST(it_takes_successes_elsewhere_and_enough_of_both)
{
    make_named(B, B); /* nothing else was ever tried */
    judge();
    CHECK(!has("dns_changed"));
    make_named("", B); /* before it nobody knows */
    judge();
    CHECK(!has("dns_changed"));
    make_named(A, A);
    lead_to(38, 40, B); /* two are chance */
    judge();
    CHECK(!has("dns_changed"));
}

static void make_both(const char *bad, const char *good)
{
    make_plain(60, 60, "", "");
    for (size_t i = 0; i < 60; i++) {
        struct bn_check *check = &trace.checks[i];
        const bool fails = i % 3 == 0;
        snprintf(check->address, sizeof check->address, "%s", fails ? bad : good);
        if (!fails)
            continue;
        check->success = 0;
        snprintf(check->error_class, sizeof check->error_class, "timeout");
        snprintf(check->error_phase, sizeof check->error_phase, "tls");
    }
}

BN_TEST(to_and_fro_one_of_the_addresses_is_dead_or_a_family_is)
{
    make_both(B, A);
    judge();
    CHECK_STR(why.findings[0].kind, "address");
    CHECK_STR(why.findings[0].title, "One of its addresses fails: 10.0.0.9; 10.0.0.3 works");
    make_both(V6, A);
    judge();
    CHECK_STR(why.findings[0].kind, "ipv6");
    CHECK_STR(why.findings[0].title,
            "IPv6 fails, IPv4 works: 2001:db8::3 does not answer, 10.0.0.3 does");
    make_both(A, V6); /* the other way round it is one of its addresses */
    judge();
    CHECK_STR(why.findings[0].kind, "address");
    make_named(A, V6); /* an AAAA record that was added is of the family */
    judge();
    CHECK_STR(why.findings[0].kind, "ipv6");
}

BN_TEST(what_fails_by_both_families_is_not_ipv6)
{
    make_named(A, A);
    for (size_t i = 0; i < 40; i += 2)
        lead_to(i, i + 1, V6);
    judge();
    CHECK(!has("ipv6"));
    CHECK_STR(excluded("ipv6"), "Not IPv6: it fails by IPv4 as well");
}

BN_TEST(of_more_addresses_than_a_machine_has_nothing_is_said)
{
    char address[16];
    make_both(B, A);
    for (size_t i = 1; i < 60; i += 3) {
        snprintf(address, sizeof address, "10.0.1.%zu", i);
        lead_to(i, i + 1, address);
    }
    judge();
    CHECK(!has("address") && !has("dns_changed"));
}

/* Names with one to eight addresses, and failures that have nothing to do with them. */
BN_TEST(a_thousand_seeds_of_noise_have_no_bad_address)
{
    static const double rates[] = {0.01, 0.03, 0.1, 0.3, 0.6};
    int found = 0;
    for (uint32_t i = 1; i <= 1000; i++) {
        make_noise(i, rates[i % COUNT(rates)]);
        const size_t addresses = 1 + i % 8;
        for (size_t c = 0; c < trace.ask.check_count; c++) {
            const size_t which = (size_t)(chance() * (double)addresses);
            snprintf(trace.checks[c].address, sizeof trace.checks[c].address,
                    which % 2 ? "2001:db8::%zu" : "10.0.0.%zu", which);
        }
        judge();
        found += has("address") || has("dns_changed") || has("ipv6");
    }
    CHECK_INT(found, 0);
}

BN_TEST_MAIN()
