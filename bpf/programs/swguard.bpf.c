// All programs that swguard loads, one object: a file a hook family.
#include "file.bpf.h"

// Many of the helpers are open to GPL-compatible programs only.
char LICENSE[] SEC("license") = "Dual MIT/GPL";
