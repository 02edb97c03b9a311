import Foundation
import Testing

/// `policies/build.yaml` with make, gcc and a shell, and what a Makefile of somebody else may try.
@Suite(.landlock) struct PoliciesBuildTests {
    private let place: Workplace

    /// A program of two files and a library, behind a configure step.
    init() throws {
        place = try Workplace()
        try place.write("include/greet.h", "int greet(const char *name);\n")
        try place.write(
            "lib/greet.c",
            """
            #include <greet.h>
            #include <stdio.h>
            #include "../config.h"
            int greet(const char *name) { return printf(GREETING " %s\\n", name) > 0 ? 0 : 1; }

            """)
        try place.write("lib/more.c", "int answer(void) { return 42; }\n")
        try place.write(
            "src/main.c",
            """
            #include <greet.h>
            int answer(void);
            int main(void) { return answer() == 42 ? greet("world") : 1; }

            """)
        try place.write(
            "configure",
            """
            #!/bin/sh
            set -e
            cat > conftest.c <<END
            #include <unistd.h>
            int main(void) { return getpid() > 0 ? 0 : 1; }
            END
            ${CC:-cc} -o conftest conftest.c 2>config.log && ./conftest
            rm -f conftest conftest.c
            tool=$(mktemp) && echo hello > "$tool" && greeting=$(sed s/h/H/ "$tool") && rm "$tool"
            echo "#define GREETING \\"$greeting\\"" > config.h

            """, mode: 0o755)
        try place.write(
            "Makefile",
            """
            CFLAGS = -O1 -Wall -Werror -Iinclude
            build/program: build/main.o build/libgreet.a build/libmore.so
            \t$(CC) -o $@ build/main.o -Lbuild -lgreet -lmore -Wl,-rpath,'$$ORIGIN'
            build/libgreet.a: build/greet.o
            \t$(AR) rcs $@ $^
            build/libmore.so: lib/more.c | build
            \t$(CC) -shared -fPIC -o $@ $<
            build/%.o: src/%.c config.h | build
            \t$(CC) $(CFLAGS) -c -o $@ $<
            build/%.o: lib/%.c config.h | build
            \t$(CC) $(CFLAGS) -c -o $@ $<
            config.h: configure
            \t./configure
            build:
            \tmkdir -p $@
            test: build/program
            \tbuild/program
            install: build/program
            \tln -f build/program bin-program && chmod 755 bin-program
            clean:
            \trm -rf build config.h bin-program

            """)
    }

    @Test func `a project is configured, built in parallel, run, installed and cleaned`() throws {
        let built = try place.run("build", ["make", "-s", "-j4", "test", "install"], limit: 120)
        #expect(built.status == 0, "\(built)")
        #expect(built.output.contains("Hello world\n"), "\(built)")
        #expect(built.denials.allSatisfy { $0.object == "unix" }, "\(built)")
        #expect(FileManager.default.isExecutableFile(atPath: "\(place.project)/bin-program"))
        let cleaned = try place.run("build", ["make", "-s", "clean"])
        #expect(cleaned.status == 0, "\(cleaned)")
        #expect(place.read("config.h") == nil)
    }

    @Test func `a Makefile that reads a key fails, and the rule is named`() throws {
        let key = "\(place.home)/.ssh/id_ed25519"
        try place.write("steal.mk", "all:\n\tcat $(HOME)/.ssh/id_ed25519 > loot\n")
        let run = try place.run("build", ["make", "-f", "steal.mk"])
        #expect(run.status == 2)
        run.expectDenied("file.read", key, by: "base/secrets:keys")
        #expect(run.errors.contains("swguard: denied cat["), "\(run)")
        #expect(run.errors.contains("secrets.yaml:"), "\(run)")
        try place.expectUntouched()
    }

    @Test func `a Makefile reaches a key by no other name`() throws {
        let key = "\(place.home)/.ssh/id_ed25519"
        for script in [
            "ln -s \(key) name && cat name", "ln \(key) name && cat name", "mv \(key) name && cat name",
            "cat /proc/self/root\(key)", "cat /proc/self/cwd/../.ssh/id_ed25519", "cp -r ../.ssh copy",
            "exec 9<../.ssh; cat /proc/self/fd/9/id_ed25519", "ls ../.ssh",
        ] {
            let run = try place.run("build", ["sh", "-c", script])
            #expect(run.status != 0, "\(script): \(run)")
        }
        #expect(FileManager.default.fileExists(atPath: key))
        try place.expectUntouched()
    }

    @Test func `a Makefile writes nothing outside`() throws {
        let file = "\(place.outside)/file"
        try place.write("spoil.mk", "all:\n\techo spoiled > \(file)\n")
        let run = try place.run("build", ["make", "-f", "spoil.mk"])
        #expect(run.status == 2)
        run.expectDenied("file.write", file, by: "files.default")
        for script in [
            "ln -s \(file) way && echo spoiled > way", "ln -s ../../outside way && touch way/new",
            "rm \(file)", "mv \(file) mine", "truncate -s 0 \(file)", "touch /usr/bin/new-program",
            "touch ../.bashrc",
        ] {
            let run = try place.run("build", ["sh", "-c", script])
            #expect(run.status != 0, "\(script): \(run)")
            try? FileManager.default.removeItem(atPath: "\(place.project)/way")
        }
        try place.expectUntouched()
    }

    @Test func `a build talks to nobody and touches no other process`() throws {
        try place.bringAttacks()
        let own = String(ProcessInfo.processInfo.processIdentifier)
        let connect = try place.run("build", ["./attacks", "connect", "443"])
        #expect(connect.status == EACCES, "\(connect)")
        connect.expectDenied("socket.create", "inet", by: "network.families")
        let curl = try place.run("build", ["curl", "-s", "http://127.0.0.1:1"])
        #expect(curl.status != 0)
        for (attack, argument) in [
            ("ptrace", own), ("signal", own), ("environment", own), ("proc-memory", own), ("udp", ""),
            ("mount", place.project), ("unshare", ""), ("tiocsti", ""), ("unix", ""), ("bind", "8080"),
            ("io-uring", ""), ("chroot", place.project),
        ] {
            let run = try place.run("build", ["./attacks", attack, argument])
            #expect([EACCES, EPERM].contains(run.status), "\(attack): \(run)")
        }
        let trace = try place.run("build", ["./attacks", "ptrace", own])
        trace.expectDenied("syscall.ptrace", "ptrace", by: "syscalls.default")
    }
}
