#pragma once
#include <stddef.h>

/// One file of the console.
struct switchyard_page {
    const char *name;
    const unsigned char *bytes;
    size_t count;
};

/// The files in the folder `Services/Notifier/Console/Pages`, as they were when this was compiled.
const struct switchyard_page *switchyard_pages(size_t *count);
