extension Evasion {
    /// Code that may not be run, run all the same.
    static let code = [
        Evasion(
            "program", "a program that may be read, not executed",
            "exec $attack execute $PWD/data/program nothing",
            "file.execute", "no-code"),
        Evasion(
            "program by its descriptor", "the same, by O_PATH and execveat",
            "exec $attack execute-descriptor $PWD/data/program nothing", "file.execute", "no-code"),
        Evasion(
            "copy in memory", "a copy of a program in a memfd",
            "exec $attack memfd-execute $PWD/data/program nothing", "operation.anonymous-exec",
            "operations.deny[1]", .permission),
        Evasion(
            "code in memory", "a memfd, mapped executable", "exec $attack memfd-map",
            "operation.anonymous-exec", "operations.deny[1]", .permission),
        Evasion(
            "shared segment", "a System V segment, attached executable", "exec $attack shared-segment",
            "operation.anonymous-exec", "operations.deny[1]", .permission),
        Evasion(
            "deleted program", "a program whose name is gone",
            "cp bin/attacks granted/w/p; exec $attack deleted-execute $PWD/granted/w/p nothing",
            "operation.anonymous-exec", "operations.deny[1]", .permission),
        Evasion(
            "deleted file mapped", "a file whose name is gone, mapped executable",
            "cp bin/attacks granted/w/p; exec $attack deleted-map $PWD/granted/w/p",
            "operation.anonymous-exec",
            "operations.deny[1]", .permission),
        Evasion(
            "script's interpreter", "a denied program as a granted script's interpreter",
            """
            printf '#!%s nothing\n' $PWD/data/program >granted/w/s; chmod +x granted/w/s
            exec $attack execute $PWD/granted/w/s
            """, "file.execute", "no-code"),
        Evasion(
            "script", "a denied script by a granted interpreter",
            """
            printf '#!%s nothing\n' $PWD/bin/attacks >secret/w/s; chmod +x secret/w/s
            exec $attack execute $PWD/secret/w/s
            """, "file.execute", "no-secrets"),
        Evasion(
            "loader as a program", "a denied program as the loader's argument",
            "exec $attack execute /lib64/ld-linux-x86-64.so.2 $PWD/data/true", "file.map", "no-code",
            .loader),
        Evasion(
            "own memory in procfs", "code that is not writable, by /proc/self/mem",
            "exec $attack self-memory",
            "file.write", "files.default"),
        Evasion(
            "another's memory in procfs", "the memory of a process that is not confined",
            "sleep 9 & exec $attack proc-memory $!", "operation.ptrace", "operations.default"),
        Evasion(
            "mapping after opening", "a file that may be read, mapped executable",
            "exec $attack map-after-open $PWD/data/program", "file.map", "no-code"),
        Evasion(
            "mprotect", "a mapping that is made executable",
            "exec $attack protect-after-map $PWD/data/program",
            "file.map", "no-code"),
        Evasion(
            "mprotect by a key", "the same, by pkey_mprotect",
            "exec $attack protect-by-key $PWD/data/program",
            "file.map", "no-code"),
        Evasion(
            "mprotect on an overlay", "a layer's file, mapped and made executable",
            """
            cp data/program granted/w/p; mkdir elsewhere/u elsewhere/k
            mount -t overlay -o lowerdir=granted/w,upperdir=elsewhere/u,workdir=elsewhere/k none data
            exec $attack protect-after-map $PWD/data/p
            """, "file.map", "no-code"),
        Evasion(
            "writable code", "memory that is written and executed", "exec $attack writable-code",
            "operation.writable-code", "operations.deny[0]", .permission),
        Evasion(
            "core pattern", "a program that the kernel starts when another crashes",
            "exec $attack write /proc/sys/kernel/core_pattern", "operation.kernel-helper",
            "operations.default",
            .permission),
        Evasion(
            "module helper", "a program that the kernel starts to load a module",
            "exec $attack write /proc/sys/kernel/modprobe", "operation.kernel-helper", "operations.default",
            .permission),
    ]

    /// Other processes and threads: what becomes of confinement there, and who is not confined.
    static let processes = [
        Evasion(
            "daemon", "a grandchild in a session of its own", "exec $attack daemon-read $PWD/secret/w/victim",
            "file.read", "no-secrets"),
        Evasion(
            "thread", "another thread", "exec $attack thread-read $PWD/secret/w/victim", "file.read",
            "no-secrets"),
        Evasion(
            "another program", "a program that no policy names",
            "exec $attack execute $PWD/bin/attacks read $PWD/secret/w/victim", "file.read", "no-secrets"),
        Evasion(
            "another cgroup", "a cgroup that no policy names",
            """
            mount -t cgroup2 none elsewhere; mkdir -p elsewhere/other; echo 0 >elsewhere/other/cgroup.procs
            umount elsewhere; exec $attack read $PWD/secret/w/victim
            """, "file.read", "no-secrets"),
        Evasion(
            "ptrace", "a process that is not confined", "sleep 9 & exec $attack ptrace $!",
            "operation.ptrace",
            "operations.default", .permission),
        Evasion(
            "another's memory", "the memory of a process that is not confined, by process_vm_readv",
            "sleep 9 & exec $attack read-memory $! $(sed -n '1s/-.*//p' /proc/$!/maps)", "operation.ptrace",
            "operations.default", .permission),
        Evasion(
            "another's descriptor", "a descriptor of a process that is not confined",
            "sleep 9 <secret/w/victim & sleep 0.3; exec $attack pidfd-getfd $!", "operation.ptrace",
            "operations.default",
            .permission),
    ]
}
