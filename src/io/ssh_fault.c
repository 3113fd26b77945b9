#include "io/ssh_fault.h"

const char *bn_ssh_fault_word(enum bn_ssh_fault fault)
{
    static const char *const words[] = {
#define X(name, word) word,
            BN_SSH_FAULTS(X)
#undef X
    };
    return words[fault];
}

const char *bn_ssh_phase_word(enum bn_ssh_phase phase)
{
    static const char *const words[] = {
#define X(name, word, doing) word,
            BN_SSH_PHASES(X)
#undef X
    };
    return words[phase];
}

const char *bn_ssh_phase_doing(enum bn_ssh_phase phase)
{
    static const char *const doings[] = {
#define X(name, word, doing) doing,
            BN_SSH_PHASES(X)
#undef X
    };
    return doings[phase];
}
