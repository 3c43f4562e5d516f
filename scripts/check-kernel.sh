#!/bin/bash
# Runs tests on another kernel than this machine's, in QEMU, with this machine's own files. TAP, by prove.
#
#	scripts/check-kernel.sh BUILD TEST...	(paths below the source tree)
#
# KERNEL in the environment: the file of a Debian kernel package (.deb), or a series that apt can have (6.1,
# 6.12; the newest of it); default: the release's own. What was downloaded stays in BUILD/kernel. MEMORY_MIB,
# CPUS and JOBS: those of the machine (5120, 2, 2).
# The machine's root is the host's, which it cannot change; memory is mounted where tests write. Nothing of
# it is left. Its kernel's messages: BUILD/kernel/console.log.
# Exit: that of prove; 1 no kernel or no machine, 2 usage.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

# What the machine is made of, and what the tests use that a kernel of Debian has as modules.
readonly NEEDED=(virtio_pci 9pnet_virtio 9p)
readonly USED=(overlay fuse veth bridge tun loop ext4)

work='' machine=''

cleanup()
{
	[ -z "$machine" ] || kill -KILL "$machine" 2>/dev/null || true
	wait 2>/dev/null || true
	[ -z "$work" ] || rm -rf --one-file-system "$work"
}

# kernel_name: the newest package of the series that is meant by KERNEL; by default what Debian gives everybody.
kernel_name()
{
	local series=${KERNEL-}
	[ -n "$series" ] || series=$(apt-cache depends linux-image-amd64 2>/dev/null |
		sed -n 's/^ *Depends: linux-image-//p' | head -n 1)
	[ -n "$series" ] || die 1 "apt knows no linux-image-amd64: run apt-get update, or give KERNEL=FILE.deb"
	series=${series%-amd64}
	apt-cache pkgnames "linux-image-$series" |
		grep -E "^linux-image-${series//./\\.}([.+][^-]*)?(-[0-9]+)?-amd64\$" |
		grep -E '[0-9]\.[0-9]+\.[0-9]' | sort -V | tail -n 1 | grep . ||
		die 1 "apt knows no kernel $series: run apt-get update, or give KERNEL=FILE.deb"
}

# kernel_package DIR: the path of the package that is meant by KERNEL, downloaded to DIR if need be.
kernel_package()
{
	local dir=$1 name package
	case ${KERNEL-} in
	*.deb)
		[ -f "$KERNEL" ] || die 1 "no file $KERNEL"
		realpath "$KERNEL"
		return
		;;
	esac
	name=$(kernel_name) || exit
	package=$(compgen -G "$dir/${name}_*.deb" | head -n 1) || {
		say "downloading $name"
		(cd "$dir" && apt-get -q -o APT::Sandbox::User=root download "$name" >&2) ||
			die 1 "apt-get cannot download $name: run apt-get update, or give KERNEL=FILE.deb"
		package=$(compgen -G "$dir/${name}_*.deb" | head -n 1)
	}
	printf '%s\n' "$package"
}

# module_files VERSION NAME...: the files of modules, each behind those that it needs.
module_files()
{
	local modules=$work/kernel/lib/modules/$1
	shift
	awk -v names="$*" '
		BEGIN { n = split(names, list, " ") }
		{ name = $1; gsub(/.*\/|\.ko.*/, "", name); gsub(/-/, "_", name)
		  file[name] = $1; sub(/:$/, "", file[name])
		  $1 = ""; needs[name] = $0 }
		function add(path) { if (!(path in seen)) { seen[path] = 1; print path } }
		END { for (i = 1; i <= n; i++) {
			if (!(list[i] in file)) continue
			for (j = split(needs[list[i]], before, " "); j > 0; j--) add(before[j])
			add(file[list[i]]) } }' "$modules/modules.dep"
}

# initramfs VERSION: what the kernel starts with: the modules, what mounts the root, and what to run there.
initramfs()
{
	local root=$work/initramfs file
	mkdir -p "$root"/{bin,dev,proc,root,modules}
	cp "$(command -v busybox)" "$root/bin/busybox"
	busybox depmod -b "$work/kernel" "$1"
	while read -r file; do
		cp "$work/kernel/lib/modules/$1/$file" "$root/modules/"
		basename "$file" >>"$root/modules/order"
	done < <(module_files "$1" "${NEEDED[@]}" "${USED[@]}")
	cp "$scripts_dir/check-kernel-init.sh" "$root/init"
	cp "$work/tests" "$root/tests"
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip -1 >"$work/initramfs.gz"
}

# accelerator: KVM where the processor says that it can; elsewhere QEMU executes every instruction itself.
accelerator()
{
	if [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then
		printf 'kvm -cpu host'
	else
		printf 'tcg,thread=multi -cpu max,la57=off'
	fi
}

# boot ACCELERATOR: the machine, until it is off. Serial lines: the console, standard output, the exit status.
# Mitigations of a processor that is emulated protect nobody, and cost half of its time.
boot()
{
	local options
	read -ra options <<<"-accel $1"
	set -m
	setpriv --pdeathsig KILL qemu-system-x86_64 "${options[@]}" -smp "${CPUS:-2}" -m "${MEMORY_MIB:-5120}" \
		-nodefaults -no-user-config -display none -no-reboot \
		-chardev "file,id=console,path=$logs/console.log" -serial chardev:console \
		-chardev stdio,id=out,signal=off -serial chardev:out \
		-chardev "file,id=status,path=$work/status" -serial chardev:status \
		-virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap \
		-virtfs "local,path=$top_dir,mount_tag=tree,security_model=none,readonly=on,multidevs=remap" \
		-kernel "$work"/kernel/boot/vmlinuz-* -initrd "$work/initramfs.gz" \
		-append "console=ttyS0 panic=-1 quiet mitigations=off rdinit=/init" </dev/null &
	machine=$!
	set +m
	wait "$machine" || die 1 "QEMU failed"
	machine=''
}

main()
{
	local build tool package accelerator slower=
	[ $# -ge 2 ] || die 2 "usage: scripts/check-kernel.sh BUILD TEST..."
	[ "$(id -u)" -eq 0 ] || die 1 "needs root, as the machine reads the host's files: sudo make check-kernel"
	for tool in qemu-system-x86_64 busybox dpkg-deb; do
		command -v "$tool" >/dev/null || die 1 "$tool is not there: run  scripts/deps.sh kernel"
	done
	build=$1
	shift
	[ -d "$top_dir/$build" ] || die 1 "the machine sees the source tree alone: no $build in $top_dir"
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	work=$(mktemp -d "${TMPDIR:-/tmp}/sysclamp-kernel.XXXXXX")
	logs=$top_dir/$build/kernel
	mkdir -p "$logs"
	package=$(kernel_package "$logs")
	dpkg-deb -x "$package" "$work/kernel"
	accelerator=$(accelerator)
	[[ $accelerator == kvm* ]] || slower=TEST_SLOWER=10
	{
		printf 'export BUILD=%q TEST_REQUIRE=%q JOBS=%q %s\n' \
			"$build" "${TEST_REQUIRE-}" "${JOBS:-2}" "$slower"
		printf 'set --'
		printf ' %q' "$@"
		echo
	} >"$work/tests"
	initramfs "$(basename "$work"/kernel/lib/modules/*)"
	say "booting $(basename "$package" .deb), with ${accelerator%%[, ]*}"
	boot "$accelerator"
	[ -s "$work/status" ] || die 1 "the machine ended early: see $logs/console.log"
	exit "$(tr -cd '0-9' <"$work/status")"
}

main "$@"
