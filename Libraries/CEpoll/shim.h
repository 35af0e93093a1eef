// The kernel's epoll, which the C library's module leaves out.
#include <sys/epoll.h>
