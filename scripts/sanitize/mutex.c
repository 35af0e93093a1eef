// Linked into the tests that ./dev test --sanitize thread builds, in place of two functions of libswiftSynchronization.
//
// Synchronization.Mutex takes and releases a free lock with an atomic operation that is compiled into its caller, where
// the sanitizer sees it. A lock that is contended goes through these two, which are in the toolchain's library, built
// without instrumentation: there the kernel hands the lock over (FUTEX_LOCK_PI), and the sanitizer, which saw neither
// an acquire nor a release, reports whatever the lock protects. The functions do what they always did, and notify the
// sanitizer.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// Swift's calling convention; the handle, whose only member is the atomic word, is passed by reference as self.
typedef __attribute__((swiftcall)) void lock_function(uint32_t thread, __attribute__((swift_context)) void *handle);
typedef __attribute__((swiftcall)) void unlock_function(__attribute__((swift_context)) void *handle);

lock_function lock_slowly __asm__(LOCK);
unlock_function unlock_slowly __asm__(UNLOCK);

static lock_function *library_lock;
static unlock_function *library_unlock;

// Before the program has a second thread.
__attribute__((constructor)) static void find_functions(void) {
    library_lock = (lock_function *)dlsym(RTLD_NEXT, LOCK);
    library_unlock = (unlock_function *)dlsym(RTLD_NEXT, UNLOCK);
    if (!library_lock || !library_unlock) abort();
}

__attribute__((swiftcall)) void lock_slowly(uint32_t thread, __attribute__((swift_context)) void *handle) {
    library_lock(thread, handle);
    __tsan_acquire(handle);
}

__attribute__((swiftcall)) void unlock_slowly(__attribute__((swift_context)) void *handle) {
    __tsan_release(handle);
    library_unlock(handle);
}
