/* What a machine says that we act on over SSH, and what may be said to it. The first byte chooses
   the way, the rest is the bytes. What a command wrote becomes the same text however its bytes were
   cut, with nothing in it that a terminal or a page would obey, and every byte is accounted for.
   Answers to our questions are read into bounded words. A command that is taken stays within its
   own text. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#include "model/limits.h"
#include "source/dispatch_private.h"

#define HEAD_MAX 4096
#define TAIL_MAX 8192
#define ID       "AAAAAAAAAAAAAAAAAAAAAA"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* --- output ---------------------------------------------------------------------------------- */

struct told {
    struct bn_buf text;
    int64_t at;
};

static void on_piece(void *user, const struct bn_transcript_piece *piece)
{
    struct told *told = user;
    assert(piece->at == told->at && piece->bytes > 0);
    assert(piece->len < sizeof(((struct bn_piece *)0)->text) && piece->text[piece->len] == '\0');
    assert(bn_utf8_is_valid(piece->text, piece->len));
    for (size_t i = 0; i < piece->len; i++) {
        const unsigned char c = (unsigned char)piece->text[i];
        assert((c >= 0x20 && c != 0x7F) || c == '\n' || c == '\t');
    }
    told->at += piece->bytes;
    bn_buf_put(&told->text, piece->text, piece->len);
}

/* As it comes, so many bytes at a time. */
static void feed(const char *p, size_t len, size_t step, struct told *out)
{
    char last[64];
    struct bn_transcript transcript;
    memset(out, 0, sizeof *out);
    bn_buf_init(&out->text, 1 << 20);
    bn_transcript_init(&transcript, HEAD_MAX, TAIL_MAX);
    transcript.told = on_piece;
    transcript.user = out;
    for (size_t at = 0; at < len; at += step)
        bn_transcript_feed(&transcript, p + at, BN_MIN(step, len - at));
    (void)bn_transcript_is_gathering(&transcript);
    bn_transcript_flush(&transcript, false);
    bn_transcript_last(&transcript, last, sizeof last);
    assert(strlen(last) < sizeof last);
    bn_transcript_flush(&transcript, true);
    assert(out->at == (int64_t)len && transcript.bytes == (int64_t)len);
    assert(bn_transcript_lost(&transcript) >= 0);
    assert(!bn_transcript_is_gathering(&transcript));
    int64_t kept = 0;
    bn_list_each(it, &transcript.pieces)
        kept += (int64_t)container_of(it, struct bn_transcript_piece, link)->len;
    assert(kept <= HEAD_MAX + TAIL_MAX + (int64_t)sizeof transcript.text);
    bn_transcript_finish(&transcript);
}

static void try_output(const char *p, size_t len)
{
    struct told whole;
    struct told bytes;
    struct told some;
    feed(p, len, len ? len : 1, &whole);
    feed(p, len, 1, &bytes);
    feed(p, len, 7, &some);
    const struct bn_str text = bn_buf_str(&whole.text);
    const struct bn_str others[] = {bn_buf_str(&bytes.text), bn_buf_str(&some.text)};
    for (size_t i = 0; i < COUNT(others); i++)
        assert(text.len == others[i].len &&
                (!text.len || memcmp(text.p, others[i].p, text.len) == 0));
    bn_buf_finish(&whole.text);
    bn_buf_finish(&bytes.text);
    bn_buf_finish(&some.text);
}

/* --- answers --------------------------------------------------------------------------------- */

static void check_word(const char *word, size_t size)
{
    assert(strnlen(word, size) < size && !strchr(word, '\n'));
}

static void try_answer(const char *p, size_t len)
{
    struct bn_unit_state unit;
    struct bn_dispatch_words words;
    struct bn_target target;
    int64_t status = -1;
    char said[400];
    bn_dispatch_read_unit((struct bn_str){p, len}, &unit);
    check_word(unit.load, sizeof unit.load);
    check_word(unit.active, sizeof unit.active);
    check_word(unit.sub, sizeof unit.sub);
    check_word(unit.result, sizeof unit.result);
    check_word(unit.sudo, sizeof unit.sudo);
    assert(unit.restarts >= 0 || unit.restarts == BN_UNKNOWN);
    assert(unit.status >= 0 || unit.status == BN_UNKNOWN);
    if (bn_dispatch_read_exit((struct bn_str){p, len}, &status))
        assert(status >= 0 && status <= 255);
    else
        assert(status == -1);
    bn_record_clear(&bn_target_type, &target);
    snprintf(target.name, sizeof target.name, "web3");
    snprintf(target.username, sizeof target.username, "root");
    bn_text_clip(said, sizeof said, (struct bn_str){p, len});
    memset(&words, 0, sizeof words);
    if (bn_dispatch_explain_sudo(&target, "sudo -n systemctl restart a", said, &words))
        assert(words.error[0] && words.hint[0]);
    struct bn_ssh_end end = {.fault = (enum bn_ssh_fault)(len % (BN_SSH_FAULT_RUNNER + 1)),
            .phase = BN_SSH_PHASE_AUTH};
    bn_text_clip(end.text, sizeof end.text, (struct bn_str){p, len});
    bn_text_clip(end.methods, sizeof end.methods, (struct bn_str){p, len});
    bn_text_clip(end.host_key_type, sizeof end.host_key_type, (struct bn_str){p, len});
    target.auth_kind = len % 2 ? BN_AUTH_KEY : BN_AUTH_PASSWORD;
    bn_dispatch_explain(&target, &end, &words);
    assert(words.error[0] && strnlen(words.error, sizeof words.error) < sizeof words.error);
}

