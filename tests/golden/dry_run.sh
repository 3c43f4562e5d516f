#!/bin/bash
# What --dry-run shows, byte for byte: dry_run/CASE.out and .err.  After a change that is meant:
# UPDATE=1 tests/golden/dry_run.sh
. tests/lib.sh
cd tests/golden/dry_run || exit 1

# shown CASE STATUS OPTION...: the plan for `true` without an environment, from a user namespace of its
# own, so that whoever runs this is user 0.  How long a filter is is no matter of plans.
shown() { golden_run "$1" "$2" plan "${@:3}"; }
plan()
{
    env -C / unshare --user --map-root-user -- "$SYSCLAMP" run --dry-run --clearenv "$@" -- true |
        sed -E "s|$TMP/||g"';s/[0-9]+ instructions/N instructions/; s/("[a-z_]*instructions": )[0-9]+/\1N/'
    return "${PIPESTATUS[0]}"
}

if ! unshare --user --map-root-user true 2>/dev/null; then
    skip userns "dry runs" "no user namespaces"
    done_testing
fi

printf '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$TMP/allow.json"

shown empty 0 --umask 022
shown filter 0 -p "$TMP/allow.json"
shown then 0 -p "$TMP/allow.json" --then "$TMP/allow.json" --at serve --user 0:0
shown strict 0 --mode strict
shown strict-filter 0 --mode strict-filter --read-only
shown user 0 --user 7:8 --uidmap 0:0:100 --cap-drop all --cap-add chown,KILL
shown root-user 0 --user 0:0 --cap-drop all
shown user-namespace 0 --userns private --user 5:6
shown names 0 --hostname web --domainname example --monotonic 3600 --boottime=-0.5
shown namespaces 0 --unshare-all --net ns:/run/netns/web --uts host
shown files 0 --root /srv/root --read-only --private-proc --private-dev --private-tmp --volume /usr:/usr:ro \
    --volume /srv/a\\:b:/data:bind,exec,rslave,optional --tmpfs /run:size=1m,mode=755,tmpcopyup \
    --mount type=sysfs,target=/sys,ro --device /dev/null:/dev/nothing --mask-path /proc/kcore \
    --read-only-path /proc/sys --propagation rprivate
shown process 0 --workdir / --umask 027 --ulimit nofile=10:20 --ulimit core=unlimited --oom-score-adj 17 \
    --preserve-fd 0 --die-with-parent --new-session=false --env A=b --env C= -I
shown tty 0 --tty --ipc private --private-dev --sysctl kernel.msgmax=1
shown landlock 0 --landlock rx:/usr --landlock rw:/tmp --landlock make-reg,refer:/var --landlock-tcp bind:80 \
    --landlock-scope signal --landlock-strict
shown landlock-none 0 --landlock none --landlock-tcp none
shown controls 0 --env $'A\nB=\e[1m' --hostname $'a\nhook          b' --volume $'/\e:/b'
shown minijail 0 -u 1:1 -y -v -l -N -e -d -I

shown refused-namespace 2 --hostname web --uts host
shown refused-user 2 --user 1:
shown refused-groups 125 --user 7:8 --group-add 9 --uidmap 0:0:100
shown refused-sysctl 2 --sysctl net.ipv4.ip_forward=1

# The same as JSON.
shown json-files 0 --dry-run=json --root /srv/root --private-dev --private-tmp --volume /usr:/usr:ro
shown json-process 0 --dry-run=json --user 0:0 --ulimit nofile=10:20 --env A=b --cap-drop all -p "$TMP/allow.json"
shown json-filter 0 --dry-run=json -p "$TMP/allow.json"

done_testing
