#!/bin/bash
# Runs the two commands of the README on a bare Debian 12, as root and as an ordinary user. TAP.
#
#	scripts/check-bare.sh [LOG_DIR]		(default build/check-bare)
#
# Builds a minimal root (Debian's required packages, apt, git, make; no sudo) with mmdebstrap from
# the Debian sources this machine's apt uses, puts a clean clone of HEAD into it, and works inside
# private mount and process namespaces: whatever is mounted or started there ends with them.
# Needs root. The root directory lives below TMPDIR (0.9 GB) and is removed at the end.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

readonly RELEASE=bookworm
readonly USER_ID=1000
readonly TESTS=8
readonly LOG_TAIL=60

# Settings of this machine's apt that make its mirror reachable and acceptable.
readonly APT_SETTINGS='^Acquire::(http|https|Check-[A-Za-z-]*|ForceIPv[46]|Retries|Max-[A-Za-z]*)\b'

log_dir=$(realpath -m "${1:-$top_dir/build/check-bare}")
work='' root='' child='' test_nr=0 failed=0

cleanup()
{
	[ -z "$child" ] || kill -KILL "$child" 2>/dev/null || true
	wait 2>/dev/null || true
	[ -z "$work" ] || rm -rf --one-file-system "$work"
}

diag()
{
	sed 's/^/# /'
}

# result STATUS NAME [LOG]: one TAP line; the end of LOG as diagnostics after a failure.
result()
{
	test_nr=$((test_nr + 1))
	if [ "$1" -eq 0 ]; then
		printf 'ok %d - %s\n' "$test_nr" "$2"
		return
	fi
	failed=$((failed + 1))
	printf 'not ok %d - %s\n' "$test_nr" "$2"
	[ ! -f "${3-}" ] || tail -n "$LOG_TAIL" "$3" | diag
}

bail_out()
{
	printf 'Bail out! %s\n' "$*"
	exit 1
}

# isolated LOG CMD...: runs CMD in new mount and process namespaces that end with it. In the
# background with job control, so that our traps run at once and CMD does not ignore SIGINT.
isolated()
{
	local log=$1 status=0
	shift
	set -m
	unshare --mount --propagation private --pid --fork --kill-child -- "$@" \
		</dev/null >"$log" 2>&1 &
	child=$!
	set +m
	wait "$child" || status=$?
	child=''
	return "$status"
}

# The shell that isolated starts as first process of its namespaces: makes $1 its root, then runs
# the rest as user id $2. pivot_root, not chroot: the kernel refuses user namespaces in a chroot.
# shellcheck disable=SC2016 # expanded by the inner shell
readonly ENTER='
	set -eu
	root=$1 uid=$2
	shift 2
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	cd "$root"
	pivot_root . .
	umount -l .
	cd /
	status=0
	setpriv --reuid "$uid" --regid "$uid" --init-groups -- "$@" || status=$?
	exit "$status"
'

# in_root LOG USER COMMAND: runs the shell command in the clone of USER (root or tester).
in_root()
{
	local log=$1 user=$2 command=$3 uid=0 home=/root
	[ "$user" = root ] || uid=$USER_ID home=/home/$user
	isolated "$log" bash -c "$ENTER" enter "$root" "$uid" \
		env -i HOME="$home" USER="$user" LOGNAME="$user" SHELL=/bin/bash TERM=dumb \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
		bash -c "cd ~/sysclamp && $command"
}

# apt_sources: this machine's sources of Debian $RELEASE itself, one line each.
apt_sources()
{
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format \
		'$(ORIGIN) $(CODENAME) deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v release="^$RELEASE(-|$)" '$1 ~ /^Debian/ && $2 ~ release {
			$1 = $2 = ""; sub(/^ +/, ""); print }' | sort -u
}

build_root()
{
	local include=git,make
	apt_sources >"$work/sources.list"
	[ -s "$work/sources.list" ] || {
		echo "apt knows no Debian $RELEASE source: check /etc/apt, run apt-get update" \
			>"$log_dir/root.log"
		return 1
	}
	! grep -q ' https:' "$work/sources.list" || include+=,ca-certificates
	apt-config dump | grep -E "$APT_SETTINGS" >"$work/apt.conf" || true
	isolated "$log_dir/root.log" mmdebstrap --mode=root --variant=minbase --include="$include" \
		--aptopt="$work/apt.conf" "$RELEASE" "$root" "$work/sources.list" || return
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
	chmod 755 "$root"
}

add_clones()
{
	printf '[safe]\n\tdirectory = *\n' >"$work/gitconfig"
	useradd --root "$root" --create-home --uid "$USER_ID" --user-group --shell /bin/bash tester
	GIT_CONFIG_GLOBAL=$work/gitconfig git clone -q --no-hardlinks "$top_dir" "$root/root/sysclamp"
	cp -a "$root/root/sysclamp" "$root/home/tester/sysclamp"
	chown -R "$USER_ID:$USER_ID" "$root/home/tester/sysclamp"
}

# expect_refusal COMMAND: as a user who can not install, COMMAND says what is missing and how to
# get it.
expect_refusal()
{
	local log=$log_dir/refused-${1##* }.log status=1
	if ! in_root "$log" tester "$1" && grep -q 'missing packages: .*gcc' "$log" &&
		grep -q 'run this as root' "$log" && grep -q 'apt-get install .*gcc' "$log"; then
		status=0
	fi
	result "$status" "fresh root, user without sudo: $1 names what to install" "$log"
}

expect_success()
{
	local user=$1 command=$2 log status=0
	log=$log_dir/$user-${command##* }.log
	in_root "$log" "$user" "$command" || status=$?
	result "$status" "$user: $command" "$log"
	[ "$status" -ne 0 ] || tail -n 12 "$log" | diag
}

# expect_clean: the commands left the clones as they were and nothing mounted here.
expect_clean()
{
	local log=$log_dir/clean.log status=0
	{
		in_root "$work/git.log" root 'git status --porcelain' || cat "$work/git.log"
		cat "$work/git.log"
		in_root "$work/git.log" tester 'git status --porcelain' || cat "$work/git.log"
		cat "$work/git.log"
		grep -F " $work" /proc/self/mountinfo || true
	} >"$log"
	[ ! -s "$log" ] || status=1
	result "$status" "the clones are unchanged, nothing is left mounted" "$log"
}

main()
{
	local tool
	[ "$(id -u)" -eq 0 ] || die 1 "needs root: run  sudo make check-bare"
	for tool in mmdebstrap unshare pivot_root setpriv git apt-get; do
		command -v "$tool" >/dev/null ||
			die 1 "$tool is not there: run  make deps  or  scripts/deps.sh dev"
	done
	trap cleanup EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	work=$(mktemp -d "${TMPDIR:-/tmp}/sysclamp-bare.XXXXXX")
	root=$work/root
	mkdir -p "$log_dir"

	printf '1..%d\n' "$TESTS"
	printf '# tests %s; logs in %s\n' "$(git -C "$top_dir" rev-parse --short HEAD)" "$log_dir"
	if ! build_root; then
		result 1 "a bare Debian 12 root with git and make" "$log_dir/root.log"
		bail_out "no root to test in"
	fi
	add_clones
	result 0 "a bare Debian 12 root with git and make"
	expect_refusal "make demo"
	expect_refusal "make check"
	expect_success root "make demo"
	expect_success root "make check"
	expect_success tester "make demo"
	expect_success tester "make check"
	expect_clean
	[ "$failed" -eq 0 ]
}

main "$@"