/* --- what is said ---------------------------------------------------------------------------- */

static size_t count_ends(struct bn_str text)
{
    size_t n = 0;
    while (text.len)
        n += bn_str_is(bn_str_cut(&text, '\n'), "BINNACLE_ENDS_HERE");
    return n;
}

static void try_command(const char *text)
{
    struct bn_err err = {.code = BN_E_OK};
    struct bn_buf buf;
    bn_buf_init(&buf, BN_REMOTE_ANSWER_MAX);
    if (bn_command_check(text, "params.command", &err)) {
        bn_dispatch_put_start(&buf, ID, text);
        /* Its own end, and that of the watcher: none is the command's. */
        assert(bn_buf_ok(&buf) && count_ends(bn_buf_str(&buf)) == 2);
        assert(memmem(buf.p, buf.len, text, strlen(text)));
    } else {
        assert(err.code == BN_E_INVALID && strcmp(err.field, "params.command") == 0);
    }
    bn_buf_finish(&buf);
}

static bool is_harmless(const char *word)
{
    static const char signs[] =
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@:";
    return word[strspn(word, signs)] == '\0' && word[0] != '-';
}

/* A question about a service has as many lines, whatever it is called. */
static void check_probe(const char *service, const char *command)
{
    size_t lines = 0;
    struct bn_buf buf;
    bn_buf_init(&buf, BN_REMOTE_ANSWER_MAX);
    const bool is_sudo = strncmp(command, "sudo -n ", 8) == 0;
    bn_dispatch_put_probe(&buf, service, is_sudo ? command + 8 : "");
    for (size_t i = 0; i < buf.len; i++)
        lines += buf.p[i] == '\n';
    assert(bn_buf_ok(&buf) && lines == (is_sudo ? 4U : 3U));
    bn_buf_reset(&buf);
    bn_dispatch_put_tidy(&buf, ID);
    assert(bn_buf_ok(&buf));
    bn_buf_finish(&buf);
}

static void try_service(const char *text)
{
    char command[512];
    char doing[64];
    struct bn_err err;
    struct bn_target target;
    bn_record_clear(&bn_target_type, &target);
    target.sudo = 1;
    bn_text_clip(target.custom_command, sizeof target.custom_command, bn_str(text));
    for (size_t i = 0; i < bn_action_count; i++) {
        const struct bn_action *action = &bn_actions[i];
        target.platform = action->platform;
        assert(bn_action_find(action->type, &target) == action);
        (void)bn_action_way(action, &target);
        (void)bn_action_success(action, &target);
        (void)bn_action_failure(action, &target);
        (void)bn_action_prompt(action, &target);
        bn_action_doing(action, text, doing, sizeof doing);
        if (!bn_action_command(action, &target, text, command, &err))
            continue;
        assert(strlen(command) < sizeof command);
        if (action->platform == BN_PLATFORM_SYSTEMD && action->needs_service) {
            assert(text[0] && is_harmless(text) && strstr(command, text));
            check_probe(text, command);
        }
        if (action->platform == BN_PLATFORM_VOS)
            assert(!strpbrk(command, "\r\n"));
    }
    target.platform = BN_PLATFORM_VOS;
    assert(!bn_action_find(BN_WORK_COMMAND, &target));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *p = (const char *)data + 1;
    const size_t len = size - 1;
    char text[600];
    bn_text_clip(text, sizeof text, (struct bn_str){p, strnlen(p, len)});
    switch (data[0] % 3) {
    case 0: try_output(p, len); break;
    case 1: try_answer(p, len); break;
    default: try_command(text); try_service(text);
    }
    return 0;
}
