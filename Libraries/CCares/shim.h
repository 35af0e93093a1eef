#pragma once
// Later versions mark the calls of 1.18, which Debian 12 has, as deprecated.
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <stddef.h>
