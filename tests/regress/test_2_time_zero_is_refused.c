/* "1970-01-01T00:00:00Z" was read as the time that stands for none, so a key
   asked to end then was made to end never. */
#include "bn_test.h"
#include "web/forms.h"

static bool read_key(const char *expires_at, struct bn_key_form *form, struct bn_err *err)
{
    char text[200];
    uint64_t given;
    BN_DOC_AUTO *doc = NULL;
    snprintf(text, sizeof text, "{\"name\":\"backup\",\"scopes\":\"read\",\"expires_at\":\"%s\"}",
            expires_at);
    bn_record_clear(&bn_key_form_type, form);
    CHECK(bn_doc_parse(bn_str(text), &doc, err));
    return bn_record_read(&bn_key_form_type, doc, form, &given, err);
}

BN_TEST(a_key_that_ends_in_1970_is_refused_and_not_made_to_last_for_ever)
{
    struct bn_key_form form;
    struct bn_err err;
    CHECK(!read_key("1970-01-01T00:00:00Z", &form, &err));
    CHECK_STR(err.text, "expires_at must be after 1970, got \"1970-01-01T00:00:00Z\"");
    CHECK_STR(err.field, "expires_at");
    CHECK(!read_key("1969-12-31T23:59:59Z", &form, &err));
    CHECK(read_key("1970-01-01T00:00:00.001Z", &form, &err));
    CHECK_INT(form.expires_at, 1);
}

BN_TEST_MAIN()
