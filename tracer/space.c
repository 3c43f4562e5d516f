#include "space.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hash.h"
#include "scope.h"
#include "time_units.h"

enum { NAME_ROOM = 96, MAPS_MAX = 4096, VDSO_MAX = 64 << 10 /* bytes */ };

/* A FIFO in the place of a file shall not hold us up.  To know which file it is, a path will do. */
enum {
	TO_READ = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	TO_KNOW = O_PATH | O_CLOEXEC,
};

/* The file itself, deleted or not; needs CAP_CHECKPOINT_RESTORE. */
static int open_mapped(const struct space *space, const struct space_map *map, int flags)
{
	char name[NAME_ROOM];

	(void)snprintf(name, sizeof(name), "/proc/%d/map_files/%" PRIx64 "-%" PRIx64, space->pid,
		map->start, map->end);
	return open(name, flags);
}

/* Its path in the process's root: no symbolic link in there leads out of it. */
static int open_in_root(const struct space *space, const struct space_map *map, int flags)
{
	struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_IN_ROOT};
	char name[NAME_ROOM];
	scoped_fd int root = -1;

	(void)snprintf(name, sizeof(name), "/proc/%d/root", space->pid);
	root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? -1 : (int)syscall(SYS_openat2, root, map->path, &how, sizeof(how));
}

/* Its path here, for a process that is gone. */
static int open_here(const struct space *space, const struct space_map *map, int flags)
{
	(void)space;
	return open(map->path, flags);
}

static struct file_id id_of(const struct stat *st)
{
	return (struct file_id){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.mtime_ns = (uint64_t)st->st_mtim.tv_sec * NS_PER_S + (uint64_t)st->st_mtim.tv_nsec,
		.ctime_ns = (uint64_t)st->st_ctim.tv_sec * NS_PER_S + (uint64_t)st->st_ctim.tv_nsec,
	};
}

static const struct way {
	int (*open)(const struct space *space, const struct space_map *map, int flags);
	bool certain; /* it leads to what is mapped, not to what has its path by now */
} WAYS[] = {{open_mapped, true}, {open_in_root, false}, {open_here, false}};

/* While its identity is being found out, the inode's number has to do. */
static bool is_mapped(const struct way *way, const struct space_map *map, const struct file_id *id)
{
	if (file_id_known(&map->id))
		return !memcmp(&map->id, id, sizeof(*id));
	return way->certain || id->ino == map->ino;
}

static int open_same(
	const struct space *space, const struct space_map *map, int flags, struct file_id *out_id)
{
	for (size_t i = 0; *map->path == '/' && i < ARRAY_LEN(WAYS); i++) {
		scoped_fd int fd = WAYS[i].open(space, map, flags);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
			continue;
		*out_id = id_of(&st);
		if (is_mapped(&WAYS[i], map, out_id))
			return steal_fd(&fd);
	}
	return -1;
}

int space_open(const struct space *space, const struct space_map *map)
{
	struct file_id id;

	return file_id_known(&map->id) ? open_same(space, map, TO_READ, &id) : -1;
}

void *space_vdso(const struct space *space, const struct space_map *map, size_t *out_size)
{
	size_t size = map->end - map->start;
	scoped_free void *image = NULL;
	struct iovec local, remote = {(void *)(uintptr_t)map->start, size};

	if (strcmp(map->path, SPACE_VDSO) || size > VDSO_MAX)
		return NULL;
	image = malloc(size);
	local = (struct iovec){image, size};
	if (!image || process_vm_readv(space->pid, &local, 1, &remote, 1, 0) != (ssize_t)size)
		return NULL;
	*out_size = size;
	return steal_ptr(image);
}

/* A process can write to its own copy: what two of them have is the same if the content is. */
static struct file_id id_of_vdso(const struct space *space, const struct space_map *map)
{
	char hex[HASH_HEX_LEN + 1];
	size_t size;
	scoped_free void *image = space_vdso(space, map, &size);
	struct file_id id = {0};

	_Static_assert(sizeof(id) <= HASH_HEX_LEN, "digits enough for all of it");
	if (image) {
		hash_bytes(image, size, hex);
		memcpy(&id, hex, sizeof(id));
	}
	return id;
}

struct file_id space_identify(const struct space *space, const struct space_map *map)
{
	struct file_id id = {0};
	scoped_fd int fd = -1;

	if (!strcmp(map->path, SPACE_VDSO))
		return id_of_vdso(space, map);
	fd = open_same(space, map, TO_KNOW, &id);
	return fd < 0 ? (struct file_id){0} : id;
}

/*
 * Programs of 64 bits make calls in the vDSO where it cannot do without the kernel, which is
 * seldom: the time to hash it is better spent then.
 */
static bool is_identified_late(const struct space_map *map)
{
	return map->start > UINT32_MAX && !strcmp(map->path, SPACE_VDSO);
}

/* "55d0-55d3 r-xp 00000000 08:01 1234    /usr/bin/ls", proc(5); false: it is no code. */
static bool parse_line(char *line, struct space_map *map)
{
	char mode[5];
	int path = 0;

	*map = (struct space_map){0};
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*x:%*x %" SCNu64 " %n",
		    &map->start, &map->end, mode, &map->offset, &map->ino, &path) != 5 ||
		path == 0 || mode[2] != 'x')
		return false;
	map->path = line + path;
	map->path[strcspn(map->path, "\n")] = '\0';
	return true;
}

static bool add_map(struct space *space, const struct space_map *map)
{
	size_t room = space->room ? 2 * space->room : 16;
	struct space_map *grown;
	char *path;

	if (space->n == space->room) {
		grown = realloc(space->maps, room * sizeof(*grown));
		if (!grown)
			return false;
		space->maps = grown;
		space->room = room;
	}
	path = strdup(map->path);
	if (!path)
		return false;
	space->maps[space->n] = *map;
	space->maps[space->n++].path = path;
	return true;
}

int space_read(pid_t pid, struct space *out, struct err *e)
{
	char name[NAME_ROOM];
	scoped(space_done) struct space space = {.pid = pid};
	scoped_free char *line = NULL;
	scoped_file FILE *maps = NULL;
	size_t room = 0;

	(void)snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	maps = fopen(name, "re");
	if (!maps)
		return err_sys(e, errno, "%s", name);
	while (space.n < MAPS_MAX && getline(&line, &room, maps) > 0) {
		struct space_map map;

		if (parse_line(line, &map) && !add_map(&space, &map))
			return err_nomem(e);
	}
	if (ferror(maps))
		return err_sys(e, errno, "%s", name);
	for (size_t i = 0; i < space.n; i++) {
		if (!is_identified_late(&space.maps[i]))
			space.maps[i].id = space_identify(&space, &space.maps[i]);
	}
	*out = space;
	space = (struct space){0};
	return 0;
}

void space_done(struct space *space)
{
	for (size_t i = 0; i < space->n; i++)
		free(space->maps[i].path);
	free(space->maps);
	*space = (struct space){0};
}

const struct space_map *space_find(const struct space *space, uint64_t address)
{
	size_t low = 0, high = space->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (space->maps[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < space->n && space->maps[low].start <= address ? &space->maps[low] : NULL;
}
