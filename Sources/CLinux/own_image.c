#define _GNU_SOURCE
#include "own_image.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

static const ElfW(Phdr) *program_headers(size_t *count, uintptr_t *bias)
{
	const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);

	*count = getauxval(AT_PHNUM);
	*bias = 0;
	for (size_t i = 0; i < *count; i++)
		if (headers[i].p_type == PT_PHDR)
			*bias = (uintptr_t)headers - headers[i].p_vaddr;
	return headers;
}

void swguard_forget_code(void)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	size_t count;
	uintptr_t bias;
	const ElfW(Phdr) *headers = program_headers(&count, &bias);

	for (size_t i = 0; i < count; i++) {
		/* Never a segment that can be written: what was written there would be lost. */
		if (headers[i].p_type != PT_LOAD || headers[i].p_flags != (PF_R | PF_X))
			continue;
		uintptr_t start = (bias + headers[i].p_vaddr) & ~(page - 1);
		uintptr_t end = (bias + headers[i].p_vaddr + headers[i].p_filesz) & ~(page - 1);

		if (end > start)
			madvise((void *)start, end - start, MADV_DONTNEED);
	}
}

const unsigned char *swguard_build_id(size_t *size)
{
	size_t count;
	uintptr_t bias;
	const ElfW(Phdr) *headers = program_headers(&count, &bias);

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
