#include "model/ssh_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

#define BODY_MAX   16384 /* of base64; callers refuse longer texts before */
#define DIGEST_LEN 43    /* SHA-256 in base64 without padding */

static bool refuse(struct bn_err *err, const char *field, const char *what)
{
    return bn_fail_field(err, field, "%s %s", field, what);
}

/* bn_str_trim leaves line ends. */
static struct bn_str trim_lines(struct bn_str text)
{
    while (text.len && strchr(" \t\r\n", text.p[0]) && text.p[0])
        text = (struct bn_str){text.p + 1, text.len - 1};
    while (text.len && strchr(" \t\r\n", text.p[text.len - 1]) && text.p[text.len - 1])
        text.len--;
    return text;
}

/* --- PEM --------------------------------------------------------------------------------------
 */

/* "RSA PRIVATE KEY" of "-----BEGIN RSA PRIVATE KEY-----", and what stands up to its end line. */
static bool cut_pem(struct bn_str text, struct bn_str *out_kind, struct bn_str *out_body)
{
    static const char begin[] = "-----BEGIN ";
    static const char dashes[] = "-----";
    char end[80];
    struct bn_str rest = text;
    const struct bn_str first = trim_lines(bn_str_cut(&rest, '\n'));
    const size_t around = sizeof begin - 1 + sizeof dashes - 1;
    if (!bn_str_starts(first, begin) || first.len <= around || first.len > sizeof end + around - 20)
        return false;
    *out_kind = (struct bn_str){first.p + sizeof begin - 1, first.len - around};
    if (memcmp(first.p + first.len - 5, dashes, 5) != 0 || !rest.p)
        return false;
    const int len = snprintf(end, sizeof end, "-----END %.*s-----", BN_ARG(*out_kind));
    const char *at = memmem(rest.p, rest.len, end, (size_t)len);
    const char *last = text.p + text.len;
    if (!at || trim_lines((struct bn_str){at + len, (size_t)(last - at - len)}).len)
        return false;
    *out_body = (struct bn_str){rest.p, (size_t)(at - rest.p)};
    return true;
}

/* Base64 with line ends, RFC 4648 section 4. */
static bool decode(struct bn_str body, uint8_t *out, size_t size, size_t *out_len)
{
    char *plain = bn_alloc(body.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < body.len; i++) {
        const char c = body.p[i];
        if (c == '\n' || c == '\r' || c == ' ' || c == '\t')
            continue;
        plain[len++] = c;
        if (c == '+')
            plain[len - 1] = '-';
        else if (c == '/')
            plain[len - 1] = '_';
        else if (c == '-' || c == '_')
            plain[len - 1] = '!'; /* of the other alphabet */
    }
    for (int pads = 0; pads < 2 && len > 0 && plain[len - 1] == '='; pads++)
        len--;
    const bool is_good = len > 0 &&
                         bn_b64url_decode((struct bn_str){plain, len}, out, size, out_len);
    bn_wipe(plain, body.len + 1);
    free(plain);
    return is_good;
}

/* --- OpenSSH's format ------------------------------------------------------------------------- */

