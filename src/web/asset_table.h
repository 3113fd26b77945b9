/*
 * asset_table: the files of the page as tools/embed.sh wrote them into the binary.
 *
 * Sorted by path. Every member is eight bytes wide because an assembler writes the table. An etag
 * names the plain bytes and carries its quotes; each coding that is sent needs its own (RFC 9110
 * section 8.8.3), so whoever sends gzip or br adds to it.
 */
#pragma once

#include <stdint.h>

struct bn_asset {
    const char *path; /* "/index.html" */
    const char *type; /* for Content-Type */
    const char *etag; /* "\"…\"", 32 hexadecimal digits of SHA-256 between quotes */
    const unsigned char *plain;
    uint64_t plain_len;
    const unsigned char *gzip; /* NULL where compressing did not make it smaller */
    uint64_t gzip_len;
    const unsigned char *br; /* NULL likewise */
    uint64_t br_len;
    uint64_t immutable; /* 1 when the name carries a hash of the bytes */
};

extern const struct bn_asset bn_assets[];
extern const uint64_t bn_asset_count;
