#include <ctype.h>

#include "bn_test.h"
#include "topic/msg.h"

static int made;

static struct bn_bytes *make_shout(const struct bn_msg *msg)
{
    const struct bn_bytes *json = msg->forms[BN_FORM_JSON];
    struct bn_bytes *bytes = bn_bytes_create(json->p, json->len);
    for (uint32_t i = 0; i < bytes->len; i++)
        bytes->p[i] = (char)toupper(bytes->p[i]);
    made++;
    return bytes;
}

BN_TEST(a_message_knows_its_topic_and_range_and_owns_its_json)
{
    struct bn_msg *msg = bn_msg_create(7, 3, 5, bn_bytes_create("{}\n", 3));
    CHECK_INT(msg->alias, 7);
    CHECK_INT(msg->from, 3);
    CHECK_INT(msg->to, 5);
    CHECK_MEM(msg->forms[BN_FORM_JSON]->p, "{}\n", 3);
    for (int i = BN_FORM_JSON + 1; i < BN_FORM_COUNT; i++)
        CHECK(!msg->forms[i]);
    bn_msg_unref(msg);
}

BN_TEST(a_form_is_made_when_it_is_asked_for_first_and_never_again)
{
    struct bn_msg *msg = bn_msg_create(1, 0, 1, bn_bytes_create("abc", 3));
    made = 0;
    struct bn_bytes *first = bn_msg_form(msg, BN_FORM_FRAME, make_shout);
    CHECK_MEM(first->p, "ABC", 3);
    for (int i = 0; i < 100; i++)
        CHECK(bn_msg_form(msg, BN_FORM_FRAME, make_shout) == first);
    CHECK_INT(made, 1);
    CHECK(bn_msg_form(msg, BN_FORM_JSON, make_shout) == msg->forms[BN_FORM_JSON]);
    CHECK_INT(made, 1);
    bn_msg_form(msg, BN_FORM_SSE, make_shout);
    CHECK_INT(made, 2);
    bn_msg_unref(msg);
}

BN_TEST(a_message_lives_until_the_last_reference_and_its_bytes_until_theirs)
{
    struct bn_msg *msg = bn_msg_create(1, 0, 1, bn_bytes_create("abc", 3));
    struct bn_bytes *kept = bn_bytes_ref(bn_msg_form(msg, BN_FORM_FRAME, make_shout));
    CHECK(bn_msg_ref(msg) == msg);
    bn_msg_unref(msg);
    CHECK_MEM(msg->forms[BN_FORM_JSON]->p, "abc", 3);
    bn_msg_unref(msg);
    CHECK_INT(kept->refs, 1);
    CHECK_MEM(kept->p, "ABC", 3);
    bn_bytes_unref(kept);
    bn_msg_unref(NULL);
}

BN_TEST_MAIN()