static uint32_t get_u32(const char *p)
{
    const uint8_t *at = (const uint8_t *)p;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* A string of SSH: four bytes of length, then as many (RFC 4251 section 5). */
static bool take_string(struct bn_str *rest, struct bn_str *out)
{
    if (rest->len < 4)
        return false;
    const uint32_t len = get_u32(rest->p);
    if (len > rest->len - 4)
        return false;
    *out = (struct bn_str){rest->p + 4, len};
    *rest = (struct bn_str){rest->p + 4 + len, rest->len - 4 - len};
    return true;
}

static bool is_known_type(struct bn_str type)
{
    static const char *const types[] = {"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256",
            "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"};
    for (size_t i = 0; i < COUNT(types); i++)
        if (bn_str_is(type, types[i]))
            return true;
    return false;
}

static void put_label(struct bn_str type, struct bn_str blob, char *out, size_t size)
{
    uint8_t hash[BN_HASH_SIZE];
    char digest[DIGEST_LEN + 1];
    bn_sha256(blob.p, blob.len, hash);
    bn_b64url_encode(hash, sizeof hash, digest);
    for (char *p = digest; *p; p++)
        *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
    snprintf(out, size, "%.*s SHA256:%s", BN_ARG(type), digest);
}

static bool read_openssh(struct bn_str binary, const char *field, struct bn_ssh_key *out,
        struct bn_err *err)
{
    static const char magic[] = "openssh-key-v1"; /* with its NUL */
    struct bn_str rest;
    struct bn_str cipher;
    struct bn_str kdf;
    struct bn_str options;
    struct bn_str blob;
    struct bn_str type;
    struct bn_str sealed;
    if (binary.len < sizeof magic || memcmp(binary.p, magic, sizeof magic) != 0)
        return refuse(err, field, "is no key of OpenSSH, although its first line says so");
    rest = (struct bn_str){binary.p + sizeof magic, binary.len - sizeof magic};
    if (!take_string(&rest, &cipher) || !take_string(&rest, &kdf) ||
            !take_string(&rest, &options) || rest.len < 4)
        return refuse(err, field, "is cut: paste the whole file");
    const uint32_t keys = get_u32(rest.p);
    rest = (struct bn_str){rest.p + 4, rest.len - 4};
    if (keys != 1)
        return refuse(err, field, "must hold one key");
    if (!take_string(&rest, &blob) || !take_string(&rest, &sealed) || !sealed.len)
        return refuse(err, field, "is cut: paste the whole file");
    struct bn_str inner = blob;
    if (!take_string(&inner, &type))
        return refuse(err, field, "holds a public half that cannot be read");
    if (!is_known_type(type))
        return refuse(err, field,
                "is of a kind that is not used here: take ed25519 (ssh-keygen -t ed25519), ECDSA or "
                "RSA");
    out->is_encrypted = !bn_str_is(cipher, "none");
    put_label(type, blob, out->label, sizeof out->label);
    return true;
}

/* --- either ----------------------------------------------------------------------------------- */

static bool decode_openssh(struct bn_str body, const char *field, struct bn_ssh_key *out,
        struct bn_err *err)
{
    uint8_t *binary = bn_alloc(BODY_MAX);
    size_t len = 0;
    bool is_good = decode(body, binary, BODY_MAX, &len);
    if (is_good)
        is_good = read_openssh((struct bn_str){(const char *)binary, len}, field, out, err);
    else
        refuse(err, field, "is damaged: between its first and last line there must be base64");
    bn_wipe(binary, BODY_MAX);
    free(binary);
    return is_good;
}

static bool is_base64(struct bn_str body)
{
    uint8_t *binary = bn_alloc(BODY_MAX);
    size_t len = 0;
    const bool is_good = decode(body, binary, BODY_MAX, &len);
    bn_wipe(binary, BODY_MAX);
    free(binary);
    return is_good;
}

/* "Proc-Type: 4,ENCRYPTED", "DEK-Info: …" and an empty line stand before the base64 of old PEM. */
static bool skip_headers(struct bn_str *body)
{
    bool is_encrypted = false;
    while (memchr(body->p, ':', body->len)) {
        const struct bn_str line = trim_lines(bn_str_cut(body, '\n'));
        is_encrypted |= bn_str_starts(line, "Proc-Type:") &&
                        memmem(line.p, line.len, "ENCRYPTED", 9) != NULL;
        if (!body->p)
            *body = (struct bn_str){"", 0};
    }
    return is_encrypted;
}

static bool read_pem(struct bn_str kind, struct bn_str body, const char *field,
        struct bn_ssh_key *out, struct bn_err *err)
{
    static const struct {
        const char *kind;
        const char *label;
        bool is_encrypted;
    } known[] = {
            {"RSA PRIVATE KEY", "RSA private key", false},
            {"EC PRIVATE KEY", "ECDSA private key", false},
            {"PRIVATE KEY", "private key (PKCS #8)", false},
            {"ENCRYPTED PRIVATE KEY", "encrypted private key (PKCS #8)", true},
    };

    for (size_t i = 0; i < COUNT(known); i++) {
        if (!bn_str_is(kind, known[i].kind))
            continue;
        out->is_encrypted = skip_headers(&body) || known[i].is_encrypted;
        bn_text_clip(out->label, sizeof out->label, bn_str(known[i].label));
        return is_base64(body) ||
               refuse(err, field,
                       "is damaged: between its first and last line there must be base64");
    }
    return refuse(err, field,
            "is of a kind that is not used here: take ed25519 (ssh-keygen -t ed25519), ECDSA or RSA");
}

static bool is_public(struct bn_str text)
{
    return bn_str_starts(text, "ssh-") || bn_str_starts(text, "ecdsa-sha2-") ||
           bn_str_starts(text, "sk-") || bn_str_starts(text, "---- BEGIN SSH2 PUBLIC KEY");
}

bool bn_ssh_key_read(struct bn_str text, const char *field, struct bn_ssh_key *out,
        struct bn_err *err)
{
    struct bn_str kind;
    struct bn_str body;
    const struct bn_str trimmed = trim_lines(text);
    *out = (struct bn_ssh_key){0};
    if (is_public(trimmed))
        return refuse(err, field,
                "is the public half: paste the private key, the file without .pub");
    if (bn_str_starts(trimmed, "PuTTY-User-Key-File"))
        return refuse(err, field,
                "is a key of PuTTY: convert it with puttygen KEY.ppk -O private-openssh -o KEY");
    if (trimmed.len > BODY_MAX || !cut_pem(trimmed, &kind, &body))
        return refuse(err, field,
                "must be a private key with its first and last line, -----BEGIN … PRIVATE KEY-----");
    if (memmem(kind.p, kind.len, "PUBLIC", 6))
        return refuse(err, field,
                "is the public half: paste the private key, the file without .pub");
    return bn_str_is(kind, "OPENSSH PRIVATE KEY") ? decode_openssh(body, field, out, err)
                                                  : read_pem(kind, body, field, out, err);
}

bool bn_ssh_fingerprint_is_valid(struct bn_str text)
{
    static const char prefix[] = "SHA256:";
    if (!bn_str_starts(text, prefix) || text.len != sizeof prefix - 1 + DIGEST_LEN)
        return false;
    for (size_t i = sizeof prefix - 1; i < text.len; i++) {
        const char c = text.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '+' || c == '/'))
            return false;
    }
    return true;
}
