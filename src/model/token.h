/*
 * token: the API token of a Proxmox VE server: its form, what may be shown of it, what binds it.
 */
#pragma once

#include "base/err.h"
#include "base/text.h"

#define BN_TOKEN_MAX 400 /* with NUL; Proxmox's own names and secrets end far below */

/* What binds a sealed token to its row. */
#define BN_TOKEN_AAD_SIZE 200
void bn_token_aad(const char *tenant, const char *server_id, char out[BN_TOKEN_AAD_SIZE]);

/* "USER@REALM!TOKENID=SECRET", also with "PVEAPIToken=" before it, which is left out (FEATURES A3).
   out needs the length of text and a NUL. The sentence names the form. */
BN_MUST_CHECK bool bn_token_read(struct bn_str text, char *out, size_t size, struct bn_err *err);
/* "root@pam!bnc=••••3f9a": what may be shown of it. */
void bn_token_hint(const char *token, char *out, size_t size);
