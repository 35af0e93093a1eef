#pragma once
#include <stddef.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

/// SHA-256 in one go. The functions of OpenSSL 3 that are not deprecated allocate a context for each hash, which costs
/// more than hashing a token does.
static inline void switchyard_sha256(const void *bytes, size_t count, unsigned char *digest) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes, count);
    SHA256_Final(digest, &context);
#pragma GCC diagnostic pop
}

/// SHA-1 in one go, as above: for the WebSocket handshake, which demands it and does not rely on its strength.
static inline void switchyard_sha1(const void *bytes, size_t count, unsigned char *digest) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    SHA_CTX context;
    SHA1_Init(&context);
    SHA1_Update(&context, bytes, count);
    SHA1_Final(digest, &context);
#pragma GCC diagnostic pop
}
