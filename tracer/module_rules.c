#include "module_rules.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

enum {
	RULES_MAX = 32 << 20, /* bytes of .eh_frame */
	ENTRY_MAX = 64 << 10, /* bytes of one entry */
	REGISTERS = 128,
	DEPTH_MAX = 64, /* states that are remembered at a time */
	TABLE_AT = 12, /* where in .eh_frame_hdr the table begins, as linkers write it */
	TABLE_ROW = 8, /* bytes */
};

/* Bytes that are left to be read. */
struct bytes {
	const uint8_t *next, *end;
};

/* Where entries begin, in ascending order. */
struct offsets {
	uint64_t *at;
	size_t n, room;
};

struct rules {
	Elf_Data *frame, *header; /* .eh_frame; .eh_frame_hdr, or NULL */
	uint64_t frame_address, header_address;
	const unsigned char *ident; /* of the file */
	size_t word; /* bytes of an address */
	struct offsets cies, fdes;
};

static bool take(struct bytes *bytes, size_t n)
{
	if ((size_t)(bytes->end - bytes->next) < n)
		return false;
	bytes->next += n;
	return true;
}

static bool take_byte(struct bytes *bytes, uint8_t *out)
{
	if (!take(bytes, 1))
		return false;
	*out = bytes->next[-1];
	return true;
}

/* LEB128, of either kind: where the sign matters the value does not. */
static bool take_number(struct bytes *bytes, uint64_t *out)
{
	uint8_t byte = 0x80;

	*out = 0;
	for (unsigned shift = 0; byte & 0x80; shift += 7) {
		if (shift > 63 || !take_byte(bytes, &byte))
			return false;
		*out |= (uint64_t)(byte & 0x7f) << shift;
	}
	return true;
}

/* Operands of instructions; what is not in here is refused. */
static const char *const OPERANDS[] = {
	[DW_CFA_nop] = "",
	[DW_CFA_advance_loc1] = "1",
	[DW_CFA_advance_loc2] = "2",
	[DW_CFA_advance_loc4] = "4",
	[DW_CFA_offset_extended] = "rn",
	[DW_CFA_restore_extended] = "r",
	[DW_CFA_undefined] = "r",
	[DW_CFA_same_value] = "r",
	[DW_CFA_register] = "rr",
	[DW_CFA_remember_state] = "",
	[DW_CFA_restore_state] = "",
	[DW_CFA_def_cfa] = "rn",
	[DW_CFA_def_cfa_register] = "r",
	[DW_CFA_def_cfa_offset] = "n",
	[DW_CFA_def_cfa_expression] = "b",
	[DW_CFA_expression] = "rb",
	[DW_CFA_offset_extended_sf] = "rn",
	[DW_CFA_def_cfa_sf] = "rn",
	[DW_CFA_def_cfa_offset_sf] = "n",
	[DW_CFA_val_offset] = "rn",
	[DW_CFA_val_offset_sf] = "rn",
	[DW_CFA_val_expression] = "rb",
	[DW_CFA_GNU_args_size] = "n",
};

/* Bytes, a register, a number, a block. */
static bool take_operand(struct bytes *bytes, char kind)
{
	uint64_t number;

	if (kind >= '1' && kind <= '4')
		return take(bytes, (size_t)(kind - '0'));
	if (!take_number(bytes, &number))
		return false;
	if (kind == 'r')
		return number < REGISTERS;
	return kind != 'b' || take(bytes, number);
}

static bool take_instruction(struct bytes *bytes, unsigned *depth)
{
	const char *operands;
	uint8_t code;

	if (!take_byte(bytes, &code))
		return false;
	/* Those whose two high bits are set have an operand in the other ones. */
	if (code >= DW_CFA_advance_loc)
		operands = (code & 0xc0) == DW_CFA_offset ? "n" : "";
	else
		operands = code < sizeof(OPERANDS) / sizeof(*OPERANDS) ? OPERANDS[code] : NULL;
	if (code == DW_CFA_remember_state && ++*depth > DEPTH_MAX)
		return false;
	if (code == DW_CFA_restore_state && *depth > 0)
		--*depth;
	for (; operands && *operands; operands++) {
		if (!take_operand(bytes, *operands))
			return false;
	}
	return operands != NULL;
}

static bool are_sound(const uint8_t *from, const uint8_t *end)
{
	struct bytes bytes = {from, end};
	unsigned depth = 0;

	if (from > end || end - from > ENTRY_MAX)
		return false;
	while (bytes.next < bytes.end) {
		if (!take_instruction(&bytes, &depth))
			return false;
	}
	return true;
}

/* Bytes of an address that is encoded so; 0: not of fixed size. */
static size_t encoded_size(const struct rules *rules, uint8_t encoding)
{
	static const uint8_t sizes[16] = {[DW_EH_PE_udata2] = 2,
		[DW_EH_PE_udata4] = 4,
		[DW_EH_PE_udata8] = 8,
		[DW_EH_PE_sdata2] = 2,
		[DW_EH_PE_sdata4] = 4,
		[DW_EH_PE_sdata8] = 8};

	/* Neither omitted nor aligned. */
	if ((encoding & 0x70) > DW_EH_PE_funcrel)
		return 0;
	return (encoding & 0xf) == DW_EH_PE_absptr ? rules->word : sizes[encoding & 0xf];
}

