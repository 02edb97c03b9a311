#pragma once

/* What an attempt returns: 0, or the errno that stopped it. */
int at_trace_me(char **arguments);
int at_limit(char **arguments);
int at_call_storm(char **arguments);
int at_open_storm(char **arguments);
int at_threads(char **arguments);

/* The process that an argument names: a number, or `parent`. */
int process_named(const char *argument);
