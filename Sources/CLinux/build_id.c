#include "build_id.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

const unsigned char *swguard_build_id(size_t *size)
{
	const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	size_t count = getauxval(AT_PHNUM);
	uintptr_t bias = 0;

	for (size_t i = 0; i < count; i++)
		if (headers[i].p_type == PT_PHDR)
			bias = (uintptr_t)headers - headers[i].p_vaddr;
	for (size_t i = 0; i < count; i++) {
		const unsigned char *note, *end;

		if (headers[i].p_type != PT_NOTE)
			continue;
		note = (const unsigned char *)(bias + headers[i].p_vaddr);
		end = note + headers[i].p_memsz;
		while (end - note >= (ptrdiff_t)sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *header = (const ElfW(Nhdr) *)note;
			const unsigned char *name = note + sizeof(*header);
			const unsigned char *content = name + ((header->n_namesz + 3) & ~3U);

			if (header->n_type == NT_GNU_BUILD_ID && header->n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
				*size = header->n_descsz;
				return content;
			}
			note = content + ((header->n_descsz + 3) & ~3U);
		}
	}
	return NULL;
}
