#!/bin/bash
# make demo: the whole loop on a real server. Records Debian's redis-server under load, cuts its
# profile, installs it into a scratch kubelet directory, runs redis under it with the same load,
# and shows that a command redis never used is refused.
#
#	scripts/demo.sh BUILD_DIR
#
# Redis and those of its libraries that this machine lacks are downloaded and unpacked below
# BUILD_DIR/demo, never installed: no root, no service. All else happens in a temporary directory,
# which is removed at the end, or kept and named after a failure.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=scripts/redis.sh
. "$scripts_dir/redis.sh"

readonly STEPS=6
readonly BENCH_REQUESTS=5000	# per benchmark test; 20 tests
readonly READY_TIMEOUT_S=60	# for each event that is waited for
# Ends a client that hangs; in the foreground, where Ctrl-C reaches it. No function: redirections
# of a function's call are the shell's own, and would swallow what on_exit says.
readonly BOUNDED=(timeout --foreground 600)

# A call that no redis makes, and the program of Debian's required packages that makes it.
readonly REFUSED_CALL=unshare
readonly REFUSED_COMMAND=(unshare --user --map-root-user id)
readonly REFUSED_TEXT='Function not implemented'	# ENOSYS, the profile's default errno

step_nr=0 step_name=start work='' server=''

die_usage()
{
	die 2 "usage: scripts/demo.sh BUILD_DIR (make demo calls it)"
}

# --- output ---------------------------------------------------------------------------------

step()
{
	step_nr=$((step_nr + 1)) step_name=$1
	printf '\n%s[%d/%d] %s%s\n' "$bold" "$step_nr" "$STEPS" "$step_name" "$plain"
}

