#include "web/password.h"

#include <ctype.h>
#include <string.h>

#include "base/secret.h"

#include "model/limits.h"
#include "web/password_common.h"

#define DIFFERENT_MIN 5 /* "aaaaaaaaaaaa", "abcabcabcabc" */
#define NAME_LEN_MIN  4 /* shorter names are found in any good password */

/* What most people put digits and signs around. */
static const char *const words[] = {"password", "passwort", "passwd", "welcome", "letmein", "admin",
        "administrator", "root", "user", "guest", "test", "testing", "demo", "default", "changeme",
        "change", "secret", "login", "access", "hello", "master", "server", "monitor", "dashboard",
        "qwerty", "qwertz", "azerty", "qwertyuiop", "asdfghjkl", "zxcvbnm", "asdf", "iloveyou",
        "love", "football", "baseball", "monkey", "dragon", "sunshine", "princess", "superman",
        "batman", "starwars", "pokemon", "summer", "winter", "spring", "autumn", "january",
        "february", "march", "april", "june", "july", "august", "september", "october", "november",
        "december", "proxmox", "homelab", "debian", "linux", "binnacle"};

/* Lower case, and the usual disguises of letters undone. */
static char plain_letter(char c)
{
    switch (c) {
    case '@':
    case '4': return 'a';
    case '3': return 'e';
    case '1':
    case '!': return 'i';
    case '0': return 'o';
    case '$':
    case '5': return 's';
    case '7': return 't';
    default: return (char)tolower((unsigned char)c);
    }
}

bool bn_password_is_common(struct bn_str password)
{
    char line[BN_PASSWORD_MAX + 2];
    if (!password.len || password.len > BN_PASSWORD_MAX || memchr(password.p, '\n', password.len))
        return false;
    line[0] = '\n';
    for (size_t i = 0; i < password.len; i++)
        line[i + 1] = (char)tolower((unsigned char)password.p[i]);
    line[password.len + 1] = '\n';
    bool found = false;
    for (size_t i = 0; bn_common_passwords[i] && !found; i++)
        found = memmem(bn_common_passwords[i], strlen(bn_common_passwords[i]), line,
                        password.len + 2) != NULL;
    bn_wipe(line, sizeof line);
    return found;
}

static size_t count_different(struct bn_str text)
{
    bool seen[256] = {false};
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.p[i];
        count += !seen[c];
        seen[c] = true;
    }
    return count;
}

static bool contains_nocase(struct bn_str text, struct bn_str part)
{
    for (size_t at = 0; at + part.len <= text.len; at++) {
        size_t n = 0;
        while (n < part.len &&
                tolower((unsigned char)text.p[at + n]) == tolower((unsigned char)part.p[n]))
            n++;
        if (n == part.len)
            return true;
    }
    return false;
}

/* Is text the word, once or several times over? */
static bool repeats(struct bn_str text, const char *word)
{
    const size_t len = strlen(word);
    if (!text.len || text.len % len != 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (plain_letter(text.p[i]) != word[i % len])
            return false;
    }
    return true;
}

/* What is left without digits and signs at both ends; bytes of UTF-8 letters are letters. */
static struct bn_str core_of(struct bn_str text)
{
    while (text.len && !isalpha((unsigned char)text.p[0]) && (unsigned char)text.p[0] < 0x80) {
        text.p++;
        text.len--;
    }
    while (text.len && !isalpha((unsigned char)text.p[text.len - 1]) &&
            (unsigned char)text.p[text.len - 1] < 0x80)
        text.len--;
    return text;
}

static const char *word_within(struct bn_str password)
{
    const struct bn_str core = core_of(password);
    for (size_t i = 0; i < COUNT(words); i++) {
        if (repeats(core, words[i]))
            return words[i];
    }
    return NULL;
}

bool bn_password_check(struct bn_str password, struct bn_str user_name, const char *field,
        struct bn_err *err)
{
    if (password.len < BN_PASSWORD_MIN)
        return bn_fail_field(err, field, "a password needs at least %d characters, got %zu",
                BN_PASSWORD_MIN, password.len);
    if (password.len > BN_PASSWORD_MAX)
        return bn_fail_field(err, field, "a password may have at most %d bytes, got %zu",
                BN_PASSWORD_MAX, password.len);
    if (!bn_utf8_is_valid(password.p, password.len))
        return bn_fail_field(err, field, "a password must be valid UTF-8 without NUL");
    const size_t different = count_different(password);
    if (different < DIFFERENT_MIN)
        return bn_fail_field(err, field,
                "this password has only %zu different characters, at least %d are wanted",
                different, DIFFERENT_MIN);
    if (user_name.len >= NAME_LEN_MIN && contains_nocase(password, user_name))
        return bn_fail_field(err, field, "a password must not contain the user name");
    if (bn_password_is_common(password))
        return bn_fail_field(err, field, "this password is on the lists that attackers try first");
    const char *word = word_within(password);
    if (word)
        return bn_fail_field(err, field,
                "\"%s\" with digits and signs around it is what attackers try first", word);
    const struct bn_str core = core_of(password);
    if (user_name.len && core.len == user_name.len && contains_nocase(core, user_name))
        return bn_fail_field(err, field,
                "a password must not be the user name with digits and signs around it");
    return true;
}
