extension Evasion {
    /// Other ways to the same file: through procfs, handles, trees that are mounted nowhere, other roots, other callers.
    static let detours = [
        Evasion(
            "own root in procfs", "a denied file by /proc/self/root",
            "exec $attack read /proc/self/root$PWD/secret/w/victim", "file.read", "no-secrets"),
        Evasion(
            "own directory in procfs", "a denied file by /proc/self/cwd",
            "cd secret/w; exec $attack read /proc/self/cwd/victim", "file.read", "no-secrets"),
        Evasion(
            "another's root in procfs", "a denied file by the root of a process that is not confined",
            "sleep 9 & exec $attack read-by-root $! $PWD/secret/w/victim", "operation.ptrace",
            "operations.default"),
        Evasion(
            "another's descriptor in procfs", "a denied file that a process has open",
            "sleep 9 <secret/w/victim & sleep 0.1; exec $attack read-by-descriptor $!", "operation.ptrace",
            "operations.default"),
        Evasion(
            "reopening", "a denied file by O_PATH, then by /proc/self/fd",
            "exec $attack reopen $PWD/secret/w/victim", "file.read", "no-secrets"),
        Evasion(
            "reopening for more", "a file that is open for reading, by /proc/self/fd for writing",
            "exec 9<readable/w/file; exec $attack write /proc/self/fd/9", "file.write", "files.default"),
        Evasion(
            "access mode 3", "a descriptor that is for reading and writing, and for neither",
            "exec $attack open-both $PWD/readable/w/file", "file.write", "files.default"),
        Evasion(
            "file handle", "a denied file by its handle",
            "exec $attack handle $PWD/secret/w/victim $PWD/granted", "file.read", "no-secrets"),
        Evasion(
            "detached tree", "a granted file in a tree that is mounted nowhere",
            "echo x >granted/w/x; exec $free with-tree $PWD/granted $attack read-beneath 9 w/x",
            "file.read", "unresolved"),
        Evasion(
            "detached tree of what is denied", "a denied file in a tree that is mounted nowhere",
            "exec $free with-tree $PWD/secret $attack read-beneath 9 w/victim", "file.read", "unresolved"),
        Evasion(
            "unmounted tree", "a file on what was unmounted lazily",
            """
            mkdir granted/w/m; mount -t tmpfs none granted/w/m; echo x >granted/w/m/x
            exec 9<granted/w/m; umount -l granted/w/m; exec $attack read-beneath 9 x
            """, "file.read", "unresolved"),
        Evasion(
            "moved out of a bind mount", "a directory that has left the tree by which it was reached",
            """
            mkdir -p elsewhere/a/b granted/w/m; echo x >elsewhere/a/b/x; mount --bind elsewhere/a granted/w/m
            cd granted/w/m/b; mv "$OLDPWD/elsewhere/a/b" "$OLDPWD/elsewhere/b"; exec $attack read x
            """, "file.read", "unresolved"),
        Evasion(
            "removed directory", "a file's old name in a directory that is gone",
            """
            mkdir secret/w/d; cd secret/w/d; echo x >x; exec 9<x; rm x; rmdir ../d
            exec $attack read /proc/self/fd/9
            """, "file.read", "no-secrets"),
        Evasion(
            "root that imitates", "a denied file that another root calls by a granted name",
            """
            j=elsewhere/jail; mkdir -p $j$PWD/granted $j$PWD/bin $j/proc; echo x >$j$PWD/granted/key
            mount --bind bin $j$PWD/bin; mount --bind /proc $j/proc
            exec $free with-root $PWD/$j $attack read $PWD/granted/key
            """, "file.read", "files.default"),
        Evasion(
            "chroot", "a root of its own", "exec $attack chroot $PWD/granted", "operation.chroot",
            "operations.default", .permission),
        Evasion(
            "mount namespace", "mounts of its own", "exec $attack unshare-mounts", "operation.namespace",
            "operations.default", .permission),
        Evasion(
            "user namespace", "privilege over a namespace of its own", "exec $attack unshare",
            "operation.namespace", "operations.default", .permission),
        Evasion(
            "user namespace by clone", "the same, for a child", "exec $attack clone", "operation.namespace",
            "operations.default", .permission),
        Evasion(
            "another's namespace", "a namespace by its file", "exec $attack setns", "operation.namespace",
            "operations.default", .permission),
        Evasion(
            "namespace from before", "a namespace that was open before",
            "exec 9</proc/self/ns/uts; exec $attack setns-descriptor 9", "operation.namespace",
            "operations.default", .permission),
        Evasion(
            "mount", "a file system over what is looked at", "exec $attack mount $PWD/granted/w",
            "operation.mount", "operations.default", .permission),
        Evasion(
            "mount by descriptors", "the same, by the new calls", "exec $attack fsopen", "operation.mount",
            "operations.default", .permission),
        Evasion(
            "copied tree", "a tree that is mounted nowhere", "exec $attack open-tree $PWD/granted",
            "operation.mount", "operations.default", .permission),
        Evasion(
            "ring", "a denied file by io_uring", "exec $attack io-uring-open $PWD/secret/w/victim",
            "file.read", "no-secrets"),
        Evasion(
            "ring's worker", "the same, by a thread of the kernel",
            "exec $attack io-uring-worker $PWD/secret/w/victim", "file.read", "no-secrets"),
        Evasion(
            "ring's poller", "the same, by a thread that looks for requests",
            "exec $attack io-uring-poller $PWD/secret/w/victim", "file.read", "no-secrets"),
        Evasion(
            "rename by a ring", "a denied file to a granted name, by io_uring",
            "exec $attack io-uring-rename $PWD/secret/w/victim $PWD/granted/w/x", "file.remove", "no-secrets"),
        Evasion(
            "removal by a ring", "a denied file's removal, by io_uring",
            "exec $attack io-uring-unlink $PWD/secret/w/victim", "file.remove", "no-secrets"),
        Evasion(
            "received descriptor", "a denied file that somebody sends",
            """
            $free send-descriptor $PWD/granted/w/s $PWD/secret/w/victim & while [ ! -S granted/w/s ]; do :; done
            exec $attack receive-descriptor $PWD/granted/w/s
            """, "file.read", "no-secrets", .noMessage),
        Evasion(
            "watching", "what happens in a denied directory", "exec $attack watch $PWD/secret", "file.read",
            "no-secrets"),
    ]
}
