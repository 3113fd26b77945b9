#include "model/token.h"

#include <stdio.h>
#include <string.h>

void bn_token_aad(const char *tenant, const char *server_id, char out[BN_TOKEN_AAD_SIZE])
{
    snprintf(out, BN_TOKEN_AAD_SIZE, "v1|servers|token|%s|%s", server_id, tenant);
}

static bool is_word(struct bn_str text, const char *extra)
{
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.p[i];
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '_' || c == '-';
        if (!is_plain && !(c != '\0' && strchr(extra, c)))
            return false;
    }
    return text.len > 0;
}

bool bn_token_read(struct bn_str text, char *out, size_t size, struct bn_err *err)
{
    static const char prefix[] = "PVEAPIToken=";
    struct bn_str rest = bn_str_trim(text);
    if (bn_str_starts(rest, prefix))
        rest = (struct bn_str){rest.p + sizeof prefix - 1, rest.len - (sizeof prefix - 1)};
    const struct bn_str token = rest;
    struct bn_str user = bn_str_cut(&rest, '@');
    struct bn_str realm = rest.p ? bn_str_cut(&rest, '!') : rest;
    struct bn_str name = rest.p ? bn_str_cut(&rest, '=') : rest;
    if (rest.p && is_word(user, ".") && is_word(realm, ".") && is_word(name, ".") &&
            is_word(rest, "") && bn_text_copy(out, size, token))
        return true;
    return bn_fail_field(err, "api_token",
            "api_token must have the form USER@REALM!TOKENID=SECRET");
}

void bn_token_hint(const char *token, char *out, size_t size)
{
    const char *secret = strrchr(token, '=');
    const size_t len = secret ? strlen(secret + 1) : 0;
    snprintf(out, size, "%.*s\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2\xE2\x80\xA2%s",
            secret ? (int)(secret + 1 - token) : 0, token, len >= 12 ? secret + 1 + len - 4 : "");
}
