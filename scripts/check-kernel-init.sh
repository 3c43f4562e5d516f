#!/bin/busybox sh
# shellcheck shell=bash disable=SC2187,SC2119,SC2120
# First process of the machine that scripts/check-kernel.sh boots: first on the initramfs (busybox), then, as
# "in_root", on the host's files (bash). Runs the tests, writes prove's status to the third serial line, and
# turns the machine off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# find_root: modules, the host's root and the source tree, both read-only.
find_root()
{
	local options=trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 module place
	busybox mount -t devtmpfs dev /dev
	while read -r module; do
		busybox insmod "/modules/$module" || echo "no module $module"
	done </modules/order
	busybox mount -t 9p -o $options root /root
	busybox mount -t 9p -o $options tree /root/srv
	# What the host has mounted there is not for who unmounts ours.
	for place in proc sys dev tmp; do
		busybox mount -t tmpfs -o mode=1777 none /root/$place
	done
	busybox cp /init /tests /root/tmp/
	exec busybox switch_root /root /bin/bash /tmp/init in_root
}

# mount_all: what a system with systemd and version 2 of cgroups has.
mount_all()
{
	local place
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t devtmpfs dev /dev
	mkdir -p /dev/pts /dev/shm
	mount -t devpts -o mode=620,ptmxmode=666,gid=5 devpts /dev/pts
	for place in /dev/shm /run /var/tmp; do
		mount -t tmpfs -o mode=1777 tmp "$place"
	done
	chmod 755 /run
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	sed 's/\(^\| \)/&+/g' /sys/fs/cgroup/cgroup.controllers >/sys/fs/cgroup/cgroup.subtree_control
	mount -t bpf bpf /sys/fs/bpf
	mount --make-rshared /
	ln -s /proc/self/fd /dev/fd
	busybox ip link set lo up
	hostname kernel
}

# run_tests: as make check does; what make gives it comes from the host.
run_tests()
{
	# shellcheck disable=SC1091 # made by check-kernel.sh
	. /tmp/tests
	rm /tmp/tests /tmp/init
	cd /srv || return 1
	export SYSCLAMP=/srv/$BUILD/sysclamp PYTHONDONTWRITEBYTECODE=1 HOME=/root LANG=C.UTF-8
	echo "# $(uname -sr), cgroup v2"
	setsid prove -j "$JOBS" --timer --failures --comments --exec '' "$@" 2>&1 | cat
	return "${PIPESTATUS[0]}"
}

case ${1-} in
in_root)
	mount_all
	stty -F /dev/ttyS1 raw -echo
	run_tests </dev/null >/dev/ttyS1 2>&1
	echo $? >/dev/ttyS2
	sync
	busybox poweroff -f
	;;
*)
	find_root
	;;
esac