/* How the addresses in the entries of a CIE are encoded; false: not as anybody does it. */
static bool address_encoding(const struct rules *rules, const Dwarf_CIE *cie, uint8_t *out)
{
	struct bytes data = {
		cie->augmentation_data, cie->augmentation_data + cie->augmentation_data_size};
	uint8_t encoding = 0;

	*out = DW_EH_PE_absptr;
	if (*cie->augmentation != 'z')
		return false;
	for (const char *letter = cie->augmentation + 1; *letter; letter++) {
		if (!strchr("PLRSB", *letter))
			return false;
		if (strchr("PLR", *letter) && !take_byte(&data, &encoding))
			return false;
		if (*letter == 'R')
			*out = encoding;
		if (*letter == 'P' && (encoded_size(rules, encoding) == 0 ||
					      !take(&data, encoded_size(rules, encoding))))
			return false;
	}
	return encoded_size(rules, *out) != 0;
}

static bool add(struct offsets *offsets, uint64_t offset)
{
	size_t room = offsets->room ? 2 * offsets->room : 64;
	uint64_t *grown;

	if (offsets->n == offsets->room) {
		grown = realloc(offsets->at, room * sizeof(*grown));
		if (!grown)
			return false;
		offsets->at = grown;
		offsets->room = room;
	}
	offsets->at[offsets->n++] = offset;
	return true;
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static bool has(const struct offsets *offsets, uint64_t offset)
{
	return offsets->n && bsearch(&offset, offsets->at, offsets->n, sizeof(offset), compare);
}

static bool cie_is_sound(struct rules *rules, const Dwarf_CIE *cie, uint64_t offset)
{
	uint8_t encoding;

	return address_encoding(rules, cie, &encoding) && add(&rules->cies, offset) &&
	       are_sound(cie->initial_instructions, cie->initial_instructions_end);
}

/* Two addresses, what the augmentation says, and instructions. */
static bool fde_is_sound(struct rules *rules, const Dwarf_FDE *fde, uint64_t offset)
{
	struct bytes bytes = {fde->start, fde->end};
	Dwarf_CFI_Entry cie;
	uint64_t size;
	Dwarf_Off next;
	uint8_t encoding;

	return has(&rules->cies, fde->CIE_pointer) &&
	       !dwarf_next_cfi(rules->ident, rules->frame, true, fde->CIE_pointer, &next, &cie) &&
	       address_encoding(rules, &cie.cie, &encoding) &&
	       take(&bytes, 2 * encoded_size(rules, encoding)) && take_number(&bytes, &size) &&
	       take(&bytes, size) && are_sound(bytes.next, bytes.end) && add(&rules->fdes, offset);
}

static bool entries_are_sound(struct rules *rules)
{
	Dwarf_CFI_Entry entry;
	Dwarf_Off next;
	int result;

	for (Dwarf_Off at = 0;; at = next) {
		result = dwarf_next_cfi(rules->ident, rules->frame, true, at, &next, &entry);
		if (result)
			return result > 0;
		if (dwarf_cfi_cie_p(&entry) ? !cie_is_sound(rules, &entry.cie, at)
					    : !fde_is_sound(rules, &entry.fde, at))
			return false;
	}
}

/* The table for looking entries up, as linkers write it, leads to those that were seen. */
static bool table_is_sound(const struct rules *rules)
{
	static const uint8_t usual[] = {1, DW_EH_PE_pcrel | DW_EH_PE_sdata4, DW_EH_PE_udata4,
		DW_EH_PE_datarel | DW_EH_PE_sdata4};
	const uint8_t *table;
	uint32_t n;

	if (!rules->header)
		return true;
	table = rules->header->d_buf;
	if (rules->header->d_size < TABLE_AT || memcmp(table, usual, sizeof(usual)) != 0)
		return false;
	memcpy(&n, table + 8, sizeof(n));
	if ((rules->header->d_size - TABLE_AT) / TABLE_ROW < n)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		int32_t to;

		memcpy(&to, table + TABLE_AT + i * (size_t)TABLE_ROW + 4, sizeof(to));
		if (!has(&rules->fdes,
			    rules->header_address + (uint64_t)(int64_t)to - rules->frame_address))
			return false;
	}
	return true;
}

/* The data of a section, unless it is larger than those that people work with. */
static Elf_Data *data_of(Elf_Scn *scn, const GElf_Shdr *shdr)
{
	Elf_Data *data = shdr->sh_size <= RULES_MAX ? elf_rawdata(scn, NULL) : NULL;

	return data && data->d_buf ? data : NULL;
}

/*
 * The sections that dwarf_getcfi_elf() takes: the first of both, in whichever order; of one that
 * comes several times before the other, the last.
 */
static bool find_sections(Elf *elf, struct rules *rules)
{
	bool frame = false, header = false;
	size_t names;
	GElf_Shdr shdr;

	if (elf_getshdrstrndx(elf, &names))
		return false;
	for (Elf_Scn *scn = NULL; !(frame && header) && (scn = elf_nextscn(elf, scn));) {
		const char *name = gelf_getshdr(scn, &shdr) ? elf_strptr(elf, names, shdr.sh_name)
							    : NULL;

		if (!name || shdr.sh_type == SHT_NOBITS)
			continue;
		if (!strcmp(name, ".eh_frame_hdr")) {
			header = true;
			rules->header = data_of(scn, &shdr);
			rules->header_address = shdr.sh_addr;
		} else if (!strcmp(name, ".eh_frame")) {
			frame = true;
			rules->frame = data_of(scn, &shdr);
			rules->frame_address = shdr.sh_addr;
		}
	}
	return rules->frame && (rules->header || !header);
}

bool module_rules_are_sound(Elf *elf, uint64_t *out_size)
{
	struct rules rules = {.word = gelf_getclass(elf) == ELFCLASS32 ? 4 : 8,
		.ident = (const unsigned char *)elf_getident(elf, NULL)};
	bool sound = rules.ident && find_sections(elf, &rules) && entries_are_sound(&rules) &&
		     table_is_sound(&rules);

	*out_size = sound ? rules.frame->d_size : 0;
	free(rules.cies.at);
	free(rules.fdes.at);
	return sound;
}
