#pragma once
#include <stdlib.h>
#include <string.h>
#include <uv.h>

// uv handles are unions of C structs that Swift cannot up-cast: these shims do it once, here.
static inline uv_handle_t *switchyard_uv_handle(void *handle) { return (uv_handle_t *)handle; }
static inline uv_stream_t *switchyard_uv_stream(void *handle) { return (uv_stream_t *)handle; }
