#pragma once
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <uv.h>

// uv handles are unions of C structs that Swift cannot up-cast: these shims do it once, here.
static inline uv_handle_t *switchyard_uv_handle(void *handle) { return (uv_handle_t *)handle; }
static inline uv_stream_t *switchyard_uv_stream(void *handle) { return (uv_stream_t *)handle; }

// prctl is variadic, which Swift cannot call. At most 15 characters of the name are kept.
static inline void switchyard_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
