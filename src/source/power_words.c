#include <stdio.h>
#include <string.h>

#include "source/power.h"

/* What Proxmox VE says, by a part of it (PVE-API 4.2, 8.1), and what that means for a person; %s is
   the guest. */
static const struct {
    const char *part;
    const char *text;
} meanings[] = {
        {"no quorum", "the cluster of %s has no quorum: nothing starts or stops until enough nodes "
                      "are back"},
        {"if it's a template", "%s is a template, and a template does not run"},
        {"already running", "%s is running already"},
        {"not running", "%s is not running"},
        {"is paused", "%s is paused: resume it first"},
        {"does not exist", "%s is not there any more"},
        {"unexpected status", "the task on %s was killed before it ended: look at the guest"},
        {"got timeout", "%s did not do it in time: a guest may ignore a shutdown, and a stop does "
                        "not ask it"},
};

/* "VM is locked (backup)": the word in the brackets. */
static bool read_lock(const char *said, char lock[32])
{
    const char *at = strstr(said, "is locked (");
    lock[0] = '\0';
    return at && sscanf(at, "is locked (%31[a-z-]", lock) == 1;
}

void bn_power_explain(const struct bn_operation *operation, const char *said, char *out,
        size_t size)
{
    char lock[32];
    char subject[96];
    bn_text_clip(subject, sizeof subject, bn_str(operation->subject));
    if (read_lock(said, lock)) {
        snprintf(out, size, "%s is locked (%s): wait until that has ended", subject, lock);
        return;
    }
    for (size_t i = 0; i < COUNT(meanings); i++)
        if (strstr(said, meanings[i].part)) {
            const char *gap = strstr(meanings[i].text, "%s");
            snprintf(out, size, "%.*s%s%s", (int)(gap - meanings[i].text), meanings[i].text,
                    subject, gap + 2);
            return;
        }
    if (said[0])
        bn_text_clip(out, size, bn_str(said));
    else
        snprintf(out, size, "%s: the task ended without saying how", subject);
}
