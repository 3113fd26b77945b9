#include <stdio.h>
#include <string.h>

#include "source/dispatch_private.h"

/* Exit statuses of the scripts below that are no command's own. */
#define FOLDER_REFUSED 97

/* Its folder is its id, 22 characters of base64url, so nothing in it needs quoting. A folder that
   is there means that the command was started: it is not started again. */
void bn_dispatch_put_start(struct bn_buf *out, const char *id, const char *command)
{
    bn_buf_printf(out,
            "umask 077\n"
            "home=\"$HOME/.binnacle\"\n"
            "mkdir -p \"$home\" || exit %d\n"
            "find \"$home\" -mindepth 1 -maxdepth 1 -mtime +7 -exec rm -rf {} + 2>/dev/null\n"
            "mkdir \"$home/%s\" || exit %d\n"
            "cd \"$home/%s\" || exit %d\n"
            ": >log\n"
            "cat /proc/sys/kernel/random/boot_id >boot 2>/dev/null\n"
            "cat >run <<'BINNACLE_ENDS_HERE'\n%s\nBINNACLE_ENDS_HERE\n",
            FOLDER_REFUSED, id, FOLDER_REFUSED, id, FOLDER_REFUSED, command);
    bn_buf_puts(out,
            "cat >watch <<'BINNACLE_ENDS_HERE'\n"
            "echo $$ >pid\n"
            "sh ./run >log 2>&1 </dev/null\n"
            "echo $? >exit.new\n"
            "mv exit.new exit\n"
            "BINNACLE_ENDS_HERE\n"
            "if command -v setsid >/dev/null 2>&1; then\n"
            "  setsid sh ./watch >/dev/null 2>&1 </dev/null &\n"
            "else\n"
            "  (trap '' HUP; sh ./watch >/dev/null 2>&1 </dev/null &)\n"
            "fi\n"
            "i=0\n"
            "while [ ! -s pid ] && [ $i -lt 50 ]; do sleep 0.1 || sleep 1; i=$((i+1)); done\n");
    bn_dispatch_put_follow(out, id);
}

/* From its first byte on, so that whoever takes it up again misses nothing. It ends when the
   command has ended, or cannot end any more: its process is gone, or the machine was started anew.
 */
void bn_dispatch_put_follow(struct bn_buf *out, const char *id)
{
    bn_buf_printf(out,
            "cd \"$HOME/.binnacle/%s\" 2>/dev/null || { echo 'binnacle absent' >&2; exit 0; }\n",
            id);
    bn_buf_puts(out, "at=0\n"
                     "gone=\n"
                     "while :; do\n"
                     "  over=; [ -f exit ] && over=1\n"
                     "  size=$(wc -c <log)\n"
                     "  if [ \"$size\" -gt \"$at\" ]; then\n"
                     "    tail -c +$((at+1)) log | head -c $((size-at))\n"
                     "    at=$size\n"
                     "  fi\n"
                     "  [ -n \"$over\" ] && break\n"
                     "  [ -n \"$gone\" ] && { echo 'binnacle gone' >&2; exit 0; }\n"
                     "  now=$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)\n"
                     "  [ \"$now\" = \"$(cat boot)\" ] || { gone=1; continue; }\n"
                     "  kill -0 \"$(cat pid 2>/dev/null)\" 2>/dev/null || { gone=1; continue; }\n"
                     "  sleep 0.2 || sleep 1\n"
                     "done\n"
                     "echo \"binnacle exit $(cat exit)\" >&2\n");
}

void bn_dispatch_put_tidy(struct bn_buf *out, const char *id)
{
    bn_buf_printf(out, "rm -rf \"$HOME/.binnacle/%s\"\n", id);
}

#define SHOW \
    "systemctl show --property=LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStatus"

/* sudo_command "": none is needed. */
void bn_dispatch_put_probe(struct bn_buf *out, const char *service, const char *sudo_command)
{
    bn_buf_puts(out, "command -v systemctl >/dev/null 2>&1 || exit 0\necho Systemctl=yes\n");
    bn_buf_printf(out, SHOW " %s\n", service);
    if (sudo_command[0])
        bn_buf_printf(out,
                "said=$(sudo -n -l %s 2>&1 >/dev/null </dev/null) || echo \"Sudo=${said:-it refused}\"\n",
                sudo_command);
}

static void take_word(struct bn_str line, const char *name, char *out, size_t size)
{
    const size_t len = strlen(name);
    if (bn_str_starts(line, name))
        bn_text_clip(out, size, (struct bn_str){line.p + len, line.len - len});
}

static void take_number(struct bn_str line, const char *name, int64_t *out)
{
    char text[24] = "";
    take_word(line, name, text, sizeof text);
    if (text[0] && !bn_parse_i64(bn_str(text), 0, INT64_MAX - 1, out))
        *out = BN_UNKNOWN;
}

void bn_dispatch_read_unit(struct bn_str said, struct bn_unit_state *out)
{
    struct bn_str rest = said;
    *out = (struct bn_unit_state){.restarts = BN_UNKNOWN, .status = BN_UNKNOWN};
    while (rest.p) {
        const struct bn_str line = bn_str_cut(&rest, '\n');
        take_word(line, "LoadState=", out->load, sizeof out->load);
        take_word(line, "ActiveState=", out->active, sizeof out->active);
        take_word(line, "SubState=", out->sub, sizeof out->sub);
        take_word(line, "Result=", out->result, sizeof out->result);
        take_word(line, "Sudo=", out->sudo, sizeof out->sudo);
        take_number(line, "NRestarts=", &out->restarts);
        take_number(line, "ExecMainStatus=", &out->status);
        out->has_systemctl |= bn_str_is(line, "Systemctl=yes");
    }
}

bool bn_dispatch_read_exit(struct bn_str said, int64_t *out)
{
    static const char word[] = "binnacle exit ";
    struct bn_str rest = said;
    while (rest.p) {
        const struct bn_str line = bn_str_cut(&rest, '\n');
        const size_t len = sizeof word - 1;
        if (bn_str_starts(line, word) &&
                bn_parse_i64((struct bn_str){line.p + len, line.len - len}, 0, 255, out))
            return true;
    }
    return false;
}
