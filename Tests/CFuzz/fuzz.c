#include "fuzz.h"

#include <stddef.h>
#include <stdint.h>

// The target's own, and libFuzzer's (compiler-rt, FuzzerInterface.h), of which no header is installed.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*target)(const uint8_t *, size_t));

int swguard_fuzz_main(int argc, char **argv)
{
	return LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput);
}
