/*
 * sha256: the secure hash of FIPS 180-4, section 6.2, for the digest that says which spec a program
 * came from. Floor 0 of the generator.
 */
#ifndef LATHE_SHA256_H
#define LATHE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t length;   /* bytes so far */
    uint8_t block[64]; /* the length % 64 bytes that fill no block yet */
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *bytes, size_t length);
/* The digest in lower-case hex; HASH must not be added to afterwards. */
void sha256_end(struct sha256 *hash, char hex[65]);

#endif
