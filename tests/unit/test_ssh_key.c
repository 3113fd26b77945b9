#include "bn_test.h"
#include "model/ssh_key.h"

/* Made for this test by ssh-keygen and used nowhere. */
static const char ed25519[] =
        "-----BEGIN OPENSSH PRIVATE KEY-----\n"
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
        "QyNTUxOQAAACA7QAXVi53feh31NP67OMNdBeMCRqSE96L9QR8tj+PZwQAAAJBpy7PJacuz\n"
        "yQAAAAtzc2gtZWQyNTUxOQAAACA7QAXVi53feh31NP67OMNdBeMCRqSE96L9QR8tj+PZwQ\n"
        "AAAEBXs/k8oc0ibxV7OQpJNe879b3+bCL65UQyyfZFCXL0BjtABdWLnd96HfU0/rs4w10F\n"
        "4wJGpIT3ov1BHy2P49nBAAAADG93bmVyQGxhcHRvcAE=\n"
        "-----END OPENSSH PRIVATE KEY-----\n";
static const char encrypted[] =
        "-----BEGIN OPENSSH PRIVATE KEY-----\n"
        "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDKWm+GS3\n"
        "SH+38Z1s9sIINXAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAID4dLCX9BXdibXeM\n"
        "WP19i5ZQnqh7iLMxT0J0afG6Lz2dAAAAkOfpCPJ8IReaetr9T7loTUMhyMmMZpYl8hBr5F\n"
        "1pZLhsuyT7LGKnQoq8k7V7eF91VdvSJ4tcGDN5pQu8ddW6el8174yAU5yNLCn6bM+r17N6\n"
        "pEcvk/727a2aBpjAEEFHrplHB9Ov5AQf8a2QtvaR5oyGBMGyvIx+qK1cic2iwcEAnx4w6c\n"
        "S+hE/vazCLpuRYBg==\n"
        "-----END OPENSSH PRIVATE KEY-----\n";

static const char *refusal(const char *text)
{
    static struct bn_err err;
    struct bn_ssh_key key;
    if (bn_ssh_key_read(bn_str(text), "auth.private_key", &key, &err))
        fail_msg("taken: %.60s", text);
    CHECK_STR(err.field, "auth.private_key");
    CHECK(strncmp(err.text, "auth.private_key ", 17) == 0);
    return err.text + 17;
}

static struct bn_ssh_key taken(const char *text)
{
    struct bn_err err;
    struct bn_ssh_key key;
    if (!bn_ssh_key_read(bn_str(text), "key", &key, &err))
        fail_msg("refused: %s", err.text);
    return key;
}

BN_TEST(a_key_of_openssh_is_shown_as_ssh_keygen_shows_it)
{
    struct bn_ssh_key key = taken(ed25519);
    CHECK_STR(key.label, "ssh-ed25519 SHA256:1EppNqGhTiXzpRlPj6Txk3KzXwij6mT+3MxBccoZ+qE");
    CHECK(!key.is_encrypted);
    key = taken(encrypted);
    CHECK_STR(key.label, "ssh-ed25519 SHA256:TLgkHrQymeIEcXVeX9m1qY9l1AgJcB1kCMPm+GjI508");
    CHECK(key.is_encrypted);
}

BN_TEST(blanks_around_and_line_ends_of_windows_do_not_matter)
{
    char text[2 * sizeof ed25519 + 20] = " \r\n\t";
    size_t len = strlen(text);
    for (const char *p = ed25519; *p; p++) {
        if (*p == '\n')
            text[len++] = '\r';
        text[len++] = *p;
    }
    snprintf(text + len, sizeof text - len, "\n \n");
    CHECK_STR(taken(text).label, taken(ed25519).label);
}

BN_TEST(pem_is_taken_with_what_can_be_seen_of_it)
{
    static const struct {
        const char *text;
        const char *label;
        bool is_encrypted;
    } known[] = {
            {"-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
                    "RSA private key", false},
            {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
             "AES-128-CBC,0011\n\nAAAA\n-----END RSA PRIVATE KEY-----",
                    "RSA private key", true},
            {"-----BEGIN EC PRIVATE KEY-----\nAA+/\n-----END EC PRIVATE KEY-----",
                    "ECDSA private key", false},
            {"-----BEGIN PRIVATE KEY-----\nAAA=\n-----END PRIVATE KEY-----",
                    "private key (PKCS #8)", false},
            {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----",
                    "encrypted private key (PKCS #8)", true},
    };

    for (size_t i = 0; i < COUNT(known); i++) {
        const struct bn_ssh_key key = taken(known[i].text);
        CHECK_STR(key.label, known[i].label);
        CHECK(key.is_encrypted == known[i].is_encrypted);
    }
}

