/*
 * module_rules.h: is the call frame information of a file such that libdw may be given it?
 *
 * The file is the workload's, and libdw takes what it says for granted: an instruction that
 * mentions register 134217727 makes it take 2 GiB, and each that remembers the state keeps a copy.
 * What compilers emit does neither.
 */
#ifndef SYSCLAMP_MODULE_RULES_H
#define SYSCLAMP_MODULE_RULES_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * Whether all of .eh_frame is sound, and .eh_frame_hdr leads to nothing else.
 *
 * @out_size: of .eh_frame, in bytes.
 */
bool module_rules_are_sound(Elf *elf, uint64_t *out_size);

#endif
