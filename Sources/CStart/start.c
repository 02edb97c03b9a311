// The arguments of main, for Swift's CommandLine.
//
// The runtime looks for them in /proc/self/maps, in a constructor. glibc hands them to constructors (csu/libc-start.c).
// Linked before the runtime's archive, these definitions are taken instead of its own, which spares every start 25
// microseconds. Nothing else defines these two names, and the linker would say so if something did.
#include "swguard_start.h"

static char **arguments;
static int argument_count;

__attribute__((constructor)) static void keep_arguments(int count, char **vector)
{
	argument_count = count;
	arguments = vector;
}

char **_swift_stdlib_getUnsafeArgvArgc(int *count)
{
	*count = argument_count;
	return arguments;
}

void _swift_stdlib_overrideUnsafeArgvArgc(char **vector, int count)
{
	argument_count = count;
	arguments = vector;
}
