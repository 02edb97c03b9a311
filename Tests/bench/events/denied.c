// Asks for COUNT files that are denied, each once, and rests PAUSE microseconds after every hundred.
//
// usage: denied COUNT PAUSE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char path[64];

	if (argc != 3)
		return 2;
	for (int number = 0; number < atoi(argv[1]); number++) {
		snprintf(path, sizeof path, "/tmp/denied-%d", number);
		if (open(path, O_RDWR | O_CREAT, 0600) >= 0 || errno != EACCES)
			return 1;
		if (number % 100 == 99 && atoi(argv[2]))
			usleep((unsigned)atoi(argv[2]));
	}
	return 0;
}
