#pragma once

// What Swift's standard library asks for the arguments of main with (stdlib/public/stubs/CommandLine.cpp).
char **_swift_stdlib_getUnsafeArgvArgc(int *count);
void _swift_stdlib_overrideUnsafeArgvArgc(char **vector, int count);
