import Foundation
import Testing

/// systemd as the first process of a process namespace, with the units that are given to it and no others.
///
/// Its root cgroup is the machine's: a unit is in `/system.slice`, as on a host.
final class ServiceManager {
    private static let units = ProgramStage.root + "/units"

    private let namespace: Child
    /// systemd itself.
    private let identifier: pid_t

    /// Starts systemd, and waits until it answers. `units`: what is in a unit's file, by its name.
    init(_ units: [String: String]) throws {
        var files = units
        // What other units are ordered by; their own would start a whole system.
        for target in ["basic", "sysinit", "shutdown", "network-online", "remote-fs", "nss-lookup"] {
            files["\(target).target"] = "[Unit]\nDefaultDependencies=no\n"
        }
        files["test.target"] = "[Unit]\nDescription=What the tests start\n"
        for (name, text) in files {
            let path = "\(Self.units)/\(name)"
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try text.write(toFile: path, atomically: false, encoding: .utf8)
        }
        namespace = try Child(
            [
                "/usr/bin/env", "-i", "container=vm", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                "SYSTEMD_UNIT_PATH=\(Self.units)", "SYSTEMD_GENERATOR_PATH=/none",
                "SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/none",
                "/usr/bin/unshare", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child",
                "/lib/systemd/systemd", "--system", "--unit=test.target", "--show-status=no",
            ])
        let children = "/proc/\(namespace.identifier)/task/\(namespace.identifier)/children"
        for _ in 0..<300 {
            if FileManager.default.fileExists(atPath: "/run/systemd/private") { break }
            usleep(50_000)
        }
        identifier = try #require(
            pid_t(try String(contentsOfFile: children, encoding: .utf8).trimmingCharacters(in: .whitespaces)))
        for _ in 0..<100 {
            if try control("show", "--property=Version").status == 0 { break }
            usleep(50_000)
        }
    }

    /// `systemctl`, where process numbers are systemd's own.
    func control(_ arguments: String...) throws -> Ran {
        try Program.run(
            ["/usr/bin/nsenter", "--target", "\(identifier)", "--pid", "--mount", "/usr/bin/systemctl"]
                + arguments
        )
    }

    /// The processes of a unit, by their numbers here.
    func processes(of unit: String) throws -> [String] {
        try String(
            contentsOfFile: "/sys/fs/cgroup/system.slice/\(unit)/cgroup.procs", encoding: .utf8
        ).split(separator: "\n").map(String.init)
    }

    /// Ends it with all that it started.
    func end() {
        // All of its namespace goes with it.
        kill(identifier, SIGKILL)
        _ = try? namespace.wait()
        unlink("/run/systemd/private")
    }
}
