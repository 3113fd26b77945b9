/*
 * vnc_auth: the answer to a VNC server's challenge (RFC 6143 section 7.2.2).
 *
 * DES with the password as its key: eight bytes at most, each with its bits in reverse order. It
 * protects nothing by itself; the screen stands behind TLS, and the password is of one use
 * (PVE-API 9.2).
 */
#pragma once

#include "base/base.h"

#define BN_VNC_PASSWORD_BYTES 8
#define BN_VNC_ANSWER_BYTES   16

/* False when the library has no DES: then no screen of Proxmox VE can be opened. */
BN_MUST_CHECK bool bn_vnc_answer(const char *password, const uint8_t challenge[BN_VNC_ANSWER_BYTES],
        uint8_t out[BN_VNC_ANSWER_BYTES]);
