// Parts of Swift's runtime that swguard does without, because their constructors cost every start 70 microseconds.
//
// The linker takes a member of an archive for the symbols that it defines. These definitions come first, so the members
// that define them otherwise stay out, with their constructors; a symbol that a later runtime adds to one of them brings
// it back, and the linker then calls the definitions here duplicates.
//
// - Backtrace.cpp looks for the program that prints backtraces, and would run it after a crash if $SWIFT_BACKTRACE said
//   so. A supervisor that crashes runs nothing.
// - DispatchGlobalExecutor.cpp brings libdispatch, which counts the processors. ArgumentParser links Swift's concurrency;
//   swguard has no task and no queue, and ends if one were made.
#include <stdlib.h>

// All zero: off (stdlib/public/SwiftShims/swift/shims/...; 88 bytes in Swift 6.3, with room to grow).
char _swift_backtraceSettings[512];

// The main queue; only its address is ever taken.
char _dispatch_main_q[512];

_Noreturn static void end(void)
{
	abort();
}

#define UNUSED(name) \
	void name(void); \
	void name(void) { end(); }

UNUSED(_swift_backtrace_isThunkFunction)
UNUSED(swift_dispatchEnqueueGlobal)
UNUSED(swift_dispatchEnqueueMain)
UNUSED(swift_dispatchEnqueueWithDeadline)
UNUSED(swift_task_enqueueOnDispatchQueue)
UNUSED(dispatch_assert_queue)
UNUSED(dispatch_main)
