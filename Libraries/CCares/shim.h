#pragma once
// The system's headers come with CUV: a second module with the same types of sockets would hide them from files that
// import the first one only.
#include "../CUV/shim.h"
// Later versions mark the calls of 1.18, which Debian 12 has, as deprecated.
#define CARES_NO_DEPRECATED
#include <ares.h>
