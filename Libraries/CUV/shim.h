#pragma once
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <uv.h>

// uv handles are unions of C structs that Swift cannot up-cast: these shims do it once, here.
static inline uv_handle_t *switchyard_uv_handle(void *handle) { return (uv_handle_t *)handle; }
static inline uv_stream_t *switchyard_uv_stream(void *handle) { return (uv_stream_t *)handle; }

// Bytes that the system has taken and the peer's has not acknowledged; ioctl is variadic, which Swift cannot call.
static inline int switchyard_unacknowledged(void *handle) {
    uv_os_fd_t descriptor;
    int count;
    if (uv_fileno((uv_handle_t *)handle, &descriptor) != 0) return 0;
    return ioctl(descriptor, SIOCOUTQ, &count) == 0 ? count : 0;
}

// prctl is variadic, which Swift cannot call. At most 15 characters of the name are kept.
static inline void switchyard_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
