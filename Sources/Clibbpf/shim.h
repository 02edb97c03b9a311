#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>

// glibc and musl have it; their headers show it under _GNU_SOURCE only.
int vasprintf(char **text, const char *format, va_list arguments);
int memfd_create(const char *name, unsigned int flags);
