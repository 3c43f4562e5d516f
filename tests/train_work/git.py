"""git: short scripts of git commands, each in a repository with a few commits and two branches.

The shell has builtins only, so that what is recorded is git's and the shell's.
"""
import functools
import os
import shutil
import subprocess

import tap
import workload

ENVIRON = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "true",
    **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
       for what, value in (("NAME", "A"), ("EMAIL", "a@example.org"), ("DATE", "1700000000 +0000"))},
}

WORK = {
    "commits": {
        "one": "echo new >new; git add new; git commit -qm new; git log --oneline --stat",
        "amend": "echo more >>one; git commit -qam more; git commit -q --amend -m 'more, better'; git log -1",
        "all": "echo more >>one; echo more >>dir/two; git commit -qam both; git show --stat",
        "removed": "git rm -q one; git commit -qm 'without one'; git ls-files",
        "moved": "git mv one three; git commit -qm moved; git log --follow --oneline three",
        "in parts": "echo a >>one; echo b >b; git add b; git commit -qm b; git status --short",
        "empty": "git commit -q --allow-empty -m nothing; git log --format=%s; git reset -q --hard HEAD~2; git log -1",
        "reverted": "git revert --no-edit HEAD; git log --oneline -2",
    },
    "looking": {
        "log": "git log --graph --all --decorate --oneline; git log -S two --format=%s",
        "diff": "echo more >>one; git diff; git diff --stat HEAD~1; git diff --word-diff main topic",
        "show": "git show HEAD~1; git show HEAD:one; git show --name-only topic",
        "blame": "git blame -s one; git shortlog -sn HEAD",
        "grep": "git grep -n line; git grep -c line topic; git grep -l nothing || echo none",
        "status": "echo x >x; echo more >>one; git status --short --branch; git ls-files --others --modified",
        "describe": "git tag v1 HEAD~1; git describe --tags; git name-rev --tags HEAD~1; git rev-list --count HEAD",
    },
    "branches": {
        "switch": "git checkout -q topic; git branch; git checkout -q -b new; git branch -d new 2>&1 || git branch",
        "merge": "git merge -q --no-edit topic; git log --oneline --graph",
        "fast-forward": "git checkout -q -b ahead; echo z >z; git add z; git commit -qm z; git checkout -q main;"
                        " git merge -q ahead; git log -1 --format=%s",
        "conflict": "echo other >one; git commit -qam other; git merge topic2 || git diff --name-only --diff-filter=U;"
                    " echo settled >one; git commit -qam settled; git log -1 --format=%p%s",
        "rebase": "git checkout -q topic; git rebase -q main; git log --oneline",
        "interactive": "git checkout -q topic; GIT_SEQUENCE_EDITOR=true git rebase -q -i --force-rebase HEAD~1;"
                       " git log --oneline",
        "cherry-pick": "git cherry-pick topic; git log -2 --format=%s",
        "squash": "git merge -q --squash topic; git commit -qm squashed; git log -1 --stat",
    },
    "tree": {
        "stash": "echo more >>one; git stash -q; git status --short; git stash pop -q; git status --short",
        "reset": "echo more >>one; git add one; git reset -q; git status --short; git reset -q --hard; git status",
        "restore": "echo more >>one; git restore one; git restore -s HEAD~1 one; git diff --stat",
        "clean": "echo x >x; git clean -fdq; git status --short; echo ok",
        "worktree": "git worktree add -q ../tree topic; git worktree list --porcelain | { read -r a b; echo $a; };"
                    " git worktree remove ../tree; git worktree prune",
        "ignored": "echo '*.o' >.gitignore; echo x >a.o; git status --short --ignored; git check-ignore a.o",
        "sparse": "git sparse-checkout set dir; git ls-files -t; git sparse-checkout disable; git status --short",
    },
    "remotes": {
        "clone": "git clone -q . ../copy; cd ../copy; git log --oneline; git remote; git branch -r",
        "bare": "git clone -q --bare . ../bare.git; git -C ../bare.git log --oneline --all",
        "fetch": "git clone -q . ../copy; echo new >new; git add new; git commit -qm new; cd ../copy;"
                 " git fetch -q; git log --oneline origin/main",
        "pull": "git clone -q . ../copy; echo new >new; git add new; git commit -qm new; cd ../copy;"
                " git pull -q; git log --oneline",
        "push": "git clone -q --bare . ../bare.git; echo new >new; git add new; git commit -qm new;"
                " git push -q ../bare.git main; git -C ../bare.git log --oneline main",
        "shallow": "git clone -q --depth 1 file://$PWD ../copy; cd ../copy; git log --oneline; git fetch -q --unshallow;"
                   " git log --oneline",
        "mirror": "git clone -q --mirror . ../m.git; git checkout -q -b x; git commit -q --allow-empty -m x;"
                  " git -C ../m.git remote update >&2; git -C ../m.git log -1 --format=%s x",
    },
    "bundles": {
        "made": "git bundle create -q b.bundle main; git bundle verify -q b.bundle; git bundle list-heads b.bundle",
        "cloned": "git bundle create -q b.bundle main; git clone -q b.bundle -b main ../copy; git -C ../copy log --oneline",
        "fetched": "git bundle create -q b.bundle topic; git init -q ../copy; cd ../copy;"
                   " git fetch -q ../repository/b.bundle topic; git log --oneline FETCH_HEAD",
    },
    "store": {
        "gc": "git gc -q; git count-objects -v; git fsck",
        "repack": "git repack -adq; git count-objects; git fsck --strict",
        "prune": "git commit -q --allow-empty -m x; git reset -q --hard HEAD~1; git reflog expire --expire=now --all;"
                 " git prune --expire=now; git count-objects",
        "pack-refs": "git pack-refs --all; git for-each-ref --format='%(refname)'",
        "aggressive": "git gc -q --aggressive --prune=now; git log --oneline --all",
        "maintenance": "git maintenance run --task=gc --task=commit-graph --quiet; git log --oneline",
        "verify": "git repack -adq; git verify-pack .git/objects/pack/*.idx; git commit-graph write --reachable;"
                  " git commit-graph verify",
    },
    "plumbing": {
        "objects": "echo text | git hash-object -w --stdin; git cat-file -p HEAD; git cat-file -t HEAD^{tree}",
        "trees": "git ls-tree -r HEAD; git write-tree; git rev-parse HEAD:dir; git cat-file --batch-check"
                 " --batch-all-objects",
        "config": "git config user.nick n; git config --get user.nick; git config --unset user.nick; git config --list"
                  " --local | { read -r a; echo $a; }",
        "archive": "git archive --format=tar -o a.tar HEAD; git archive --format=tar.gz -o a.tar.gz HEAD:dir; echo *",
        "patches": "git format-patch -q -1 topic -o p; git apply --check p/*; git am -q p/*; git log -1 --format=%s",
        "refs": "git tag -a -m annotated v2; git update-ref refs/heads/x HEAD~1; git show-ref; git tag -d v2;"
                " git symbolic-ref HEAD",
        "notes": "git notes add -m noted; git log -1; git notes remove; git reflog | { read -r a b; echo $b; }",
        "fast-export": "git fast-export --all >../stream; git init -q ../again; cd ../again;"
                       " git fast-import --quiet <../stream; git log --oneline main",
    },
}

PREPARE = """
git init -q -b main --template= . && git config gc.auto 0 && git config maintenance.auto false
git config advice.detachedHead false
mkdir dir && echo 'line one' >one && echo 'line two' >dir/two && git add . && git commit -qm first
echo 'line three' >>one && git commit -qam second
git checkout -qb topic && echo topic >topic && git add topic && git commit -qm topic && git checkout -q main
git checkout -qb topic2 HEAD~1 && echo another >one && git commit -qam another && git checkout -q main
"""


@functools.cache
def repository():
    """The repository that each piece of work has a copy of."""
    place = tap.scratch()
    subprocess.run(["/bin/sh", "-ec", PREPARE], check=True, cwd=place, stdin=subprocess.DEVNULL, timeout=60,
                   env={**workload.ENVIRON, **ENVIRON})
    return place


def run(text, directory, prefix):
    """Run a piece of work: its result."""
    place = os.path.join(directory, "repository")  # which may have neighbours
    shutil.copytree(repository(), place, symlinks=True)
    return workload.run([*prefix, "/bin/sh", "-c", text], cwd=place, env=ENVIRON)