BN_TEST(what_is_no_private_key_is_told_what_it_is)
{
    static const char public_half[] =
            "is the public half: paste the private key, the file without .pub";
    CHECK_STR(refusal("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 owner"), public_half);
    CHECK_STR(refusal("ecdsa-sha2-nistp256 AAAA"), public_half);
    CHECK_STR(refusal("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA"), public_half);
    CHECK_STR(refusal("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"), public_half);
    CHECK(strstr(refusal("PuTTY-User-Key-File-3: ssh-ed25519\n"), "puttygen KEY.ppk"));
    CHECK(strstr(refusal("-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----"),
            "kind that is not used here"));
    CHECK(strstr(refusal("hunter2"), "-----BEGIN"));
    CHECK(strstr(refusal(""), "-----BEGIN"));
    CHECK(strstr(refusal("-----BEGIN PRIVATE KEY-----\nAA-A\n-----END PRIVATE KEY-----"),
            "is damaged"));
    CHECK(strstr(refusal("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE "
                         "KEY-----"),
            "no key of OpenSSH"));
    CHECK(strstr(refusal("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\nmore"),
            "first and last line"));
}

/* Every cut of the text, and every shorter binary: a sentence, and nothing of the key in it. */
BN_TEST(a_key_that_is_cut_anywhere_is_refused)
{
    for (size_t len = 0; len + 1 < sizeof ed25519 - 1; len++) {
        char text[sizeof ed25519];
        memcpy(text, ed25519, len);
        text[len] = '\0';
        CHECK(!strstr(refusal(text), "b3BlbnNz"));
    }
}

BN_TEST(openssh_with_fewer_bytes_or_another_inside_is_refused)
{
    static const char head[] = "openssh-key-v1"; /* with its NUL */
    static const char *const rest[] = {
            "\0\0\0\4none", "\0\0\0\4none", "\0\0\0\0", /* cipher, derivation, its options */
    };
    static const size_t sizes[] = {8, 8, 4};

    static const struct {
        const char *bytes;
        size_t len;
        const char *want;
    } ends[] = {
            {"", 0, "is cut"},
            {"\0\0\0\2", 4, "must hold one key"},
            {"\0\0\0\1\0\0\0\4\0\0\0\1", 12, "is cut"},
            {"\0\0\0\1\0\0\0\4\0\0\0\1\0\0\0\1x", 17, "public half that cannot be read"},
            {"\0\0\0\1\0\0\0\13\0\0\0\7ssh-dss\0\0\0\1x", 24, "kind that is not used"},
            {"\0\0\0\1\0\0\0\13\0\0\0\7ssh-rsa\0\0\0\0", 23, "is cut"},
            {"\0\0\0\1\0\0\0\13\0\0\0\7ssh-rsa\377\0\0\1x", 24, "is cut"},
    };

    for (size_t i = 0; i < COUNT(ends); i++) {
        char binary[128];
        char base64[256];
        char text[400];
        size_t len = sizeof head;
        memcpy(binary, head, len);
        for (size_t k = 0; k < COUNT(rest); k++) {
            memcpy(binary + len, rest[k], sizes[k]);
            len += sizes[k];
        }
        memcpy(binary + len, ends[i].bytes, ends[i].len);
        len += ends[i].len;
        bn_b64url_encode(binary, len, base64);
        for (char *p = base64; *p; p++)
            *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
        snprintf(text, sizeof text,
                "-----BEGIN OPENSSH PRIVATE KEY-----\n%s\n-----END OPENSSH PRIVATE KEY-----\n",
                base64);
        if (!strstr(refusal(text), ends[i].want))
            fail_msg("%zu: %s", i, refusal(text));
    }
}

BN_TEST(a_fingerprint_is_sha256_as_ssh_keygen_prints_it)
{
    CHECK(bn_ssh_fingerprint_is_valid(
            BN_STR("SHA256:1EppNqGhTiXzpRlPj6Txk3KzXwij6mT+3MxBccoZ+qE")));
    CHECK(!bn_ssh_fingerprint_is_valid(
            BN_STR("SHA256:1EppNqGhTiXzpRlPj6Txk3KzXwij6mT+3MxBccoZ+q")));
    CHECK(!bn_ssh_fingerprint_is_valid(
            BN_STR("SHA256:1EppNqGhTiXzpRlPj6Txk3KzXwij6mT+3MxBccoZ+qE=")));
    CHECK(!bn_ssh_fingerprint_is_valid(
            BN_STR("SHA256:1EppNqGhTiXzpRlPj6Txk3KzXwij6mT-3MxBccoZ+qE")));
    CHECK(!bn_ssh_fingerprint_is_valid(BN_STR("MD5:00:11:22")));
    CHECK(!bn_ssh_fingerprint_is_valid(BN_STR("")));
}

BN_TEST_MAIN()