fail()
{
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

# run CMD...: shows the command, runs it, shows what it says; fails with it.
run()
{
	local status=0
	show "$(quote "$@")"
	"${BOUNDED[@]}" "$@" >out.txt 2>&1 || status=$?
	indent <out.txt
	[ "$status" -eq 0 ] || fail "\"$(quote "$@")\" ended with status $status"
}

seconds_since()
{
	perl -e 'printf "%.1f", $ARGV[1] - $ARGV[0]' "$1" "$EPOCHREALTIME"
}

# --- processes ------------------------------------------------------------------------------

# kill_tree SIGNAL PID: PID, which we started, and its descendants, innermost first.
kill_tree()
{
	local children child
	read -r -a children < <(cat "/proc/$2/task/"*/children 2>/dev/null) || true
	for child in "${children[@]}"; do
		kill_tree "$1" "$child"
	done
	kill -s "$1" "$2" 2>/dev/null || true
}

# await_end PID SECONDS: waits until the process has ended; fails after SECONDS.
await_end()
{
	timeout --foreground "$2" tail -s 0.1 --pid="$1" -f /dev/null
}

on_exit()
{
	local status=$? end=failed
	trap - EXIT INT TERM HUP
	if [ -n "$server" ]; then
		kill_tree TERM "$server"
		await_end "$server" 5 || kill_tree KILL "$server"
		wait "$server" 2>/dev/null || true
	fi
	cd /
	if [ "$status" -eq 0 ]; then
		[ -z "$work" ] || rm -rf "$work"
		return
	fi
	[ "$status" -gt 128 ] && end=interrupted || status=1
	printf 'demo: step %d (%s) %s\n' "$step_nr" "$step_name" "$end" >&2
	[ -z "$work" ] || printf 'demo: its files are kept in %s\n' "$work" >&2
	exit "$status"
}

# await_log FILE TEXT: waits until the server has logged TEXT; fails if it logs an error or ends
# before that.
await_log()
{
	local line
	line=$(grep -m 1 -E -e "$2|[Ee]rror" < <(timeout "$READY_TIMEOUT_S" \
		tail -s 0.1 -n +1 --pid="$server" -f "$1")) || true
	[[ $line != *"$2"* ]] || return 0
	tail -n 20 "$1" "${1%.log}.err" | indent >&2
	fail "redis-server did not log \"$2\""
}

# --- load -----------------------------------------------------------------------------------

write_commands()
{
	cat >commands.redis <<-'END'
		SET greeting hello EX 100
		APPEND greeting " world"
		GET greeting
		SETRANGE big 20000000 x
		UNLINK big
		LPUSH list a b c
		LRANGE list 0 -1
		SORT list ALPHA
		BLPOP nothing 0.2
		HSET hash field value
		ZADD scores 1 one 2 two
		ZRANGE scores 0 -1 WITHSCORES
		XADD stream * temperature 21
		XREAD BLOCK 50 STREAMS stream $
		PFADD visitors ann bob
		SETBIT bits 7 1
		GEOADD places 13.361389 38.115556 Palermo
		EVAL "for i = 1, 1000 do redis.call('INCR', KEYS[1]) end return redis.call('GET', KEYS[1])" 1 counter
		MULTI
		INCR counter
		PEXPIRE counter 100000
		EXEC
		PUBLISH news hello
		CLIENT LIST
		SLOWLOG GET 5
		MEMORY PURGE
		INFO everything
		SAVE
		BGSAVE
	END
}

redis_info()
{
	"${BOUNDED[@]}" redis-cli -s "$1" INFO "$2" | tr -d '\r' | sed -n "s/^$3://p"
}

# drive DIR: the load, against the server in DIR. Sets requests, errors, load_s.
drive()
{
	local socket=$1/redis.sock log=$1.log begin=$EPOCHREALTIME
	show "$(quote redis-benchmark -s "$socket" -n "$BENCH_REQUESTS" -c 20 --csv)"
	"${BOUNDED[@]}" redis-benchmark -s "$socket" -n "$BENCH_REQUESTS" -c 20 --csv \
		>"$1.csv" 2>out.txt ||
		fail "redis-benchmark: $(tail -n 1 out.txt)"
	requests=$(redis_info "$socket" stats total_commands_processed)
	printf '  %d tests, %d requests\n' $(($(wc -l <"$1.csv") - 1)) "$requests"
	show "redis-cli -e -s $socket < commands.redis"
	"${BOUNDED[@]}" redis-cli -e -s "$socket" <commands.redis >"$1.out" 2>&1 ||
		fail "redis-cli: $(tail -n 1 "$1.out")"
	printf '  %d commands: strings, lists, streams, Lua, SAVE, BGSAVE, ...\n' \
		"$(wc -l <commands.redis)"
	await_log "$log" 'Background saving terminated with success'
	run redis-cli -e -s "$socket" CONFIG SET appendonly yes
	await_log "$log" 'Background AOF rewrite finished successfully'
	run redis-cli -e -s "$socket" SET durable yes
	run redis-cli -e -s "$socket" FLUSHALL ASYNC
	errors=$(redis_info "$socket" stats total_error_replies)
	load_s=$(seconds_since "$begin")
}

# start DIR CMD...: starts a server that lives in DIR; ready when this returns.
start()
{
	local dir=$1
	shift
	mkdir "$dir"
	show "$(quote "$@") &"
	: >"$dir.log"
	"$@" >"$dir.log" 2>"$dir.err" &
	server=$!
	await_log "$dir.log" 'ready to accept connections'
	run redis-cli -s "$dir/redis.sock" PING
}

# stop DIR: shuts the server down and waits for the command that started it.
stop()
{
	local status=0
	run redis-cli -s "$1/redis.sock" SHUTDOWN SAVE
	await_end "$server" "$READY_TIMEOUT_S" || fail "redis-server did not end after SHUTDOWN"
	wait "$server" || status=$?
	server=''
	indent <"$1.err"
	[ "$status" -eq 0 ] || fail "it ended with status $status"
}

# --- figures --------------------------------------------------------------------------------

# recording_figures FILE: calls made, distinct calls.
recording_figures()
{
	perl -MJSON::PP -0777 -ne '
		my $calls = decode_json($_)->{syscalls};
		my $sum = 0;
		$sum += $_->{count} for @$calls;
		print "$sum ", scalar(@$calls), "\n"' "$1"
}

# allowed FILE: the names that a profile allows, one a line, sorted.
allowed()
{
	perl -MJSON::PP -0777 -ne '
		my %names;
		for my $rule (@{decode_json($_)->{syscalls}}) {
			next if $rule->{action} ne "SCMP_ACT_ALLOW";
			$names{$_} = 1 for @{$rule->{names} // [$rule->{name}]};
		}
		print map { "$_\n" } sort keys %names' "$1"
}

figure()
{
	printf '  %-24s %s\n' "$1" "$2"
}

# --- the steps ------------------------------------------------------------------------------

record_redis()
{
	step "record redis-server under load"
	start first sysclamp record -o redis.rec.json -- \
		redis-server --port 0 --unixsocket redis.sock --save '' --dir first
	drive first
	record_requests=$requests record_s=$load_s
	stop first
	read -r calls distinct < <(recording_figures redis.rec.json)
}

cut_profile()
{
	step "cut the profile"
	run sysclamp generate -o redis.json redis.rec.json
	allowed redis.json >redis.names
	allowed "$top_dir/profiles/runtime-default.json" >default.names
	[ -s redis.names ] || fail "the profile allows nothing"
	! grep -qx "$REFUSED_CALL" redis.names ||
		fail "the profile allows $REFUSED_CALL, which redis never called"
}

install_profile()
{
	step "install it where a kubelet would look"
	run mkdir kubelet
	run sysclamp install -p redis.json --name redis --kubelet-dir kubelet
	installed=$(find kubelet/seccomp -name 'redis-*.json')
	[ -n "$installed" ] || fail "no kubelet/seccomp/redis-*.json was written"
}

run_redis()
{
	local pid mode
	step "run redis-server under the profile, same load"
	start second sysclamp run -p "$installed" -- \
		redis-server --port 0 --unixsocket redis.sock --save '' --dir second
	pid=$(redis_info second/redis.sock server process_id)
	mode=$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")
	show "grep Seccomp: /proc/$pid/status"
	printf '  Seccomp: %s\n' "$mode"
	[ "$mode" = 2 ] || fail "redis-server is not held by a filter"
	drive second
	stop second
	[ "$errors" = 0 ] || fail "redis answered $errors requests with an error"
}

refuse_command()
{
	local status=0
	step "a command that redis never used is refused"
	show "$(quote "${REFUSED_COMMAND[@]}")"
	"${REFUSED_COMMAND[@]}" >free.txt 2>&1 || status=$?
	indent <free.txt
	printf '  (without the profile: status %d)\n' "$status"
	! grep -q "$REFUSED_TEXT" free.txt ||
		fail "this kernel has no $REFUSED_CALL: nothing to refuse"
	show "$(quote sysclamp run -p "$installed" -- "${REFUSED_COMMAND[@]}")"
	status=0
	sysclamp run -p "$installed" -- "${REFUSED_COMMAND[@]}" >out.txt 2>&1 || status=$?
	indent <out.txt
	printf '  (under the profile: status %d)\n' "$status"
	refusal=$(grep -m 1 "$REFUSED_CALL.*$REFUSED_TEXT" out.txt) ||
		fail "$REFUSED_CALL was not refused with \"$REFUSED_TEXT\""
	[ "$status" -eq 1 ] || fail "expected status 1, the program's own for a refused call"
}

summary()
{
	local more
	more=$(comm -13 redis.names default.names | wc -l)
	step_name=summary
	printf '\n%sSummary%s\n' "$bold" "$plain"
	figure workload "$(redis-server --version | cut -d ' ' -f 1-3), driven by redis-benchmark"
	figure "calls seen" "$calls while recording $record_requests requests"
	figure "distinct calls" "$distinct"
	figure "allowed in the profile" "$(wc -l <redis.names) (with what container runtimes need)"
	figure "runtime-default.json" "allows $(wc -l <default.names), $more of them not needed here"
	figure "installed as" "${installed#kubelet/seccomp/}"
	figure "run under the profile" "$requests requests, $errors errors"
	figure "load took" "$load_s s under the profile, $record_s s while recorded"
	figure refused "$refusal"
	figure "time taken" "$(seconds_since "$demo_begin") s"
}

main()
{
	local build
	[ $# -eq 1 ] || die_usage
	build=$(realpath "$1")
	[ -x "$build/sysclamp" ] || die 1 "no $1/sysclamp: run make first"
	if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
		bold=$'\e[1m' plain=$'\e[0m'
	fi
	export LC_ALL=C
	demo_begin=$EPOCHREALTIME
	trap on_exit EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP

	step "fetch Debian's redis"
	fetch_redis "$build/demo"
	PATH=$build:$redis_root/usr/bin:$PATH
	work=$(mktemp -d "${TMPDIR:-/tmp}/sysclamp-demo.XXXXXX")
	cd "$work"
	write_commands
	record_redis
	cut_profile
	install_profile
	run_redis
	refuse_command
	summary
}

main "$@"
